import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonList, jsonParts, jsonValue } from '../../src/base/json.ts';

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.uint8Array({ maxLength: 4 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
}));

/** Every array that only objects lead to, as a list whose items come one by one. */
function streamed(of: unknown): unknown {
  if (Array.isArray(of)) return new JsonList(of[Symbol.iterator]());
  if (typeof of !== 'object' || of === null || of instanceof Uint8Array) return of;
  return Object.fromEntries(Object.entries(of).map(([key, inner]) => [key, streamed(inner)]));
}

it('is what JSON.stringify() gives', () => {
  fc.assert(
    fc.property(value, (of) => {
      const expected = JSON.stringify({ of }, jsonValue, 2);
      expect([...jsonParts({ of })].join('')).toBe(expected);
      expect([...jsonParts({ of: streamed(of) })].join('')).toBe(expected);
    }),
  );
});

it('makes no part that grows with lists inside of lists, of bytes, text and objects', () => {
  const items = Array.from({ length: 20_000 }, (_, i) => ({ i, text: 'text', bytes: new Uint8Array(2) }));
  const value = { a: [{ items, b: [items, [], items] }], c: Object.fromEntries(items.entries()) };
  const made = [...jsonParts(value)];
  expect(Math.max(...made.map((part) => part.length))).toBeLessThan(2 ** 20);
  expect(made.join('')).toBe(JSON.stringify(value, jsonValue, 2));
});

it('makes no part that grows with the list', () => {
  function* numbers() {
    for (let i = 0n; i < 100_000n; i++) yield { start: i, end: i };
  }
  const lengths = Array.from(jsonParts(new JsonList(numbers())), (part) => part.length);
  expect(lengths.length).toBeGreaterThan(10);
  expect(Math.max(...lengths)).toBeLessThan(2 ** 20);
});
