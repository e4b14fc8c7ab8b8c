import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { type PhysicalMemory, pieceSize } from '../memory/physical-memory.ts';
import { alignedInside, isWithin, type Region, regionEnd } from '../memory/regions.ts';

/** What the source tells of RAM, and of memory. */
interface Known {
  readonly ram?: readonly Region[];
  readonly reach?: readonly Region[];
}

/**
 * RAM that the kernel in a dump may use: what the source says it is; the table of some boot_params that covers all that
 * `needed` names; else, as a guess, what the source reaches over. A guess that leaves out some of `needed` is wrong, and
 * RAM not known.
 * @param bootParams pages that may hold boot_params
 */
export function ramOf(
  memory: PhysicalMemory,
  { arch, pageSize }: Target,
  bootParams: readonly bigint[],
  needed: readonly bigint[],
  { ram: known, reach = memoryRuns(memory) }: Known,
): { ram: readonly Region[]; from: string; isGuess: boolean } {
  if (known !== undefined) return { ram: known, from: 'the source', isGuess: false };
  const { bootParamsRam, withoutFirmware } = ARCHITECTURES[arch];
  const page = BigInt(pageSize);
  const covers = (ram: readonly Region[]) => needed.every((at) => isWithin(ram, at, at + 1n));
  for (const phys of bootParams) {
    const ram = bootParamsRam(memory, phys, page);
    if (needed.length > 0 && covers(ram)) return { ram, from: 'e820', isGuess: false };
  }
  const guess = withoutFirmware(reach.map((run) => alignedInside(run, page)).filter(({ size }) => size > 0n));
  return { ram: covers(guess) ? guess : [], from: 'the extent of the dump', isGuess: true };
}

/** Extents that follow each other are one. */
function memoryRuns(memory: PhysicalMemory): Region[] {
  const runs: { start: bigint; size: bigint }[] = [];
  for (const piece of memory.pieces) {
    const [start, size] = [piece.start, BigInt(pieceSize(piece))];
    const last = runs.at(-1);
    if (last && regionEnd(last) === start) last.size += size;
    else runs.push({ start, size });
  }
  return runs;
}
