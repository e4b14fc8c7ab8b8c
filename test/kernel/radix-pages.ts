import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';

/*
 * The preserved memory map as kernel/liveupdate/kexec_handover.c walks it (7.3, 4 KiB pages), page by page and without
 * the code of src/ or binding/: include/linux/kho/abi/kexec_handover.h gives 6 levels (KHO_TREE_MAX_DEPTH) and 512
 * entries in a table.
 */
const ROOT_LEVEL = 5;
const ENTRIES = 512;
const PAGE = 4096;

export interface RadixPages {
  /** Each table or leaf by the table indexes that lead to it, e.g. `2.0.0.0.1`. */
  readonly pages: Map<string, RadixPage>;
  /** Paths of tables and leaves that hold no bit: kho_radix_del_key() clears bits and keeps the pages. */
  readonly empty: string[];
}

interface RadixPage {
  readonly level: number;
  /** Indexes of the table entries that lead to some bit; for a leaf none. */
  readonly entries: readonly number[];
  /** The bytes of a leaf; a table's are addresses, which differ from tree to tree. */
  readonly bitmap: string;
}

/** The shape and the bits of a tree; where its pages are does not show. */
export function radixPages(memory: PhysicalMemory, root: bigint): RadixPages {
  const found: RadixPages = { pages: new Map(), empty: [] };
  visit(memory, root, ROOT_LEVEL, [], found);
  return found;
}

/** @returns whether there is a bit in or below the page */
function visit(
  memory: PhysicalMemory,
  phys: bigint,
  level: number,
  path: readonly number[],
  found: RadixPages,
): boolean {
  if (!memory.covers(phys, PAGE)) throw new Error(`radix page ${path.join('.')} is outside memory`);
  const page = Buffer.from(memory.read(phys, PAGE));
  const entries =
    level === 0
      ? []
      : children(page).filter(([i, next]) => visit(memory, next, level - 1, [...path, i], found));
  const used = level === 0 ? page.some((byte) => byte !== 0) : entries.length > 0;
  const name = path.join('.');
  if (used) {
    const bitmap = level === 0 ? page.toString('hex') : '';
    found.pages.set(name, { level, entries: entries.map(([i]) => i), bitmap });
  } else found.empty.push(name);
  return used;
}

function children(table: Buffer): [number, bigint][] {
  const all = Array.from({ length: ENTRIES }, (_, i): [number, bigint] => [i, table.readBigUInt64LE(i * 8)]);
  return all.filter(([, phys]) => phys !== 0n);
}
