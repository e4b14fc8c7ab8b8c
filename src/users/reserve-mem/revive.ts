import { memparse } from '../../base/command-line.ts';
import { hex } from '../../base/numbers.ts';
import { nextOf } from '../../kernel/early-use.ts';
import { DEATH, log, type Stage, type UnpredictableEvent, warn } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Scratch } from '../../kernel/scratch.ts';
import { extensionOf, isExtended } from '../../kernel/scratch-extension.ts';
import type { Incoming, UserStage } from '../../kernel/stages.ts';
import { without } from '../../memory/intervals.ts';
import type { Preserved } from '../../memory/preserved.ts';
import type { Region } from '../../memory/regions.ts';
import { report } from './checks.ts';
import { PATH, regionPath } from './paths.ts';
import type { MemblockStep, RegionStep } from './walk.ts';

/** RESERVE_MEM_MAX_ENTRIES, RESERVE_MEM_NAME_SIZE (mm/memblock.c, include/linux/mm.h, 6.18 to 7.3). */
const MAX_ENTRIES = 8;
const NAME_SIZE = 16;
/** SMP_CACHE_BYTES of every architecture that khoforge knows. */
const LEAST_ALIGNMENT = 64n;

interface Wanted {
  readonly name: string;
  readonly size: bigint;
  readonly align: bigint;
}

/** What a kernel has of a reservation: where it was, or `new` memory. */
type Reserved = Region | 'new';

/**
 * reserve_mem() for each reserve_mem= of the command line (mm/memblock.c, 6.18 to 7.3).
 * @param retrieve reserve_mem_kho_retrieve_fdt(), with its lines: the tree's regions; undefined where there is no tree
 */
export function* reviveWanted(
  kernel: Kernel,
  incoming: Incoming,
  retrieve: () => Stage<readonly MemblockStep[] | undefined>,
): Stage<UserStage | undefined> {
  const reserved = new Map<string, Reserved>();
  let steps: readonly MemblockStep[] | undefined;
  for (const value of kernel.boot.cmdline.values('reserve_mem')) {
    const wanted = parse(value);
    if (reserved.size >= MAX_ENTRIES) yield log('reserve_mem: no more room for reserved memory');
    else if (wanted === undefined) yield log('reserve_mem: empty or malformed parameter');
    else if (reserved.has(wanted.name)) yield log(`reserve_mem: name "${wanted.name}" was already used`);
    else {
      steps ??= yield* retrieve();
      reserved.set(wanted.name, steps ? yield* revive(kernel, steps, wanted) : 'new');
    }
  }
  if (reserved.size === 0 || !kernel.boot.kho) return undefined;
  return preserveAgain(kernel, incoming, [...reserved.values()]);
}

/** size:align:name */
function parse(value: string): Wanted | undefined {
  const size = memparse(value);
  const align = memparse(size.rest.slice(1));
  const name = align.rest.slice(1);
  const isWhole = size.value > 0n && size.rest.startsWith(':') && align.rest.startsWith(':');
  if (!isWhole || name.trim() === '' || Buffer.byteLength(name) >= NAME_SIZE) return undefined;
  return { name, size: size.value, align: align.value < LEAST_ALIGNMENT ? LEAST_ALIGNMENT : align.value };
}

