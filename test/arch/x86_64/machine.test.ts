import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pcMachine, pcRam } from '../../../src/arch/x86_64/machine.ts';
import { isWithin, regionEnd } from '../../../src/memory/regions.ts';

const KiB = 1n << 10n;
const MiB = 1n << 20n;
const GiB = 1n << 30n;

/** End of low RAM and of high RAM in the e820 table that kernel 7.3.4 prints on QEMU 7.2.22 (SeaBIOS), per -m. */
const MEASURED = [
  ['q35', 256n, 0xffe0000n, undefined],
  ['q35', 512n, 0x1ffe0000n, undefined],
  ['q35', 2048n, 0x7ffe0000n, undefined],
  ['q35', 2560n, 0x9ffe0000n, undefined],
  ['q35', 2815n, 0xafee0000n, undefined],
  ['q35', 2816n, 0x7ffe0000n, 0x130000000n],
  ['q35', 3072n, 0x7ffe0000n, 0x140000000n],
  ['q35', 6144n, 0x7ffe0000n, 0x200000000n],
  ['pc', 3072n, 0xbffe0000n, undefined],
  ['pc', 3583n, 0xdfee0000n, undefined],
  ['pc', 3584n, 0xbffe0000n, 0x120000000n],
  ['pc', 4096n, 0xbffe0000n, 0x140000000n],
  ['pc', 6144n, 0xbffe0000n, 0x1c0000000n],
] as const;

describe('pcMachine', () => {
  it.each(MEASURED)('finds %s with %d MiB by the RAM that a kernel sees on it', (type, size, low, high) => {
    const ram = [
      { start: 0n, size: 639n * KiB },
      { start: MiB, size: low - MiB },
      ...(high ? [{ start: 4n * GiB, size: high - 4n * GiB }] : []),
    ];
    const machine = pcMachine(ram);
    expect([machine.type, machine.size]).toEqual([type, size * MiB]);
    expect(machine.usable).toEqual(ram.slice(1));
  });

  it('is the inverse of pcRam', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 64 << 10 }), (megabytes) => {
        const size = BigInt(megabytes) * MiB;
        expect(pcMachine(pcRam(size))).toMatchObject({ type: 'q35', size });
      }),
    );
  });

  it('takes a machine with more memory than the image uses, if asked to', () => {
    const ram = pcRam(512n * MiB);
    expect(pcMachine(ram, GiB).size).toBe(GiB);
    expect(() => pcMachine(ram, 256n * MiB)).toThrow('no QEMU machine with 256 MiB of memory');
  });

  it('takes the smallest machine with RAM above 4 GiB, when that is all the image uses', () => {
    const machine = pcMachine([{ start: 4n * GiB, size: 64n * MiB }]);
    expect([machine.type, machine.size]).toEqual(['q35', 2816n * MiB]);
  });

  it.each([
    [[{ start: 0xf0000n, size: 0x10000n }]],
    [[{ start: 0n, size: GiB }]],
    [[{ start: 3n * GiB + 512n * MiB, size: MiB }]],
    [[]],
  ])('refuses RAM that no machine has: %o', (ram) => {
    expect(() => pcMachine(ram)).toThrow(expect.objectContaining({ code: 'RAM_NOT_QEMU', exitCode: 2 }));
  });
});

describe('what the firmware works in', () => {
  /** First and last byte that SeaBIOS 1.16 changed of a pattern in all of low memory, on QEMU 7.2.22, per -m. */
  it.each([
    ['q35', 64n, 0x2fdf000n, 0x2fffffbn],
    ['q35', 512n, 0x1efdf000n, 0x1effffffn],
    ['q35', 2560n, 0x9efdf000n, 0x9efffffbn],
    ['q35', 3072n, 0x7efdf000n, 0x7efffffbn],
    ['pc', 4096n, 0xbefe21a0n, 0xbefffffbn],
  ] as const)('holds all that was measured on %s with %d MiB', (type, size, first, last) => {
    const top = size * MiB > 0xb0000000n ? [{ start: 4n * GiB, size: MiB }] : [];
    const low = { start: MiB, size: last + 16n * MiB - MiB - (last % MiB) };
    const ram = type === 'pc' ? [{ start: MiB, size: 3n * GiB - 2n * MiB }, ...top] : [low, ...top];
    const machine = pcMachine(ram, size * MiB);
    expect(machine.type).toBe(type);
    expect(isWithin(machine.scribbled, first, last + 1n)).toBe(true);
    expect(machine.scribbled.every((part) => isWithin(machine.usable, part.start, regionEnd(part)))).toBe(
      true,
    );
  });
});

describe('pcRam', () => {
  it.each(MEASURED.filter(([type]) => type === 'q35'))('is RAM of %s with %d MiB', (_, size, low, high) => {
    const [conventional, ...rest] = pcRam(size * MiB);
    expect(conventional && regionEnd(conventional) <= 639n * KiB).toBe(true);
    expect(rest[0] && isWithin([{ start: MiB, size: low - MiB }], rest[0].start, regionEnd(rest[0]))).toBe(
      true,
    );
    expect(rest[1] && regionEnd(rest[1])).toBe(high);
  });
});
