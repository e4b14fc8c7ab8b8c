import { vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { Ran } from './run.ts';

/** Runs the command line of src/ in this process, with what it writes caught. */
export async function mainCaught(args: readonly string[]): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const line = (args: unknown[]) => `${args.join(' ')}\n`;
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...args) => {
      stdout += line(args);
    }),
    vi.spyOn(console, 'error').mockImplementation((...args) => {
      stderr += line(args);
    }),
    vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
      stdout += String(text);
      for (const done of rest) if (typeof done === 'function') done();
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr += String(text);
      return true;
    }),
  ];
  try {
    const code = await main(['node', 'khoforge', ...args]);
    return { code, stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
