import { type CommandLine, memparse } from '../../base/command-line.ts';
import type { Region } from '../../memory/regions.ts';

/** early_mem() (arch/arm64/mm/init.c, 7.3): so many bytes from the start of RAM on, whatever lies between. */
export function lessRam(ram: readonly Region[], cmdline: CommandLine): Region[] {
  const limit = cmdline.values('mem').map((value) => memparse(value).value);
  let left = limit.at(-1) ?? 0n;
  if (left === 0n) return [...ram];
  return ram.flatMap(({ start, size }) => {
    const kept = size < left ? size : left;
    left -= kept;
    return kept > 0n ? [{ start, size: kept }] : [];
  });
}
