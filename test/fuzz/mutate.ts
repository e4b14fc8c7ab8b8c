import fc from 'fast-check';

/** Numbers, texts and shapes that code trips over. */
const WILD: readonly unknown[] = [
  ...[0, -1, 1, 7, 63, 64, 65, 4095, 4096, 4097, 1.5, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 63)],
  ...['0xffffffffffffffff', '0x10000000000000000', '0x8000000000000000', '18446744073709551615', '-0x1'],
  ...['1EiB', '64TiB', '4KiB', '3', '0.5KiB', '200%', '-1%', 'NaN', 'seed', '/dev/zero', '/', '..', 'a/b'],
  ...[
    '',
    ' ',
    'x'.repeat(70_000),
    '\u001b[2J\u0007',
    'a\rb\nc',
    '\u0085\u009b',
    '\u202eevil',
    '\u0000',
    '\ud800',
  ],
  ...['__proto__', 'constructor', 'toString'],
  ...[null, true, false, [], {}, [[[[]]]], [null], { size: 1 }, { name: {} }],
];

/** A change of a document, whose values are counted through. */
export interface Edit {
  readonly at: number;
  readonly how: 'set' | 'delete' | 'copy' | 'rename' | 'repeat';
  readonly value: number;
  /** Whose value is copied. */
  readonly from: number;
}

export const edits = (max: number): fc.Arbitrary<Edit[]> =>
  fc.array(
    fc.record({
      at: fc.nat(),
      how: fc.constantFrom('set', 'set', 'set', 'delete', 'copy', 'rename', 'repeat'),
      value: fc.nat(WILD.length - 1),
      from: fc.nat(),
    }),
    { minLength: 1, maxLength: max },
  );

type Place = { readonly parent: Record<string, unknown>; readonly key: string };

/** A copy of a document of JSON's kinds of values with the changes. */
export function edited(document: unknown, changes: readonly Edit[]): unknown {
  const root: Record<string, unknown> = { document: structuredClone(document) };
  for (const { at, how, value, from } of changes) {
    const places = placesIn(root);
    const place = places[at % places.length];
    const other = places[from % places.length];
    if (place && other) change(place, how, WILD[value], other);
  }
  return root.document;
}

function change({ parent, key }: Place, how: Edit['how'], wild: unknown, other: Place): void {
  if (how === 'set') parent[key] = structuredClone(wild);
  if (how === 'copy') parent[key] = structuredClone(other.parent[other.key]);
  if (how === 'repeat' && Array.isArray(parent[key])) parent[key] = Array(300).fill(parent[key]).flat();
  if (how === 'rename' && !Array.isArray(parent)) parent[String(wild).slice(0, 40)] = parent[key];
  if (how === 'rename' || how === 'delete') delete parent[key];
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}

/** A word put anywhere in bytes. */
export interface Poke {
  readonly at: number;
  readonly width: 1 | 4 | 8;
  readonly value: bigint;
}

const WORDS = [0n, 1n, 8n, 0xffn, 0xfffn, 0x1000n, 0x7fff_ffffn, 0xffff_ffffn, 1n << 40n, (1n << 63n) - 1n];

/** @param words that mean something there, such as the addresses of pages */
export const pokes = (words: readonly bigint[], max: number): fc.Arbitrary<Poke[]> =>
  fc.array(
    fc.record({
      at: fc.nat(),
      width: fc.constantFrom<Poke['width']>(1, 4, 8, 8),
      value: fc.oneof(
        fc.constantFrom(...words, ...WORDS, (1n << 64n) - 1n),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      ),
    }),
    { maxLength: max },
  );

/** Puts words at multiples of their width, in little or, of one in four, big endian. */
export function poke(bytes: Uint8Array, { at, width, value }: Poke): void {
  const places = Math.floor(bytes.length / width);
  if (places === 0) return;
  const word = Buffer.alloc(8);
  if (at % 4 === 0) word.writeBigUInt64BE(BigInt.asUintN(64, value << BigInt(64 - 8 * width)));
  else word.writeBigUInt64LE(value);
  bytes.set(word.subarray(0, width), (Math.floor(at / 4) % places) * width);
}
