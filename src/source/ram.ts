import type { Arch } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { alignedInside, isWithin, type Region, regionEnd } from '../memory/regions.ts';

/**
 * RAM that the kernel in a dump may use: the table of some boot_params that covers all that `needed` names, else
 * what the dump has.
 * @param bootParams pages that may hold boot_params
 */
export function ramOf(
  memory: PhysicalMemory,
  arch: Arch,
  bootParams: readonly bigint[],
  needed: readonly bigint[],
  page: bigint,
): { ram: Region[]; from: string } {
  const { bootParamsRam, withoutFirmware } = ARCHITECTURES[arch];
  for (const phys of bootParams) {
    const ram = bootParamsRam(memory, phys, page);
    if (needed.length > 0 && needed.every((at) => isWithin(ram, at, at + 1n))) return { ram, from: 'e820' };
  }
  const runs = memoryRuns(memory).map((run) => alignedInside(run, page));
  return { ram: withoutFirmware(runs), from: 'the extent of the dump' };
}

/** Extents that follow each other are one. */
function memoryRuns(memory: PhysicalMemory): Region[] {
  const runs: { start: bigint; size: bigint }[] = [];
  for (const { start, bytes } of memory.extents) {
    const last = runs.at(-1);
    if (last && regionEnd(last) === start) last.size += BigInt(bytes.length);
    else runs.push({ start, size: BigInt(bytes.length) });
  }
  return runs;
}
