import { kho_scratch } from '../abi/kexec_handover.ts';
import { decodeStruct, layoutOf } from '../abi/layout.ts';
import { hex, humanSize, isAligned, overlaps } from '../base/numbers.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { canMap, EFAULT, sayRefusal } from './boot-record.ts';
import type { Context } from './context.ts';

const WHERE = 'scratch';
/** What a small kernel and its page tables take: one panics with 12 MiB (7.3, the kernel of test/kernel). */
const SMALL = 16n << 20n;
/** Bytes of struct page on 64-bit kernels. */
const STRUCT_PAGE = 64n;

/** The page structures of all RAM are allocated in scratch, but for receivers that extend it first. */
function leastScratch({ ram, receiver, pageSize }: Context): bigint {
  if (receiver.extendsScratch) return SMALL;
  return SMALL + (ram.reduce((sum, { size }) => sum + size, 0n) / pageSize) * STRUCT_PAGE;
}

/** The entries as kho_populate() counts them: a partial one at the end is dropped without a word (KH, 7.3). */
export function readScratch(context: Context): Region[] {
  const { scratchAddr, scratchSize } = context.image.bootRecord;
  if (!canMap(scratchAddr, scratchSize, context.pageSize)) return [];
  if (!context.inRam(scratchAddr, scratchAddr + scratchSize)) return [];
  const bytes = context.read(scratchAddr, Number(scratchSize));
  const entry = entrySize(context);
  return Array.from({ length: Math.floor(bytes.length / entry) }, (_, i) => {
    const one = bytes.subarray(i * entry, (i + 1) * entry);
    const { addr, size } = decodeStruct(kho_scratch, context.target, one);
    // memblock_cap_size() ends what would wrap (mm/memblock.c, 7.3).
    const room = (1n << 64n) - 1n - addr;
    return { start: addr, size: size < room ? size : room };
  });
}

const entrySize = ({ target }: Context) => layoutOf(kho_scratch, target).size;

/** The second half of kho_populate(). @returns whether the kernel takes the handover */
export function verifyScratch(context: Context): boolean {
  const { scratchAddr, scratchSize } = context.image.bootRecord;
  if (!canMap(scratchAddr, scratchSize, context.pageSize)) {
    context.found('scratch-unmapped', {
      where: WHERE,
      text: `the boot record tells ${scratchSize} bytes of scratch array, which cannot be mapped: a kernel warning, and the kernel boots as if there were no KHO`,
      kernel: `KHO: setup: failed to memremap scratch (phys=${hex(scratchAddr)}, len=${BigInt.asIntN(64, scratchSize)})`,
      errno: '-EFAULT',
      fate: 'broken',
    });
    sayRefusal(context, EFAULT);
    return false;
  }
  context.say(`KHO: found kexec handover data.${context.receiver.foundSuffix}`);
  if (!checkArray(context)) return true;
  const total = context.scratch.reduce((sum, { size }) => sum + size, 0n);
  if (total === 0n) {
    const text = 'no scratch region has any memory: the kernel finds nowhere to allocate, and panics early';
    context.found('scratch-none', { where: WHERE, text, fate: 'dies' });
  } else if (total < leastScratch(context)) {
    const text = `scratch is ${humanSize(total)} in all: the kernel may not find room for itself and its memory map`;
    context.found('scratch-small', { where: WHERE, text, fate: 'undefined' });
  }
  checkRegions(context);
  return true;
}

/** @returns whether the entries can be known */
function checkArray(context: Context): boolean {
  const { scratchAddr, scratchSize } = context.image.bootRecord;
  const end = scratchAddr + scratchSize;
  const partial = scratchSize % BigInt(entrySize(context));
  if (partial !== 0n) {
    const text = `the array has ${scratchSize} bytes: the last ${partial} are no whole entry, and dropped`;
    context.found('scratch-array-partial', { where: WHERE, text });
  }
  if (scratchAddr === 0n) {
    const text =
      'the array is at 0, by which the kernel tells that there was none: it takes new scratch, and reads no map';
    context.found('scratch-array-null', { where: WHERE, text, fate: 'undefined' });
  }
  if (!context.inRam(scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not in RAM`;
    context.found('scratch-array-outside-ram', { where: WHERE, text, fate: 'undefined' });
    return false;
  }
  if (!isWithin(context.scratch, scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not inside scratch; the kernel reserves it all the same`;
    context.found('scratch-array-outside-scratch', { where: WHERE, text });
  }
  return true;
}

function checkRegions(context: Context): void {
  const { scratch, receiver, target } = context;
  const alignment = receiver.generation.scratchAlignment(target);
  const ordered = scratch.map((region, i) => ({ region, i })).filter(({ region }) => region.size > 0n);
  for (const [i, { start, size }] of scratch.entries()) {
    const where = `scratch[${i}]`;
    const text = `${hex(start)}-${hex(start + size)}`;
    if (size === 0n) {
      context.found('scratch-empty-entry', { where, text: `${where} at ${hex(start)} has size 0` });
      continue;
    }
    if (!isAligned(start, alignment) || !isAligned(size, alignment)) {
      const reason = `${text} is not made of blocks of ${humanSize(alignment)}: what shares a block with it becomes scratch too`;
      context.found('scratch-alignment', { where, text: reason });
    }
    if (!context.inRam(start, start + size)) {
      const reason = `${text} is not in RAM: the kernel adds it to its memory, and faults or loses data where it uses it`;
      context.found('scratch-outside-ram', { where, text: reason, fate: 'undefined' });
    }
  }
  ordered.sort((a, b) => (a.region.start < b.region.start ? -1 : 1));
  ordered.forEach(({ region, i }, at) => {
    const next = ordered[at + 1];
    if (!next || !overlaps(region.start, regionEnd(region), next.region.start, regionEnd(next.region)))
      return;
    const text = `scratch[${i}] and scratch[${next.i}] share memory`;
    context.found('scratch-overlap-scratch', { where: `scratch[${i}]`, text });
  });
}
