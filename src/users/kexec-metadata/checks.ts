import { type Checks, error, reporter, warning } from '../../kernel/check.ts';

/** KH kho_in_kexec_metadata() */
export const checks = {
  'kexec-metadata-size': error('kernel', 'kexec-metadata that is too small'),
  'kexec-metadata-version': error('kernel', 'kexec-metadata of a version that the receiver does not know'),
  'kexec-metadata-release': warning('rule', 'a previous_release that is not terminated'),
} as const satisfies Checks;

export const report = reporter(checks);
