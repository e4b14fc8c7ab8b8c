import { KhoforgeError } from '../base/errors.ts';
import { FDT_MAGIC, getField, HEADER_SIZE, Tag, viewOf } from '../fdt/format.ts';
import { readFdt } from '../fdt/reader.ts';
import { type FdtToken, isCutOff, readToken, type StructBlock } from '../fdt/tokens.ts';
import { findProperty, findSubnode, nodeName } from '../fdt/walk.ts';

/** libfdt's errors, negated as it returns them (scripts/dtc/libfdt/libfdt.h, 7.3). */
export const FDT_ERR = {
  NOTFOUND: -1,
  BADOFFSET: -4,
  TRUNCATED: -8,
  BADMAGIC: -9,
  BADVERSION: -10,
  BADSTRUCTURE: -11,
  ALIGNMENT: -19,
} as const;

/** FDT_FIRST_SUPPORTED_VERSION, FDT_LAST_SUPPORTED_VERSION (libfdt.h, 7.3). */
const FIRST_VERSION = 2;
const LAST_VERSION = 17;
const INT_MAX = 0x7fffffff;

/**
 * fdt_check_header() (scripts/dtc/libfdt/fdt.c), whose answer the kernel prints.
 * @param bytes from the tree on, at least the header
 * @param alignment whether the receiver has the two rules on alignment that came with 7.1
 * @returns 0 or an FDT_ERR
 */
export function checkHeader(bytes: Uint8Array, phys: bigint, alignment: boolean): number {
  const header = viewOf(bytes);
  const get = (field: Parameters<typeof getField>[1]) => getField(header, field);
  if (phys % 8n !== 0n) return FDT_ERR.ALIGNMENT;
  if (get('magic') !== FDT_MAGIC) return FDT_ERR.BADMAGIC;
  const [version, lastCompatible] = [get('version'), get('last_comp_version')];
  if (version < FIRST_VERSION || lastCompatible > LAST_VERSION || version < lastCompatible) {
    return FDT_ERR.BADVERSION;
  }
  const size = headerSize(version);
  const total = get('totalsize');
  if (total < size || total > INT_MAX) return FDT_ERR.TRUNCATED;
  if (alignment && breaksAlignment(bytes)) return FDT_ERR.ALIGNMENT;
  const inside = (offset: number, length: number) => offset >= size && offset + length <= total;
  const fits =
    inside(get('off_mem_rsvmap'), 0) &&
    inside(get('off_dt_struct'), version < 17 ? 0 : get('size_dt_struct')) &&
    inside(get('off_dt_strings'), get('size_dt_strings'));
  return fits ? 0 : FDT_ERR.TRUNCATED;
}

/** Up to the end of the last block: the kernel reads no further, whatever totalsize is. */
export function usedBytes(bytes: Uint8Array): number {
  const header = viewOf(bytes);
  const structure = getField(header, 'version') < 17 ? 0 : getField(header, 'size_dt_struct');
  const strings = getField(header, 'off_dt_strings') + getField(header, 'size_dt_strings');
  return Math.max(getField(header, 'off_dt_struct') + structure, strings);
}

/** fdt_ro_probe_() (scripts/dtc/libfdt/fdt.c). */
function probe(field: (name: Parameters<typeof getField>[1]) => number, phys: bigint): number {
  if (phys % 8n !== 0n) return FDT_ERR.ALIGNMENT;
  if (field('magic') !== FDT_MAGIC) return FDT_ERR.BADMAGIC;
  if (field('version') < FIRST_VERSION || field('last_comp_version') > LAST_VERSION) {
    return FDT_ERR.BADVERSION;
  }
  // One less than fdt_check_header() lets pass.
  return field('totalsize') < INT_MAX ? 0 : FDT_ERR.TRUNCATED;
}

/** The two rules of 7.1 and later. */
export function breaksAlignment(bytes: Uint8Array): boolean {
  const header = viewOf(bytes);
  return getField(header, 'off_mem_rsvmap') % 8 !== 0 || getField(header, 'off_dt_struct') % 4 !== 0;
}

/** FDT_V1_SIZE to FDT_V17_SIZE (fdt.h: fdt_header_size_()). */
function headerSize(version: number): number {
  if (version <= 1) return 28;
  if (version === 2) return 32;
  return version <= 16 ? 36 : HEADER_SIZE;
}

/**
 * Finds its way in a tree as libfdt does: only what it passes is read, so that damage elsewhere does no harm. Bounded
 * by the bytes it is given. A result that is a number is an FDT_ERR.
 */
export class KernelFdt {
  /** fdt_ro_probe_(): what libfdt's readers check of each tree's header, 0 or an FDT_ERR. */
  readonly probe: number;
  readonly #block: StructBlock;
  readonly #strings: Buffer;

