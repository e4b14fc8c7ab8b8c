import {
  FDT_MAGIC,
  FDT_SW_MAGIC,
  FDT_VERSION,
  type FdtHeader,
  getField,
  HEADER_FIELDS,
  HEADER_SIZE,
  type HeaderField,
  invalid,
  RESERVE_ENTRY_SIZE,
} from './format.ts';

/** Memory that the tree's producer wants left alone: first byte and bytes. KHO itself never writes one. */
export interface FdtReservation {
  readonly address: bigint;
  readonly size: bigint;
}

/** What an FDT says of its own size; undefined of bytes that do not begin one. @param head its first 8 bytes */
export function fdtSize(head: Uint8Array): number | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return view.getUint32(0) === FDT_MAGIC ? view.getUint32(4) : undefined;
}

/**
 * Reads and bounds the header as fdt_check_header() does (scripts/dtc/libfdt/fdt.c, 7.3), but for two rules that
 * kernels before 7.1 do not have: off_mem_rsvmap a multiple of 8, off_dt_struct of 4.
 * @param bytes the tree and what may follow it, e.g. the rest of its page
 * @throws KhoforgeError `FDT_INVALID` at the offending field
 */
export function checkHeader(bytes: Buffer): FdtHeader {
  if (bytes.length < HEADER_SIZE) {
    throw invalid(`an FDT header takes ${HEADER_SIZE} bytes, there are ${bytes.length}`, bytes.length);
  }
  const header: FdtHeader = {
    magic: getField(bytes, 'magic'),
    totalsize: getField(bytes, 'totalsize'),
    off_dt_struct: getField(bytes, 'off_dt_struct'),
    off_dt_strings: getField(bytes, 'off_dt_strings'),
    off_mem_rsvmap: getField(bytes, 'off_mem_rsvmap'),
    version: getField(bytes, 'version'),
    last_comp_version: getField(bytes, 'last_comp_version'),
    boot_cpuid_phys: getField(bytes, 'boot_cpuid_phys'),
    size_dt_strings: getField(bytes, 'size_dt_strings'),
    size_dt_struct: getField(bytes, 'size_dt_struct'),
  };
  checkKind(header);
  const { totalsize } = header;
  if (totalsize < HEADER_SIZE || totalsize > bytes.length) {
    throw atField(
      'totalsize',
      `${totalsize}, expected ${HEADER_SIZE} to ${bytes.length}, the bytes that are there`,
    );
  }
  checkBlock(header, 'off_mem_rsvmap', 0);
  checkBlock(header, 'off_dt_struct', header.size_dt_struct);
  checkBlock(header, 'off_dt_strings', header.size_dt_strings);
  return header;
}

/**
 * Demands the blocks in the order that the read-write calls of libfdt need: reserve map, structure, strings.
 * libfdt would move misordered blocks when it opens a tree; no kernel writes such a tree, so we do not.
 * @throws KhoforgeError `FDT_INVALID`
 */
export function checkBlockOrder(header: FdtHeader, reservations: number): void {
  const structAt = header.off_mem_rsvmap + (reservations + 1) * RESERVE_ENTRY_SIZE;
  if (header.off_dt_struct < structAt) {
    throw atField('off_dt_struct', `${header.off_dt_struct}, but the reserve map ends at ${structAt}`);
  }
  const stringsAt = header.off_dt_struct + header.size_dt_struct;
  if (header.off_dt_strings < stringsAt) {
    throw atField('off_dt_strings', `${header.off_dt_strings}, but the structure block ends at ${stringsAt}`);
  }
}

/** Reads the reserve map up to its first entry of size 0. @throws KhoforgeError `FDT_INVALID` when it has none */
export function readReservations(bytes: Buffer, header: FdtHeader): FdtReservation[] {
  const entries: FdtReservation[] = [];
  for (let offset = header.off_mem_rsvmap; ; offset += RESERVE_ENTRY_SIZE) {
    if (offset + RESERVE_ENTRY_SIZE > header.totalsize) {
      throw invalid(`reserve map has no entry of size 0 within totalsize ${header.totalsize}`, offset);
    }
    const entry = { address: bytes.readBigUInt64BE(offset), size: bytes.readBigUInt64BE(offset + 8) };
    if (entry.size === 0n) return entries;
    entries.push(entry);
  }
}

function checkKind({ magic, version, last_comp_version }: FdtHeader): void {
  if (magic === FDT_SW_MAGIC)
    throw atField('magic', `0x${magic.toString(16)}: a tree whose writing was not finished`);
  if (magic !== FDT_MAGIC) throw atField('magic', `0x${magic.toString(16)}, expected 0xd00dfeed`);
  if (version < FDT_VERSION) throw atField('version', `${version}, expected ${FDT_VERSION} or later`);
  if (last_comp_version > FDT_VERSION) {
    throw atField('last_comp_version', `${last_comp_version}, readers know versions up to ${FDT_VERSION}`);
  }
}

function checkBlock(
  header: FdtHeader,
  field: 'off_mem_rsvmap' | 'off_dt_struct' | 'off_dt_strings',
  size: number,
): void {
  const end = header[field] + size;
  if (header[field] >= HEADER_SIZE && end <= header.totalsize) return;
  const extent = size === 0 ? `${header[field]}` : `${header[field]} and its block ends at ${end}`;
  throw atField(field, `${extent}, expected ${HEADER_SIZE} to totalsize ${header.totalsize}`);
}

function atField(field: HeaderField, text: string): Error {
  return invalid(`FDT header: ${field} is ${text}`, HEADER_FIELDS.indexOf(field) * 4);
}
