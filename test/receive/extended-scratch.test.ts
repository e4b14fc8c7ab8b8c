import { expect, it } from 'vitest';
import { receiverOf } from '../../src/kernel/receivers.ts';
import { isExtended } from '../../src/kernel/scratch-extension.ts';

const GIB = 1n << 30n;
const receiver = receiverOf('7.3');
const region = (start: bigint, end: bigint) => ({ start, size: end - start });
const isFree = (ram: readonly [bigint, bigint][], preserved: readonly bigint[]) =>
  isExtended(
    { receiver, ram: ram.map(([start, end]) => region(start, end)) },
    { ranges: BigUint64Array.from(preserved) },
  );

it('extends scratch by a block of RAM without preserved memory', () => {
  expect(isFree([[0n, GIB]], [])).toBe(true);
  expect(isFree([[0n, GIB]], [0x1000n, 0x2000n])).toBe(false);
  expect(isFree([[0n, 3n * GIB]], [0x1000n, 0x2000n, 2n * GIB, 2n * GIB + 1n])).toBe(true);
  expect(isFree([[0n, 3n * GIB]], [0x1000n, 2n * GIB + 1n])).toBe(false);
  // A block is busy as a whole, also by what is beside the RAM in it.
  expect(isFree([[GIB / 2n, GIB]], [0n, 0x1000n])).toBe(false);
  expect(isFree([[0n, GIB + 0x1000n]], [0n, 0x1000n])).toBe(true);
  const before = { receiver: receiverOf('7.2'), ram: [region(0n, GIB)] };
  expect(isExtended(before, { ranges: new BigUint64Array() })).toBe(false);
});

// Looking at each block up to the last would take hours.
it('looks at the blocks of RAM alone, wherever they are', () => {
  const far = 1n << 62n;
  const ram: [bigint, bigint][] = Array.from({ length: 2000 }, (_, i) => {
    const start = far + BigInt(i) * 4n * GIB;
    return [start, start + GIB];
  });
  const preserved = ram.flatMap(([start]) => [start, start + 0x1000n]);
  expect(isFree(ram, preserved)).toBe(false);
  expect(isFree(ram, preserved.slice(2))).toBe(true);
});