  /**
   * @param bytes a tree and what may follow it; where they are too few, the tree ends there
   * @param phys where it stands
   */
  constructor(bytes: Uint8Array, phys = 0n) {
    const tree = viewOf(bytes);
    const hasHeader = tree.length >= HEADER_SIZE;
    const field = (name: Parameters<typeof getField>[1]) => (hasHeader ? getField(tree, name) : 0);
    this.probe = probe(field, phys);
    const version = field('version');
    const end = Math.min(field('totalsize'), tree.length);
    const start = Math.min(field('off_dt_struct'), end);
    const size = version < 17 ? end - start : field('size_dt_struct');
    this.#block = { bytes: tree, start, size: Math.min(size, end - start), isOld: version < 16 };
    const strings = Math.min(field('off_dt_strings'), end);
    const length = version < 17 ? end : field('size_dt_strings');
    // Whoever cannot read a name finds none (fdt_ro.c: fdt_get_string()).
    this.#strings = tree.subarray(strings, this.probe === 0 ? Math.min(strings + length, end) : strings);
  }

  /** Of a tree that is whole, for those who read all of it. @throws KhoforgeError `FDT_INVALID` */
  static whole(bytes: Uint8Array): KernelFdt {
    readFdt(bytes);
    return new KernelFdt(bytes);
  }

  /** fdt_getprop(); of the root node by default. */
  property(name: string, node: FdtToken | number = this.root): Uint8Array | number {
    if (typeof node === 'number') return node;
    return orError(() => findProperty(this.#block, node, this.#strings, name)?.value ?? FDT_ERR.NOTFOUND);
  }

  /** fdt_subnode_offset() below the root. */
  child(name: string): FdtToken | number {
    const { root } = this;
    if (this.probe !== 0) return this.probe;
    if (typeof root === 'number') return root;
    return orError(() => findSubnode(this.#block, root, name) ?? FDT_ERR.NOTFOUND);
  }

  /** What fdt_for_each_subnode() comes to below the root: it ends at the first thing that it cannot read. */
  *children(): Generator<{ readonly name: string; readonly node: FdtToken }> {
    const { root } = this;
    if (typeof root === 'number') return;
    let depth = 0;
    let token = orError(() => readToken(this.#block, root.next));
    while (typeof token !== 'number' && token.tag !== Tag.end) {
      if (token.tag === Tag.beginNode && ++depth === 1) {
        yield { name: nodeName(this.#block, token.name) ?? '(null)', node: token };
      }
      if (token.tag === Tag.endNode && --depth < 0) return;
      const { next } = token;
      token = orError(() => readToken(this.#block, next));
    }
  }

  /** Why the tree cannot be read to its end; undefined when it can. */
  damage(): string | undefined {
    try {
      let depth = 0;
      for (let token = readToken(this.#block, 0); token.tag !== Tag.end; ) {
        if (token.tag === Tag.beginNode) depth++;
        if (token.tag === Tag.endNode && --depth < 0) return 'a node ends that was not begun';
        token = readToken(this.#block, token.next);
      }
      return depth === 0 ? undefined : 'the tree ends with a node still open';
    } catch (error) {
      if (error instanceof KhoforgeError) return error.message;
      throw error;
    }
  }

  /** fdt_node_check_compatible(): 0 compatible, 1 not, else an FDT_ERR. */
  checkCompatible(compatible: string, node: FdtToken | number = this.root): number {
    const list = this.property('compatible', node);
    if (typeof list === 'number') return list;
    return listContains(list, compatible) ? 0 : 1;
  }

  /** fdt_check_node_offset_(): looking up a property does not look at the magic number. */
  get root(): FdtToken | number {
    const token = orError(() => readToken(this.#block, 0));
    return typeof token !== 'number' && token.tag === Tag.beginNode ? token : FDT_ERR.BADOFFSET;
  }
}

/**
 * fdt_stringlist_contains() (fdt_ro.c, 7.3): it compares the NUL too, even where that is the byte after the value, so a
 * value that lacks its NUL still matches when padding follows.
 */
function listContains(list: Uint8Array, wanted: string): boolean {
  const padded = Buffer.from(list.buffer, list.byteOffset, Math.min(list.length + 1, room(list)));
  const text = Buffer.from(`${wanted}\0`, 'latin1');
  for (let at = 0; list.length - at >= wanted.length; ) {
    if (padded.subarray(at, at + text.length).equals(text)) return true;
    const end = list.indexOf(0, at);
    if (end < 0) return false;
    at = end + 1;
  }
  return false;
}

const room = (bytes: Uint8Array) => bytes.buffer.byteLength - bytes.byteOffset;

function orError<T>(read: () => T): T | number {
  try {
    return read();
  } catch (error) {
    // fdt_next_tag() (fdt.c): only a tag that is cut off is TRUNCATED.
    if (error instanceof KhoforgeError) return isCutOff(error) ? FDT_ERR.TRUNCATED : FDT_ERR.BADSTRUCTURE;
    throw error;
  }
}
