import { maxPageOrder } from '../abi/page-order.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { type Interval, pairs, without } from '../memory/intervals.ts';
import { mapPages } from '../memory/map-pages.ts';
import type { MapWalk } from '../memory/map-walk.ts';
import { Preserved } from '../memory/preserved.ts';
import type { Region } from '../memory/regions.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import { report } from './checks.ts';
import { firmwareMemory } from './early-use.ts';
import { type FindingEvent, type Stage, UNPREDICTABLE, warn } from './events.ts';
import { followBitmapChain } from './follow-chain.ts';
import { followRadixTree } from './follow-radix.ts';
import { isWild, walkOf } from './followed.ts';
import type { Kernel } from './kernel.ts';
import { mapEvent } from './map-findings.ts';
import { checkRanges } from './preserved-ranges.ts';
import { mapLine, type RootFdt } from './root-fdt.ts';
import { type Scratch, whereTaken } from './scratch.ts';

const WHERE = 'memory-map';
/** Blocks that are looked at one by one: 64 GiB in pages, 144 MiB of memory. What is more makes a verdict uncertain. */
const MAX_FOLIOS = 2 ** 24;

/** What kho_memory_init() makes of the map (KH): it checks nothing of what it reads. */
export function* readMemoryMap(kernel: Kernel, root: RootFdt, scratch: Scratch): Stage<Preserved> {
  const walk =
    typeof root.map === 'string' || root.map === 0n ? undefined : yield* walkMap(kernel, root.map, scratch);
  if (walk === undefined) yield noMap(kernel, root.map);
  else yield* checkWalk(kernel, walk, scratch);
  const preserved = new Preserved(walk, kernel.receiver.generation.memoryMap.kind === 'radix');
  yield* checkRootFdt(kernel, root, scratch, preserved);
  if (typeof root.map === 'bigint' && root.map !== 0n)
    yield* checkPages(kernel, root.map, scratch, preserved);
  return preserved;
}

/** 6.18 goes on without a map; what was preserved is then nobody's. */
function noMap(kernel: Kernel, map: bigint | string): FindingEvent {
  const rest = 'nothing is preserved, the subtrees point to memory that is free';
  if (typeof map === 'string') {
    const line = mapLine(kernel.receiver);
    return report('memory-map-property', { where: WHERE, text: `${map}: ${rest}`, line });
  }
  const text = `the memory map is 0, since the kernel before was not finalized: ${rest}, and nothing says so`;
  return report('memory-map-zero', { where: WHERE, text });
}

function* walkMap(kernel: Kernel, map: bigint, scratch: Scratch): Stage<MapWalk> {
  const { target, image } = kernel;
  const walk = walkMemoryMap(target, image.memory, map, { maxFolios: MAX_FOLIOS });
  const follow = FOLLOWERS[target.generation.memoryMap.kind];
  const isAstray = isWild(walk);
  const followed = isAstray ? follow(kernel, map, unknownTo(kernel, scratch)) : OPEN;
  const isKnown = followed.kind !== 'open';
  for (const finding of walk.findings) yield mapEvent(kernel, finding, isKnown);
  const unseen = walk.findingCount - walk.findings.length;
  if (walk.foliosTruncated || walk.rangesTruncated || (unseen > 0 && !isKnown)) {
    const text = `only the first ${walk.folios.phys.length} blocks and ${walk.findings.length} findings were looked at`;
    yield report('map-partly-read', { where: WHERE, text, uncertain: true });
  }
  if (isAstray && !isKnown) {
    const text =
      'the map leads to memory of which nobody knows what the kernel reads there, or to more than is followed';
    yield report('map-partly-read', { where: WHERE, text, uncertain: true });
  }
  if (followed.kind === 'read') return walkOf(walk, followed.blocks, target.pageShift);
  if (followed.kind === 'faults') {
    const text = `what the map leads to at ${hex(followed.phys)} is not in RAM: the kernel faults as it goes there, and panics`;
    yield report('outside-ram', { where: WHERE, text, outcome: 'dies' });
  } else if (followed.kind === 'endless') {
    const text =
      'the kernel never ends reading the map: its chain comes back, or a key says a block that it goes through by the GiB';
    yield report('map-node-twice', { where: WHERE, text, outcome: 'dies' });
  }
  return walk;
}

const FOLLOWERS = { radix: followRadixTree, 'bitmap-chain': followBitmapChain } as const;
const OPEN = { kind: 'open' } as const;

/** Where nobody knows what a kernel finds as it reads the map: what it has written itself, and firmware's. */
const unknownTo = (kernel: Kernel, { early }: Scratch): Region[] => [...early, firmwareMemory(kernel)];

/** What a kernel takes for itself of memory that is not scratch, from which only what can move is allocated. */
const MIN_FREE_BYTES = 8n << 20n;

