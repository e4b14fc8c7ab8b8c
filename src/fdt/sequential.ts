import { cutAtNul, type FdtWriterOptions, nameBytes, Refusals } from './checks.ts';
import {
  alignTag,
  badState,
  FDT_LAST_COMPATIBLE_VERSION,
  FDT_MAGIC,
  FDT_SW_MAGIC,
  FDT_VERSION,
  findString,
  getField,
  type HeaderField,
  noSpace,
  PROPERTY_HEADER_SIZE,
  RESERVE_ENTRY_SIZE,
  setField,
  TAG_SIZE,
  Tag,
} from './format.ts';
import { TreeGuard } from './guard.ts';
import { readToken } from './tokens.ts';
import { cString } from './values.ts';

/** The reserve map follows the header, aligned to its own entries (fdt_sw.c, 7.3: fdt_create_with_flags()). */
const RESERVE_MAP_OFFSET = 48;

type State = 'reserve map' | 'structure' | 'complete';

/**
 * Writes a tree front to back into a buffer of fixed size, byte-identical to libfdt's sequential write
 * (scripts/dtc/libfdt/fdt_sw.c, 7.3) after each call: fdt_create() is the constructor, the other calls keep their names.
 * The whole buffer is what the kernel would leave in its page, with the strings' stale copy at the end.
 *
 * Each call throws KhoforgeError: `FDT_BAD_STATE` when it comes too early or too late, `FDT_NO_SPACE` when the buffer
 * is full, and the code of an `FdtCheck` for what no valid tree has, unless that check is allowed.
 */
export class FdtSequentialWriter {
  /** The whole buffer, of the size given. Live: later calls write to it. */
  readonly buffer: Buffer;
  readonly #label: string;
  readonly #refusals: Refusals;
  readonly #guard: TreeGuard;

  /** @param size bytes that the tree may take while it is written, e.g. one page */
  constructor(size: number, options: FdtWriterOptions = {}) {
    this.#label = options.label ?? 'fdt';
    this.#refusals = new Refusals(options.allow);
    this.#guard = new TreeGuard(this.#refusals, this.#label);
    if (size < RESERVE_MAP_OFFSET) throw noSpace('the header', RESERVE_MAP_OFFSET, size, this.#label);
    this.buffer = Buffer.alloc(size);
    this.#set('magic', FDT_SW_MAGIC);
    this.#set('version', FDT_VERSION);
    this.#set('totalsize', size);
    this.#set('off_mem_rsvmap', RESERVE_MAP_OFFSET);
    this.#set('off_dt_struct', RESERVE_MAP_OFFSET);
  }

  /** Bytes in the tree once it is finished; until then the size of the buffer. */
  get totalSize(): number {
    return this.#get('totalsize');
  }

  /** Adds a reserve entry. @param address first byte @param size bytes */
  addReservemapEntry(address: bigint, size: bigint): void {
    this.#expect('reserve map', 'a reserve entry');
    if (size === 0n) {
      this.#refusals.refuse(
        'fdt-empty-reservation',
        `reserve entry 0x${address.toString(16)} has size 0`,
        this.#label,
      );
    }
    this.#writeReserveEntry(address, size);
  }

  finishReservemap(): void {
    this.#expect('reserve map', 'the end of the reserve map');
    this.#writeReserveEntry(0n, 0n);
    this.#set('off_dt_strings', this.totalSize);
  }

