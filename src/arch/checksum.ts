/**
 * A ones' complement sum of words, reduced to as many bits as the modulus has. It is unique but for its zero, which
 * only empty or zero data gives: 0 is written as all ones otherwise.
 * @param modulus 2^bits - 1
 */
export function onesComplement(sum: bigint, modulus: bigint): number {
  if (sum === 0n) return 0;
  const rest = sum % modulus;
  return Number(rest === 0n ? modulus : rest);
}
