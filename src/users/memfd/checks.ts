import { type Checks, error, note, reporter } from '../../kernel/check.ts';
import { KERNEL_CHECKS } from '../../kernel/checks.ts';

/** mm/memfd_luo.c: memfd_luo_retrieve(), when the file is retrieved */
export const checks = {
  'memfd-seals': error('kernel', 'a memfd with seals that the receiver does not know'),
  'memfd-list': error('kernel', 'a list of folios that kho_restore_vmalloc() refuses, or that is too short'),
  'memfd-folio': error('kernel', 'a folio of a memfd that is not preserved, or restored twice'),
  'memfd-index-twice': error('kernel', 'two folios for one page of a memfd'),
  'memfd-index': error('rule', 'a folio beyond the end of a memfd, or not aligned in it'),
  'memfd-large-folio': note(
    'folios of a memfd that are larger than a page: the receiver needs CONFIG_TRANSPARENT_HUGEPAGE',
  ),
} as const satisfies Checks;

export const report = reporter({ ...KERNEL_CHECKS, ...checks });