  /** Begins a node inside the one that is open; the root's name is ''. */
  beginNode(name: string): void {
    this.#expect('structure', `node '${name}'`);
    const isRoot = this.#guard.atTop && name === '';
    const bytes = isRoot ? Buffer.alloc(0) : nameBytes('node', name, this.#refusals, this.#guard.path(name));
    const seen = bytes.toString('latin1');
    this.#guard.checkNode(seen);
    const offset = this.#grab(TAG_SIZE + alignTag(bytes.length + 1), `node '${seen}'`);
    this.buffer.writeUInt32BE(Tag.beginNode, offset);
    bytes.copy(this.buffer, offset + TAG_SIZE);
    // The terminator, not the padding: as strlen() + 1 bytes are copied.
    this.buffer.writeUInt8(0, offset + TAG_SIZE + bytes.length);
    this.#guard.beginNode(seen);
  }

  /** Adds a property to the open node; the value is written as it is, see values.ts for numbers. */
  property(name: string, value: Uint8Array): void {
    this.#expect('structure', `property '${name}'`);
    const bytes = nameBytes('property', name, this.#refusals, this.#guard.path());
    const seen = bytes.toString('latin1');
    this.#guard.checkProperty(seen);
    const stringsSize = this.#get('size_dt_strings');
    const nameoff = this.#findOrAddString(bytes);
    try {
      this.#writeProperty(nameoff, value, seen);
    } catch (error) {
      this.#set('size_dt_strings', stringsSize);
      throw error;
    }
    this.#guard.addProperty(seen);
  }

  /** Adds a property whose value is a NUL-terminated string. */
  propertyString(name: string, text: string): void {
    this.property(name, cString(cutAtNul(`string of '${name}'`, text, this.#refusals, this.#guard.path())));
  }

  endNode(): void {
    this.#expect('structure', 'the end of a node');
    this.#guard.checkEnd();
    this.buffer.writeUInt32BE(Tag.endNode, this.#grab(TAG_SIZE, 'the end of a node'));
    this.#guard.endNode();
  }

  /** Completes the tree. @returns its `totalSize` bytes, a view of `buffer` */
  finish(): Buffer {
    this.#expect('structure', 'the end of the tree');
    this.#guard.checkFinish();
    this.buffer.writeUInt32BE(Tag.end, this.#grab(TAG_SIZE, 'the end of the tree'));
    const stringsSize = this.#get('size_dt_strings');
    const offset = this.#structEnd();
    this.buffer.copyWithin(offset, this.totalSize - stringsSize, this.totalSize);
    this.#set('off_dt_strings', offset);
    this.#rebaseNames(stringsSize);
    this.#set('totalsize', offset + stringsSize);
    this.#set('last_comp_version', FDT_LAST_COMPATIBLE_VERSION);
    this.#set('magic', FDT_MAGIC);
    return this.buffer.subarray(0, this.totalSize);
  }

  #writeReserveEntry(address: bigint, size: bigint): void {
    const offset = this.#get('off_dt_struct');
    const end = offset + RESERVE_ENTRY_SIZE;
    if (end > this.totalSize) throw noSpace('the reserve map', end, this.totalSize, this.#label);
    this.buffer.writeBigUInt64BE(address, offset);
    this.buffer.writeBigUInt64BE(size, offset + 8);
    this.#set('off_dt_struct', end);
  }

  #writeProperty(nameoff: number, value: Uint8Array, name: string): void {
    const offset = this.#grab(PROPERTY_HEADER_SIZE + alignTag(value.length), `property '${name}'`);
    this.buffer.writeUInt32BE(Tag.prop, offset);
    this.buffer.writeUInt32BE(value.length, offset + 4);
    this.buffer.writeInt32BE(nameoff, offset + 8);
    this.buffer.set(value, offset + PROPERTY_HEADER_SIZE);
  }

  /** Strings grow down from the end of the buffer; until fdt_finish() offsets are negative, from there. */
  #findOrAddString(name: Buffer): number {
    const size = this.#get('size_dt_strings');
    const found = findString(this.buffer.subarray(this.totalSize - size, this.totalSize), name);
    if (found >= 0) return found - size;
    const newSize = size + name.length + 1;
    const needed = this.#structEnd() + newSize;
    if (needed > this.totalSize) {
      throw noSpace(`property name '${name.toString('latin1')}'`, needed, this.totalSize, this.#guard.path());
    }
    const offset = this.totalSize - newSize;
    name.copy(this.buffer, offset);
    this.buffer.writeUInt8(0, offset + name.length);
    this.#set('size_dt_strings', newSize);
    return -newSize;
  }

  #rebaseNames(stringsSize: number): void {
    const block = {
      bytes: this.buffer,
      start: this.#get('off_dt_struct'),
      size: this.#get('size_dt_struct'),
    };
    for (let token = readToken(block, 0); token.tag !== Tag.end; token = readToken(block, token.next)) {
      if (token.tag !== Tag.prop) continue;
      const at = block.start + token.offset + 8;
      this.buffer.writeUInt32BE(this.buffer.readInt32BE(at) + stringsSize, at);
    }
  }

  /** Lengthens the structure block; @returns where in the buffer the new bytes start */
  #grab(length: number, what: string): number {
    const offset = this.#structEnd();
    const needed = offset + length + this.#get('size_dt_strings');
    if (needed > this.totalSize) throw noSpace(what, needed, this.totalSize, this.#guard.path());
    this.#set('size_dt_struct', this.#get('size_dt_struct') + length);
    return offset;
  }

  #structEnd(): number {
    return this.#get('off_dt_struct') + this.#get('size_dt_struct');
  }

  #expect(expected: State, what: string): void {
    const state = this.#state();
    if (state === expected) return;
    throw badState(
      `${what} does not belong here: the ${this.#label} is in its ${state} state`,
      this.#guard.path(),
    );
  }

  /** The header tells, as it tells libfdt (fdt_sw.c: fdt_sw_probe_memrsv_(), fdt_sw_probe_struct_()). */
  #state(): State {
    if (this.#get('magic') === FDT_MAGIC) return 'complete';
    return this.#get('off_dt_strings') === 0 ? 'reserve map' : 'structure';
  }

  #get(field: HeaderField): number {
    return getField(this.buffer, field);
  }

  #set(field: HeaderField, value: number): void {
    setField(this.buffer, field, value);
  }
}