/** reserve_mem_kho_revive(), which compares what is there with what is wanted. */
function* revive(kernel: Kernel, steps: readonly MemblockStep[], wanted: Wanted): Stage<Reserved> {
  const { name, size, align } = wanted;
  const where = regionPath(name);
  const lost = 'the kernel allocates anew, what was kept there is lost';
  const refuse = (text: string, line?: string) => {
    const finding = { where, text: `${text}: ${lost}`, ...(line !== undefined && { line }) };
    return report('memblock-region', finding);
  };
  const region = steps.find((step): step is RegionStep => step.kind === 'region' && fits(step.name, name));
  if (region === undefined) {
    const node = kernel.target.abi.text('MEMBLOCK_KHO_FDT');
    // What libfdt came to first is the number.
    const line = `FDT '${node}' has no child '${name}': -`;
    yield report('memblock-region', { where: PATH, text: `there is no region '${name}': ${lost}`, line });
    return 'new';
  }
  if (region.error !== 0) {
    const line = `Node '${name}' is incompatible with '${region.wanted}': ${region.error}`;
    yield refuse(`'${name}' is not '${region.wanted}'`, line);
    return 'new';
  }
  const { start, size: found } = region;
  if (start === undefined || found === undefined) {
    yield refuse(`start or size of '${name}' is missing or not 8 bytes`);
    return 'new';
  }
  const values = (a: bigint, b: bigint) => `${shown(a)}, ${shown(b)}`;
  if ((start & (align - 1n)) !== 0n) {
    const line = `KHO reserve-mem '${name}' has wrong alignment (${values(align, start)})`;
    yield refuse(`'${name}' at ${hex(start)} is not aligned to ${hex(align)}`, line);
    return 'new';
  }
  if (found !== size) {
    const line = `KHO reserve-mem '${name}' has wrong size (${shown(found)} != ${shown(size)})`;
    yield refuse(`'${name}' has ${found} bytes, ${size} are asked for`, line);
    return 'new';
  }
  yield log(`Revived memory reservation '${name}' from KHO`);
  return { start, size };
}

/** %lx of a long. */
const shown = (value: bigint) => `0x${value.toString(16)}`;

/** fdt_subnode_offset(): one with a unit address also answers to its name without. */
const fits = (node: string, name: string) =>
  node === name || (!name.includes('@') && node.startsWith(`${name}@`));

/** reserve_mem_init(): hands all of them over again, up to the first that cannot be. */
function preserveAgain(
  kernel: Kernel,
  { scratch, preserved }: Incoming,
  all: readonly Reserved[],
): UserStage {
  const { receiver, pageSize, target } = kernel;
  return {
    at: 'late_initcall',
    *run() {
      for (const region of all) {
        if (region === 'new') {
          if (!receiver.refusesScratch) continue;
          const inScratch = isNewInScratch(kernel, scratch, preserved);
          if (inScratch === false) continue;
          yield inScratch ? SCRATCH_WARNING : ANYWHERE;
          return undefined;
        }
        const pages = BigInt.asUintN(32, region.size >> BigInt(target.pageShift));
        const end = region.start + pages * pageSize;
        if (receiver.refusesScratch && scratch.indexAt(region.start, end) >= 0) {
          yield SCRATCH_WARNING;
          return undefined;
        }
        const isRead = receiver.readsNodes && pages > 0n;
        if (isRead && !kernel.hasStructPages(region.start, region.start + pageSize)) {
          const text = `${hex(region.start)} is far from all RAM: the kernel faults as it hands it over again`;
          yield report('memblock-not-preserved', { where: PATH, text });
          yield DEATH;
          return 'halts';
        }
      }
      return undefined;
    },
  };
}

const SCRATCH_WARNING = warn('kho_preserve_pages+0x');
const ANYWHERE: UnpredictableEvent = { kind: 'unpredictable', uncertain: true };

/**
 * Whether new memory is scratch (the TODO in reserve_mem()): by 7.3 it may come from what that was extended by. Undefined
 * where both are near the top.
 */
function isNewInScratch(kernel: Kernel, scratch: Scratch, preserved: Preserved): boolean | undefined {
  if (!isExtended(kernel, preserved)) return true;
  if (kernel.ram.length === 0) return undefined;
  const next = nextOf([...scratch.merged, ...extensionOf(kernel, preserved)]);
  const own = next.map(({ start, size }) => scratch.indexAt(start, start + size) >= 0);
  if (!own.includes(true)) return false;
  return without(next, scratch.merged).length === 0 ? true : undefined;
}
