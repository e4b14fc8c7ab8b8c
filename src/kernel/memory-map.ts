import { maxPageOrder } from '../abi/page-order.ts';
import { hex } from '../base/numbers.ts';
import { type MapPage, mapPages } from '../memory/map-pages.ts';
import type { MapWalk } from '../memory/map-walk.ts';
import { Preserved } from '../memory/preserved.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Context } from './context.ts';
import { reportMapFinding } from './map-findings.ts';
import { checkRanges } from './preserved-ranges.ts';
import { RESTORE_WARNING } from './restore.ts';
import { mapLine, type RootFdt } from './root-fdt.ts';

const WHERE = 'memory-map';
/** Blocks that are looked at one by one: 36 MiB of memory. */
const FOLIOS = 2 ** 22;

/** What kho_memory_init() makes of the map (KH): it checks nothing of what it reads. */
export function verifyMemoryMap(context: Context, root: RootFdt): Preserved {
  const walk = typeof root.map === 'string' || root.map === 0n ? undefined : walkMap(context, root.map);
  if (walk === undefined) noMap(context, root.map);
  else checkWalk(context, walk);
  const preserved = new Preserved(walk, context.receiver.generation.memoryMap.kind === 'radix');
  checkRootFdt(context, root, preserved);
  return preserved;
}

/** 6.18 goes on without a map; what was preserved is then nobody's. */
function noMap(context: Context, map: bigint | string): void {
  const rest = 'nothing is preserved, the subtrees point to memory that is free';
  if (typeof map === 'string') {
    const kernel = mapLine(context);
    context.found('memory-map-property', { where: WHERE, text: `${map}: ${rest}`, kernel });
  } else {
    const text = `the memory map is 0, since the kernel before was not finalized: ${rest}, and nothing says so`;
    context.found('memory-map-zero', { where: WHERE, text });
  }
}

function walkMap(context: Context, map: bigint): MapWalk {
  const { target, image } = context;
  const walk = walkMemoryMap(target, image.memory.extents, map, { maxFolios: FOLIOS });
  for (const finding of walk.findings) reportMapFinding(context, finding);
  const unseen = walk.findingCount - walk.findings.length;
  if (walk.foliosTruncated || walk.rangesTruncated || unseen > 0) {
    const text = `only the first ${walk.folios.phys.length} blocks and ${walk.findings.length} findings were looked at`;
    context.found('map-partly-read', { where: WHERE, text });
  }
  return walk;
}

function checkWalk(context: Context, walk: MapWalk): void {
  checkOrders(context, walk);
  checkRanges(context, walk.ranges);
  if (walk.ranges.length > 0 || walk.findings.length > 0) return;
  const text = 'the map preserves nothing: all memory is freed, what the subtrees point to as well';
  context.found('map-empty', { where: WHERE, text });
}

/** The pages of the map themselves have to lie where nobody writes until they are read. */
export function checkMapPages(context: Context, map: bigint, preserved: Preserved): void {
  for (const page of mapPages(context.target, context.image.memory, map)) checkPage(context, page, preserved);
}

function checkPage(context: Context, { start, size, what }: MapPage, preserved: Preserved): void {
  const end = start + size;
  const scratch = context.scratchAt(start, end);
  if (scratch >= 0) {
    const text = `${what} is in scratch[${scratch}]: the receiver may write there before it reads the map`;
    context.found('scratch-overlap', { where: WHERE, text, fate: 'undefined' });
  } else if (preserved.contains(start, end)) {
    const text = `${what} is preserved itself, and nobody will ever free it`;
    context.found('map-node-preserved', { where: WHERE, text });
  }
}

function checkOrders(context: Context, walk: MapWalk): void {
  const { receiver, target } = context;
  const limit = maxPageOrder(target);
  // 1 << (order + PAGE_SHIFT) in an int: the sign bit at 31, undefined above (KH: kho_preserved_memory_reserve, 7.1).
  const lost = receiver.blockSizeBits === 32 ? 31 - target.pageShift : 64;
  for (const [order, count] of walk.byOrder.entries()) {
    if (count === 0n || order <= limit) continue;
    const what = `${count} blocks of order ${order}, the first at ${hex(firstOf(walk, order))}`;
    if (order >= lost) {
      const text = `${what}: ${receiver.release} computes their size in 32 bits, and reserves another amount of memory`;
      context.found('range-order', { where: WHERE, text, fate: 'undefined' });
    }
    const late = receiver.restoreLimitsOrder
      ? `${receiver.release} refuses to restore them`
      : 'no folio is so large';
    const text = `${what}: MAX_PAGE_ORDER is ${limit}, ${late}`;
    context.found('folio-order', { where: WHERE, text });
  }
}

function firstOf({ folios }: MapWalk, order: number): bigint {
  return folios.phys[folios.orders.indexOf(order)] ?? 0n;
}

/** The kernel goes on reading the root FDT when other memory was freed: it must be among what is preserved. */
function checkRootFdt(context: Context, { phys, size }: RootFdt, preserved: Preserved): void {
  const end = phys + BigInt(size);
  const scratch = context.scratchAt(phys, end);
  if (scratch >= 0) {
    const text = `the root FDT is in scratch[${scratch}]: the receiver allocates there while it still reads it`;
    context.found('scratch-overlap', { where: 'root-fdt', text, fate: 'undefined' });
  }
  const page = phys & ~(context.pageSize - 1n);
  const unmarked = preserved.complete && preserved.orderAt(page) === undefined;
  if (preserved.contains(phys, end) && !(context.receiver.restoresRootFdt && unmarked)) return;
  const lost = preserved.contains(phys, phys + 1n)
    ? 'is not preserved as a folio of its own'
    : 'is not preserved';
  const text = `the root FDT at ${hex(phys)} ${lost}: its page is freed and used for something else while subtrees are still looked up`;
  if (context.receiver.restoresRootFdt && unmarked) {
    context.say(RESTORE_WARNING);
    const kernel = 'KHO: failed to restore folio for KHO fdt';
    context.found('fdt-not-preserved', { where: 'root-fdt', text, kernel, fate: 'broken' });
    context.loseTrack();
  } else context.found('fdt-not-preserved', { where: 'root-fdt', text, fate: 'undefined' });
}
