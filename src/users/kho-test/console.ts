import type { ConsoleLines } from '../user.ts';

/** kho_test_init() (lib/test_kho.c, 7.3); "test_kho: " is the pr_fmt() of the file. */
export const consoleLines: ConsoleLines = {
  speaks: [/^test_kho: /],
  proofs: [{ name: 'kho_test', line: /^test_kho: KHO restore succeeded/ }],
  refusals: [{ name: 'kho_test', line: /^test_kho: failed to retrieve .* FDT/ }],
  failures: [
    {
      name: 'kho_test',
      line: /^test_kho: KHO restore failed/,
      text: 'test_kho did not find what was preserved',
    },
  ],
};
