import { type Checks, error, note, reporter } from '../../kernel/check.ts';

/** lib/test_kho.c, KH kho_restore_vmalloc(), kho_restore_page() */
export const checks = {
  'kho-test-format': error('kernel', 'a kho_test FDT that kho_test_restore() refuses'),
  'kho-test-vmalloc': error('kernel', 'a list of test folios that kho_restore_vmalloc() refuses'),
  'kho-test-folio': error('kernel', 'a test folio that is not preserved, or at another order'),
  'kho-test-checksum': error('kernel', 'test data that does not add up to its checksum'),
  'kho-test-contents': note('test folios whose contents are not in the image: the checksum is not compared'),
} as const satisfies Checks;

export const report = reporter(checks);
