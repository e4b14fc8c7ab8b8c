import { readFileSync } from 'node:fs';
import { type BootOptions, type BootResult, bootImage } from '../boot/boot-image.ts';
import { consoleLines, passedOn } from '../guest/console.ts';
import { INIT_PREFIX } from '../guest/initrd.ts';
import type { Image } from '../model/image.ts';
import { type KselftestProgram, kselftestInitrd, TEST } from './initrd.ts';

/** KSFT_SKIP (tools/testing/selftests/kselftest.h, 7.3). */
const SKIP = 4;

export interface KselftestResult {
  readonly boot: BootResult;
  /** What the program printed, and what the kernel printed meanwhile. */
  readonly output: readonly string[];
  /** Exit status of the program, 128 and more for a signal; null when it did not end. */
  readonly exit: number | null;
  readonly outcome: 'pass' | 'fail' | 'skip';
}

export type KselftestOptions = Omit<KselftestProgram, 'arch'> & Omit<BootOptions, 'initrd'>;

/**
 * Runs a selftest of the kernel in the stage after the reboot on an image, with no stage before.
 * @throws KhoforgeError of kselftestInitrd() and bootImage()
 */
export async function runKselftest(image: Image, options: KselftestOptions): Promise<KselftestResult> {
  const { test, args, cc, ...boot } = options;
  const initrd = kselftestInitrd({ test, args, arch: image.target.arch, ...(cc !== undefined && { cc }) });
  const cmdline = `liveupdate=on ${boot.cmdline ?? ''}`.trim();
  return resultOf(await bootImage(image, { ...boot, initrd, cmdline }));
}

function resultOf(boot: BootResult): KselftestResult {
  const { output, exit } = programOutput(consoleLines(readFileSync(boot.console)).map(passedOn));
  const outcome = exit === 0 ? 'pass' : exit === SKIP ? 'skip' : 'fail';
  return { boot, output, exit, outcome };
}

/**
 * What the test program printed, and what the kernel printed meanwhile.
 * @param lines of a console, without stamps
 */
export function programOutput(lines: readonly string[]): Pick<KselftestResult, 'output' | 'exit'> {
  const start = lines.indexOf(`${INIT_PREFIX}run ${TEST}`);
  const end = lines.findIndex((line) => line.startsWith(`${INIT_PREFIX}exit `));
  const exit = end < 0 ? null : Number(lines[end]?.split(' ').at(-1));
  return { output: start < 0 ? [] : lines.slice(start + 1, end < 0 ? undefined : end), exit };
}
