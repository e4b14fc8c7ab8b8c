import type { ConsoleLines } from '../user.ts';

/** kho_in_kexec_metadata() (kernel/liveupdate/kexec_handover.c, 7.3); "KHO: " is the pr_fmt() of the file. */
export const consoleLines: ConsoleLines = {
  speaks: [],
  proofs: [{ name: 'kexec-metadata', line: /^KHO: exec from: .* \(count \d+\)/ }],
  refusals: [
    { name: 'kexec-metadata', line: /^KHO: kexec-metadata (?:blob too small|version \d+ not supported)/ },
  ],
  failures: [],
};
