import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { type Contents, held, MAX_HELD } from '../memory/contents.ts';

const BLOCK = 16;
const ZEROES = Buffer.alloc(1 << 20);

/** An endless stream of bytes that depends on the seed alone: AES-128 in counter mode, keyed by the seed's SHA-256. */
export class SeededBytes {
  readonly #key: Buffer;
  readonly #counter: bigint;
  #stream: Cipher;
  #position = 0;

  constructor(seed: string | number | bigint) {
    const digest = createHash('sha256').update(String(seed)).digest();
    this.#key = digest.subarray(0, 16);
    this.#counter = BigInt(`0x${digest.toString('hex', 16)}`);
    this.#stream = this.#streamAt(0);
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes. */
  bytes(length: number): Buffer {
    this.#position += length;
    if (length <= ZEROES.length) return this.#stream.update(ZEROES.subarray(0, length));
    return this.#stream.update(Buffer.alloc(length));
  }

  /** The next whole number in 0 … 2^32 - 1. */
  u32(): number {
    return this.bytes(4).readUInt32LE(0);
  }

  /** Goes to the byte `position` of the stream. */
  seek(position: number): void {
    if (position === this.#position) return;
    this.#stream = this.#streamAt(Math.floor(position / BLOCK));
    this.#stream.update(ZEROES.subarray(0, position % BLOCK));
    this.#position = position;
  }

  #streamAt(block: number): Cipher {
    const counter = BigInt.asUintN(128, this.#counter + BigInt(block));
    const iv = Buffer.from(counter.toString(16).padStart(32, '0'), 'hex');
    return createCipheriv('aes-128-ctr', this.#key, iv);
  }
}

/** `size` bytes of a seed's stream, from byte `from` on: made when they are read, unless they are few. */
export function seedContents(seed: string | number | bigint, size: number, from = 0): Contents {
  const stream = new SeededBytes(seed);
  const read = (offset: number, length: number): Uint8Array => {
    stream.seek(from + offset);
    return stream.bytes(length);
  };
  return size <= MAX_HELD ? held(read(0, size)) : { size, zeroUntil: (offset) => offset, read };
}
