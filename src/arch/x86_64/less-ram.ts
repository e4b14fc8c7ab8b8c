import { type CommandLine, memparse } from '../../base/command-line.ts';
import { without } from '../../memory/intervals.ts';
import type { Region } from '../../memory/regions.ts';

/** parse_memopt(), parse_memmap_one() (arch/x86/kernel/e820.c, 7.3): what they take away. */
export function lessRam(ram: readonly Region[], cmdline: CommandLine): Region[] {
  const limits = cmdline.values('mem').map((value) => memparse(value).value);
  const taken = limits.filter((limit) => limit > 0n).map(behind);
  for (const value of cmdline.values('memmap').flatMap((list) => list.split(','))) {
    const { value: size, rest } = memparse(value);
    if (/^[$#!]/.test(rest) && size > 0n) taken.push({ start: memparse(rest.slice(1)).value, size });
  }
  return without(ram, taken);
}

const behind = (limit: bigint): Region => ({ start: limit, size: (1n << 64n) - limit });
