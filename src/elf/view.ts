import type { Endian } from '../abi/target.ts';
import { KhoforgeError, type Where } from '../base/errors.ts';

/** Where a view's bytes come from, for its errors. */
export interface Origin {
  readonly code: 'BTF_INVALID' | 'ELF_INVALID';
  readonly file: string | undefined;
  /** Offset of the view's first byte in `file`. */
  readonly base: number;
}

/** Bounded reads of one byte order. Every number in the bytes is hostile until it went through here. */
export class View {
  readonly endian: Endian;
  readonly #buffer: Buffer;
  readonly #origin: Origin;

  constructor(bytes: Uint8Array, endian: Endian, origin: Origin) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.endian = endian;
    this.#origin = origin;
  }

  /** Bytes. */
  get length(): number {
    return this.#buffer.length;
  }

  /** The same bytes from `start` on, `length` of them. */
  part(start: number, length: number, what: string): View {
    this.need(start, length, what);
    const { code, file, base } = this.#origin;
    return new View(this.#buffer.subarray(start, start + length), this.endian, {
      code,
      file,
      base: base + start,
    });
  }

  u8(at: number): number {
    this.need(at, 1, 'a byte');
    return this.#buffer.readUInt8(at);
  }

  u16(at: number): number {
    this.need(at, 2, 'a u16');
    return this.endian === 'little' ? this.#buffer.readUInt16LE(at) : this.#buffer.readUInt16BE(at);
  }

  u32(at: number): number {
    this.need(at, 4, 'a u32');
    return this.endian === 'little' ? this.#buffer.readUInt32LE(at) : this.#buffer.readUInt32BE(at);
  }

  u64(at: number): bigint {
    this.need(at, 8, 'a u64');
    return this.endian === 'little' ? this.#buffer.readBigUInt64LE(at) : this.#buffer.readBigUInt64BE(at);
  }

  /** Whether `bytes` stand at `at`; false also where the view ends before. */
  startsWith(at: number, bytes: Uint8Array): boolean {
    const end = at + bytes.length;
    return end <= this.length && this.#buffer.compare(bytes, 0, bytes.length, at, end) === 0;
  }

  /** The text up to the next NUL, or undefined when none comes within `limit` bytes. */
  text(at: number, limit: number): string | undefined {
    const window = this.#buffer.subarray(at, at + limit);
    const end = window.indexOf(0);
    return end < 0 ? undefined : window.toString('utf8', 0, end);
  }

  need(at: number, length: number, what: string): void {
    if (at >= 0 && at + length <= this.length) return;
    throw this.error(at, `${what} of ${length} bytes at ${at} does not fit in ${this.length} bytes`);
  }

  /** @param at offset in this view; the error names the one in the file */
  error(at: number, message: string, hint?: string): KhoforgeError {
    const { code, file, base } = this.#origin;
    const where: Where = { offset: base + at };
    if (file !== undefined) where.file = file;
    const text = file === undefined ? message : `${file}: ${message}`;
    return new KhoforgeError(code, text, hint === undefined ? { where } : { where, hint });
  }
}
