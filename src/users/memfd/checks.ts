import { type Checks, error, reporter, warning } from '../../kernel/check.ts';
import { KERNEL_CHECKS } from '../../kernel/checks.ts';

/** mm/memfd_luo.c: memfd_luo_retrieve(), when the file is retrieved */
export const checks = {
  'memfd-seals': error('kernel', 'a memfd with seals that the receiver does not know'),
  'memfd-seal-exec': warning(
    'kernel',
    'a memfd sealed against changes of its mode, and not against writing: it comes back sealed against both',
  ),
  'memfd-size': error('rule', 'a memfd of 2^63 bytes or more: a program sees a negative size'),
  'memfd-position': warning('kernel', 'a position that no file can have: it is 0 afterwards'),
  'memfd-list': error('kernel', 'a list of folios that kho_restore_vmalloc() refuses, or that is too short'),
  'memfd-folio': error('kernel', 'a folio of a memfd that is not preserved, or restored twice'),
  'memfd-index-twice': error('kernel', 'two folios for one page of a memfd'),
  'memfd-index': error('rule', 'a folio beyond the end of a memfd, or not aligned in it'),
  'memfd-folio-flags': error(
    'rule',
    'a folio that is not up to date, or not dirty: its content is lost, at once or when memory is short',
  ),
  'memfd-large-folio': warning(
    'rule',
    'folios of a memfd that are larger than a page: the receiver needs CONFIG_TRANSPARENT_HUGEPAGE',
  ),
} as const satisfies Checks;

export const report = reporter({ ...KERNEL_CHECKS, ...checks });
