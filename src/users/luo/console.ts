import type { ConsoleLines } from '../user.ts';

/** luo_early_startup() (kernel/liveupdate/luo_core.c, 7.3); "luo: " is the pr_fmt() of the file. */
export const consoleLines: ConsoleLines = {
  speaks: [/^luo: /],
  proofs: [{ name: 'LUO', line: /^luo: Retrieved live update data, liveupdate number: \d+/ }],
  refusals: [
    { name: 'LUO', line: /^luo: LUO state is (?:too small|incompatible with)/ },
    { name: 'LUO', line: /^luo: failed to retrieve LUO state/ },
  ],
  failures: [],
};
