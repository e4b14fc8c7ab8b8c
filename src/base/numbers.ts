import { KhoforgeError } from './errors.ts';

/** `0x…`, the one way an address or a 64-bit size is printed, in text and in JSON. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** Largest multiple of `alignment` (a power of two) that is not above `value`. */
export function alignDown(value: bigint, alignment: bigint): bigint {
  return value & ~(alignment - 1n);
}

/** Smallest multiple of `alignment` (a power of two) that is not below `value`. */
export function alignUp(value: bigint, alignment: bigint): bigint {
  return alignDown(value + alignment - 1n, alignment);
}

/** The lower of two; the first where there is no second. */
export const minOf = (a: bigint, b: bigint | undefined): bigint => (b !== undefined && b < a ? b : a);
/** The higher of two; the first where there is no second. */
export const maxOf = (a: bigint, b: bigint | undefined): bigint => (b !== undefined && b > a ? b : a);

export function isAligned(value: bigint, alignment: bigint): boolean {
  return (value & (alignment - 1n)) === 0n;
}

/** Whether [aStart, aEnd) and [bStart, bEnd) share a byte. */
export function overlaps(aStart: bigint, aEnd: bigint, bStart: bigint, bEnd: bigint): boolean {
  return aStart < bEnd && bStart < aEnd;
}

/**
 * Narrows a 64-bit count or offset to a `number`.
 * @throws KhoforgeError `NUMBER_TOO_LARGE` when it is negative or above 2^53 - 1
 */
export function toNumber(value: bigint, what: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new KhoforgeError('NUMBER_TOO_LARGE', `${what} is ${value}, outside 0 … 2^53-1`);
  }
  return Number(value);
}

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  B: 1n,
  K: 1n << 10n,
  KiB: 1n << 10n,
  M: 1n << 20n,
  MiB: 1n << 20n,
  G: 1n << 30n,
  GiB: 1n << 30n,
  T: 1n << 40n,
  TiB: 1n << 40n,
};

/**
 * Reads `64MiB`, `4K`, `0x1000`, `4096` or a number. K, M, G and T are powers of 1024, as in the kernel's memparse().
 * @returns undefined when the text is no size or the value does not fit in 64 bits
 */
export function parseSize(input: string | number | bigint): bigint | undefined {
  if (typeof input === 'bigint') return input >= 0n && input < 1n << 64n ? input : undefined;
  if (typeof input === 'number') return Number.isSafeInteger(input) && input >= 0 ? BigInt(input) : undefined;
  const match = /^(0x[0-9a-f][0-9a-f_]*|[0-9][0-9_]*) ?([KMGT](?:iB)?|B)?$/i.exec(input.trim());
  if (!match?.[1]) return undefined;
  const unit = Object.entries(UNITS).find(([name]) => name.toLowerCase() === (match[2] ?? '').toLowerCase());
  if (!unit) return undefined;
  const value = BigInt(match[1].replaceAll('_', '')) * unit[1];
  return value < 1n << 64n ? value : undefined;
}

/** `64 MiB`: the largest binary unit that divides the size, for people. */
export function humanSize(bytes: bigint): string {
  for (const [unit, factor] of [
    ['TiB', 1n << 40n],
    ['GiB', 1n << 30n],
    ['MiB', 1n << 20n],
    ['KiB', 1n << 10n],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0n) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} B`;
}
