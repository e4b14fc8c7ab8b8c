import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rootNames } from '../abi/root-names.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { FDT_MAGIC } from '../fdt/format.ts';
import { getProperty, readFdt } from '../fdt/reader.ts';
import { asU64Native } from '../fdt/values.ts';
import type { FetchedMemory } from '../memory/fetched-memory.ts';
import { pairs } from '../memory/intervals.ts';
import { mapPages } from '../memory/map-pages.ts';
import type { Region } from '../memory/regions.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import { rootFdtAt } from './candidates.ts';
import { readFdtAlone } from './fdt-alone.ts';

/** What debugfs of a running kernel tells of its handover. */
export interface DebugfsHandover {
  readonly fdtPhys: bigint;
  readonly namedBy: string;
  readonly scratch: readonly Region[];
}

/** Preserved pages that are looked at; the root FDT is one of them, commonly a low one. */
const MAX_PAGES = 1 << 20;

/**
 * What the running kernel would hand over. debugfs has the bytes of the root FDT, as far as they are not cut off, but not
 * its address: its page is preserved, so that it is found among the pages of its own memory map. A kernel that was
 * revived itself shows only what it was handed (7.3), whose map is gone by then.
 * @param root folder that `sys` is in
 * @param own target of a tree
 * @returns undefined when debugfs does not lead there
 */
export function debugfsHandover(
  root: string,
  memory: FetchedMemory,
  own?: Target,
): DebugfsHandover | undefined {
  const out = join(root, 'sys/kernel/debug/kho/out');
  const path = join(out, 'fdt');
  const fdtPhys = existsSync(path) ? rootAmongPreserved(readInput(path), memory, own) : undefined;
  return fdtPhys === undefined ? undefined : { fdtPhys, namedBy: 'debugfs', scratch: scratchRegions(out) };
}

function rootAmongPreserved(
  bytes: Uint8Array,
  memory: FetchedMemory,
  own: Target | undefined,
): bigint | undefined {
  try {
    const { image } = readFdtAlone(bytes, { ...(own && { own }) });
    const { target } = image;
    const tree = readFdt(image.memory.read(0n, target.pageSize));
    const property = getProperty(tree.root, rootNames(target.abi).memoryMap);
    const map = property && asU64Native(property.value, target.endian);
    if (!map) return undefined;
    mapPages(target, memory, map);
    const { ranges } = walkMemoryMap(target, memory, map);
    return pagesOf(ranges, target.pageSize).find((phys) => isRoot(memory, phys, target, map));
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}

function pagesOf(ranges: BigUint64Array, pageSize: number): bigint[] {
  const pages: bigint[] = [];
  for (const { start, end } of pairs(ranges)) {
    for (let at = start; at < end; at += BigInt(pageSize)) {
      if (pages.push(at) >= MAX_PAGES) return pages;
    }
  }
  return pages;
}

/** A stale root FDT of a kernel before has another memory map. */
function isRoot(memory: FetchedMemory, phys: bigint, target: Target, map: bigint): boolean {
  const head = memory.peek(phys, 4);
  if (head.length < 4 || Buffer.from(head).readUInt32BE(0) !== FDT_MAGIC) return false;
  const found = rootFdtAt(memory, phys, target);
  const value = found && getProperty(found.tree.root, rootNames(target.abi).memoryMap)?.value;
  return value !== undefined && asU64Native(value, 'little') === map;
}

/** `scratch_phys` and `scratch_len`: a number a line (kernel/liveupdate/kexec_handover_debugfs.c, 7.3). */
function scratchRegions(folder: string): Region[] {
  const numbers = (name: string) => {
    const path = join(folder, name);
    const text = existsSync(path) ? new TextDecoder().decode(readInput(path)) : '';
    return [...text.matchAll(/0x[0-9a-f]+/g)].map(([number]) => BigInt(number));
  };
  const sizes = numbers('scratch_len');
  return numbers('scratch_phys').map((start, i) => ({ start, size: sizes[i] ?? 0n }));
}
