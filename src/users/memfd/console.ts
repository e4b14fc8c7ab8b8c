import type { ConsoleLines } from '../user.ts';

/** memfd_luo_retrieve() (mm/memfd_luo.c, 7.3) speaks when a file is retrieved, long after the boot; "memfd_luo: " is the pr_fmt() of the file. */
export const consoleLines: ConsoleLines = {
  speaks: [/^memfd_luo: /],
  proofs: [],
  refusals: [],
  failures: [],
};
