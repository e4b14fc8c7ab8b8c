/** Bytes that are made where they are read, and that nobody holds: of a file, of a seed, or zeroes. */
export interface Contents {
  /** Bytes. */
  readonly size: number;
  /** All of them, where they are few enough to be held. */
  readonly bytes?: Uint8Array;
  /** Where what begins at `offset` and is zero ends, as far as that is known without reading; else `offset`. */
  zeroUntil(offset: number): number;
  /** `length` bytes from `offset` on, none of them beyond the size. */
  read(offset: number, length: number): Uint8Array;
}

/** Contents of more bytes are not held. */
export const MAX_HELD = 1 << 20;

/** As many zeroes as are asked for. */
export const ZEROES: Contents = {
  size: Number.MAX_SAFE_INTEGER,
  zeroUntil: () => Number.MAX_SAFE_INTEGER,
  read: (_offset, length) => new Uint8Array(length),
};

export function held(bytes: Uint8Array): Contents {
  return {
    size: bytes.length,
    bytes,
    zeroUntil: (offset) => offset,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}
