import type { Arch } from '../../abi/target.ts';

/**
 * The kernel's csum_partial() over whole pages of a little-endian target, chained through `sum`.
 * A ones' complement sum is unique but for its zero, which only empty or zero data gives: so the sum of
 * 32-bit words, reduced modulo 2^32 - 1 with 0 written as 2^32 - 1, equals what the unrolled code computes.
 *
 * x86_64 folds the data together with the incoming sum to 32 bits (arch/x86/lib/csum-partial_64.c, 7.3).
 * arm64 folds the data to 16 bits first, then adds the incoming sum (lib/checksum.c: csum_partial,
 * arch/arm64/lib/csum.c: do_csum, 7.3).
 * @param data a multiple of 4 bytes
 */
export function csumPartial(arch: Arch, data: Uint8Array, sum: number): number {
  const words = sumOfWords(data);
  if (arch === 'x86_64') return onesComplement(words + BigInt(sum), 0xffffffffn);
  return onesComplement(BigInt(onesComplement(words, 0xffffn)) + BigInt(sum), 0xffffffffn);
}

function onesComplement(sum: bigint, modulus: bigint): number {
  if (sum === 0n) return 0;
  const rest = sum % modulus;
  return Number(rest === 0n ? modulus : rest);
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
