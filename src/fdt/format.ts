import { KhoforgeError } from '../base/errors.ts';

/** First word of a complete tree (scripts/dtc/libfdt/fdt.h, 7.3). */
export const FDT_MAGIC = 0xd00dfeed;
/** First word while a tree is being written sequentially: the complement of FDT_MAGIC (libfdt_internal.h). */
export const FDT_SW_MAGIC = 0x2ff20112;
/** The only format version that libfdt writes, and the oldest one that readers must know to read it. */
export const FDT_VERSION = 17;
export const FDT_LAST_COMPATIBLE_VERSION = 16;

/** Bytes in `struct fdt_header` of version 17, in `struct fdt_reserve_entry` and in a tag (fdt.h). */
export const HEADER_SIZE = 40;
export const RESERVE_ENTRY_SIZE = 16;
export const TAG_SIZE = 4;
/** Bytes in `struct fdt_property` before the value: tag, len, nameoff. */
export const PROPERTY_HEADER_SIZE = 12;

/** Words of the structure block (fdt.h). */
export const Tag = { beginNode: 1, endNode: 2, prop: 3, nop: 4, end: 9 } as const;

/** The fields of `struct fdt_header` under their C names, each a big-endian u32, in order (fdt.h). */
export const HEADER_FIELDS = [
  'magic',
  'totalsize',
  'off_dt_struct',
  'off_dt_strings',
  'off_mem_rsvmap',
  'version',
  'last_comp_version',
  'boot_cpuid_phys',
  'size_dt_strings',
  'size_dt_struct',
] as const;
export type HeaderField = (typeof HEADER_FIELDS)[number];

/** Header of a tree; offsets and sizes are bytes from its start. */
export type FdtHeader = Readonly<Record<HeaderField, number>>;

/** The same bytes as a Buffer, without a copy: its write methods refuse values that do not fit. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function getField(buffer: Buffer, field: HeaderField): number {
  return buffer.readUInt32BE(HEADER_FIELDS.indexOf(field) * 4);
}

export function setField(buffer: Buffer, field: HeaderField, value: number): void {
  buffer.writeUInt32BE(value, HEADER_FIELDS.indexOf(field) * 4);
}

/** Tags start at multiples of four; names and values are padded up to there. */
export function alignTag(size: number): number {
  return Math.ceil(size / TAG_SIZE) * TAG_SIZE;
}

/**
 * Where `name` stands in a string table, also as the tail of a longer name (fdt.c: fdt_find_string_len_()).
 * @returns bytes from the start of the table, or -1
 */
export function findString(table: Buffer, name: Buffer): number {
  return table.indexOf(Buffer.concat([name, Buffer.of(0)]));
}

/** What a tree's bytes get wrong; `offset` is in bytes from the start of the tree. */
export function invalid(text: string, offset: number, path?: string): KhoforgeError {
  return new KhoforgeError('FDT_INVALID', text, {
    where: path === undefined ? { offset } : { offset, path },
  });
}

/** The tree does not fit. `needed` counts what is known so far: more calls may follow. Both in bytes. */
export function noSpace(what: string, needed: number, available: number, path: string): KhoforgeError {
  return new KhoforgeError(
    'FDT_NO_SPACE',
    `${what} does not fit: the tree would need at least ${needed} bytes, ${available} are available`,
    {
      where: { path },
      hint: 'shorten the tree or give it a larger buffer; the kernel gives its root FDT one page',
    },
  );
}

/** A call that the state of the tree does not permit, whatever is allowed. */
export function badState(text: string, path: string): KhoforgeError {
  return new KhoforgeError('FDT_BAD_STATE', text, { where: { path } });
}
