import {
  FDT_VERSION,
  findString,
  getField,
  HEADER_SIZE,
  type HeaderField,
  invalid,
  noSpace,
  RESERVE_ENTRY_SIZE,
  setField,
} from './format.ts';
import { checkBlockOrder, checkHeader, readReservations } from './header.ts';
import type { StructBlock } from './tokens.ts';

/** What an edit is about, for its error. */
export interface Edit {
  readonly what: string;
  readonly path: string;
}

/** The three blocks of a tree in its buffer, and how libfdt shifts them (scripts/dtc/libfdt/fdt_rw.c, 7.3). */
export class FdtBlocks {
  readonly buffer: Buffer;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /**
   * Each edit starts with this, as in libfdt (FDT_RW_PROBE): anyone may have changed the bytes meanwhile.
   * @returns bytes in the reserve map, its last entry included
   */
  probe(): number {
    const header = checkHeader(this.buffer);
    const reservations = readReservations(this.buffer, header).length;
    checkBlockOrder(header, reservations);
    return (reservations + 1) * RESERVE_ENTRY_SIZE;
  }

  get totalSize(): number {
    return getField(this.buffer, 'totalsize');
  }

  structure(): StructBlock {
    return { bytes: this.buffer, start: this.#get('off_dt_struct'), size: this.#get('size_dt_struct') };
  }

  strings(): Buffer {
    return this.buffer.subarray(this.#get('off_dt_strings'), this.#end());
  }

  open(size: number): void {
    this.#set('version', FDT_VERSION);
    this.#set('totalsize', size);
  }

  pack(): void {
    const reserveMapSize = this.probe();
    const structOffset = HEADER_SIZE + reserveMapSize;
    const stringsOffset = structOffset + this.#get('size_dt_struct');
    this.#move('off_mem_rsvmap', HEADER_SIZE, reserveMapSize);
    this.#move('off_dt_struct', structOffset, this.#get('size_dt_struct'));
    this.#move('off_dt_strings', stringsOffset, this.#get('size_dt_strings'));
    this.#set('totalsize', this.#end());
  }

  /** Replaces `oldLength` bytes at `offset` of the structure block by room for `newLength`; @returns where, in the buffer */
  spliceStruct(offset: number, oldLength: number, newLength: number, edit: Edit): number {
    const from = this.#get('off_dt_struct') + offset;
    this.#splice(from, oldLength, newLength, edit);
    this.#set('size_dt_struct', this.#get('size_dt_struct') + newLength - oldLength);
    this.#set('off_dt_strings', this.#get('off_dt_strings') + newLength - oldLength);
    return from;
  }

  /** New names go to the end of the strings block; @returns the name's nameoff */
  findOrAddString(name: Buffer, edit: Edit): number {
    const found = findString(this.strings(), name);
    if (found >= 0) return found;
    const size = this.#get('size_dt_strings');
    const end = this.#end();
    this.#splice(end, 0, name.length + 1, edit);
    name.copy(this.buffer, end);
    this.buffer.writeUInt8(0, end + name.length);
    this.#set('size_dt_strings', size + name.length + 1);
    return size;
  }

  /** Runs an edit that may have added a name; when it fails the name is dropped, but its bytes stay, as in libfdt. */
  orDropString<T>(edit: () => T): T {
    const size = this.#get('size_dt_strings');
    try {
      return edit();
    } catch (error) {
      this.#set('size_dt_strings', size);
      throw error;
    }
  }

  #splice(from: number, oldLength: number, newLength: number, { what, path }: Edit): void {
    const end = this.#end();
    if (from + oldLength > end) throw invalid(`${what} ends past the strings block`, from, path);
    const needed = end - oldLength + newLength;
    if (needed > this.totalSize) throw noSpace(what, needed, this.totalSize, path);
    this.buffer.copyWithin(from + newLength, from + oldLength, end);
  }

  #move(field: HeaderField, to: number, length: number): void {
    const from = this.#get(field);
    this.buffer.copyWithin(to, from, from + length);
    this.#set(field, to);
  }

  #end(): number {
    return this.#get('off_dt_strings') + this.#get('size_dt_strings');
  }

  #get(field: HeaderField): number {
    return getField(this.buffer, field);
  }

  #set(field: HeaderField, value: number): void {
    setField(this.buffer, field, value);
  }
}