function* checkFree({ ram }: Kernel, walk: MapWalk, scratch: Scratch): Stage {
  const free = without(without(ram, scratch.merged), [...pairs(walk.ranges)].map(regionOf));
  const bytes = free.reduce((sum, { size }) => sum + size, 0n);
  if (ram.length === 0 || bytes >= MIN_FREE_BYTES) return;
  const text = `${humanSize(bytes)} of RAM are neither preserved nor scratch: the kernel may not find room for itself`;
  yield report('memory-short', { where: WHERE, text, outcome: bytes === 0n ? 'dies' : 'undefined' });
}

const regionOf = ({ start, end }: Interval): Region => ({ start, size: end - start });

function* checkWalk(kernel: Kernel, walk: MapWalk, scratch: Scratch): Stage {
  yield* checkFree(kernel, walk, scratch);
  yield* checkOrders(kernel, walk);
  yield* checkRanges(kernel, scratch, walk.ranges);
  if (walk.ranges.length > 0 || walk.findings.length > 0) return;
  const text = 'the map preserves nothing: all memory is freed, what the subtrees point to as well';
  yield report('map-empty', { where: WHERE, text });
}

/** The pages of the map themselves have to lie where nobody writes until they are read. */
function* checkPages(kernel: Kernel, map: bigint, scratch: Scratch, preserved: Preserved): Stage {
  for (const { start, size, what } of mapPages(kernel.target, kernel.image.memory, map)) {
    const end = start + size;
    if (start === 0n) {
      const text = `an element of a chunk has no bitmap: the kernel reads through a null pointer`;
      yield report('map-chunk', { where: WHERE, text, outcome: 'dies' });
    }
    const index = scratch.indexAt(start, end);
    if (index >= 0) {
      const text = `${what} is in scratch[${index}]: the receiver may write there before it reads the map`;
      yield report('scratch-overlap', { where: WHERE, text, ...whereTaken(scratch, start, end) });
    } else if (preserved.contains(start, end)) {
      const text = `${what} is preserved itself, and nobody will ever free it`;
      yield report('map-node-preserved', { where: WHERE, text });
    }
  }
}

function* checkOrders(kernel: Kernel, walk: MapWalk): Stage {
  const { receiver, target } = kernel;
  const limit = maxPageOrder(target);
  // 1 << (order + PAGE_SHIFT) in an int: the sign bit at 31, undefined above (KH: kho_preserved_memory_reserve, 7.1).
  const lost = receiver.blockSizeBits === 32 ? 31 - target.pageShift : 64;
  for (const [order, count] of walk.byOrder.entries()) {
    if (count === 0n || order <= limit) continue;
    const what = `${count} blocks of order ${order}, the first at ${hex(firstOf(walk, order))}`;
    if (order >= lost) {
      const text = `${what}: ${receiver.release} computes their size in 32 bits, and reserves another amount of memory`;
      yield report('range-order', { where: WHERE, text, outcome: 'undefined' });
    }
    const late = receiver.restoreLimitsOrder
      ? `${receiver.release} refuses to restore them`
      : 'no folio is so large';
    const text = `${what}: MAX_PAGE_ORDER is ${limit}, ${late}`;
    yield report('folio-order', { where: WHERE, text });
  }
}

function firstOf({ folios }: MapWalk, order: number): bigint {
  return folios.phys[folios.orders.indexOf(order)] ?? 0n;
}

/** The kernel goes on reading the root FDT when other memory was freed: it must be among what is preserved. */
function* checkRootFdt(kernel: Kernel, root: RootFdt, scratch: Scratch, preserved: Preserved): Stage {
  const { restoresRootFdt } = kernel.receiver;
  const where = 'root-fdt';
  const { phys } = root;
  const end = phys + BigInt(root.size);
  const index = scratch.indexAt(phys, end);
  if (index >= 0) {
    const text = `the root FDT is in scratch[${index}]: the receiver allocates there while it still reads it`;
    yield report('scratch-overlap', { where, text, ...whereTaken(scratch, phys, end) });
  }
  const page = phys & ~(kernel.pageSize - 1n);
  const unmarked = preserved.complete && preserved.orderAt(page) === undefined;
  if (preserved.contains(phys, end) && !(restoresRootFdt && unmarked)) return;
  const lost = preserved.contains(phys, phys + 1n)
    ? 'is not preserved as a folio of its own'
    : 'is not preserved';
  const text = `the root FDT at ${hex(phys)} ${lost}: its page is freed and used for something else while subtrees are still looked up`;
  if (restoresRootFdt && unmarked) {
    yield warn('kho_restore_page+0x');
    const line = 'KHO: failed to restore folio for KHO fdt';
    yield report('fdt-not-preserved', { where, text, line, outcome: 'broken' });
    yield UNPREDICTABLE;
  } else yield report('fdt-not-preserved', { where, text, outcome: 'undefined' });
}
