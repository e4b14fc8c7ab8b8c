import type { Endian } from '../abi/target.ts';
import type { Source } from './source.ts';
import { View } from './view.ts';

/**
 * Bytes of an ELF file, all of them.
 * @param what they are, for people
 * @throws KhoforgeError `ELF_INVALID` when the file ends before
 */
export function fileView(source: Source, endian: Endian, offset: number, length: number, what: string): View {
  const origin = { code: 'ELF_INVALID', file: source.file, base: offset } as const;
  if (offset + length > source.size) {
    throw new View(new Uint8Array(), endian, { ...origin, base: 0 }).error(
      offset,
      `${what}, ${length} bytes at ${offset}, ends after the file's ${source.size} bytes`,
    );
  }
  return new View(source.read(offset, length), endian, origin);
}

/** An offset or size of the file; above 2^53 nothing of it is there. */
export function numberIn(view: View, at: number, what: string): number {
  const value = view.u64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw view.error(at, `${what} is ${value}`);
  return Number(value);
}
