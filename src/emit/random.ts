import { createCipheriv, createHash } from 'node:crypto';

/** An endless stream of bytes that depends on the seed alone: AES-128 in counter mode, keyed by the seed's SHA-256. */
export class SeededBytes {
  readonly #stream;

  constructor(seed: string | number | bigint) {
    const digest = createHash('sha256').update(String(seed)).digest();
    this.#stream = createCipheriv('aes-128-ctr', digest.subarray(0, 16), digest.subarray(16, 32));
  }

  /** The next `length` bytes. */
  bytes(length: number): Buffer {
    return this.#stream.update(Buffer.alloc(length));
  }

  /** The next whole number in 0 … 2^32 - 1. */
  u32(): number {
    return this.bytes(4).readUInt32LE(0);
  }
}
