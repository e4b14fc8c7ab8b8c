import type { Arch } from '../../abi/arch.ts';
import { ARCHITECTURES } from '../../arch/architectures.ts';
import type { Readable } from '../../memory/physical-memory.ts';

/**
 * The kernel's csum_partial() over whole pages of a little-endian target, chained through `sum`.
 * The sum of 32-bit words, reduced as the architecture does it, equals what the kernel's unrolled code computes.
 * @param data a multiple of 4 bytes, at once or in parts
 */
export function csumPartial(arch: Arch, data: Uint8Array | Iterable<Uint8Array>, sum: number): number {
  let words = 0n;
  for (const part of data instanceof Uint8Array ? [data] : data) words += sumOfWords(part);
  return ARCHITECTURES[arch].csumPartial(words, sum);
}

/** Bytes of a part. */
const PART = 1 << 20;

/** What a folio holds, in parts. @param size bytes */
export function* folioParts(memory: Readable, phys: bigint, size: number): Generator<Uint8Array, void> {
  for (let done = 0; done < size; done += PART) {
    yield memory.read(phys + BigInt(done), Math.min(PART, size - done));
  }
}

/** Words are added as numbers, 2^20 at a time, so that no partial sum passes 2^53. */
function sumOfWords(data: Uint8Array): bigint {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const block = 4 << 20;
  let total = 0n;
  for (let start = 0; start < data.length; start += block) {
    const end = Math.min(start + block, data.length);
    let partial = 0;
    for (let at = start; at < end; at += 4) partial += view.getUint32(at, true);
    total += BigInt(partial);
  }
  return total;
}
