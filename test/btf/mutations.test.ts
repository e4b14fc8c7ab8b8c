import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBtf } from '../../src/btf/btf.ts';
import { fixture } from './compiler.ts';
import { checkError, exercise } from './hostile.ts';

/** A file of fixtures/, and where its .BTF section is: it starts with its magic, and the header tells how long it is. */
function sample(name: string, endian: 'little' | 'big') {
  const file = fixture(name);
  const start = file.indexOf(Buffer.from(endian === 'little' ? [0x9f, 0xeb, 1, 0] : [0xeb, 0x9f, 1, 0]));
  const u32 = (at: number): number =>
    endian === 'little' ? file.readUInt32LE(start + at) : file.readUInt32BE(start + at);
  return { file, start, end: start + u32(4) + u32(16) + u32(20) };
}

const little = sample('x86_64.o', 'little');
const big = sample('s390x.o', 'big');
const everywhere = (bytes: Buffer): number[] => Array.from(bytes.keys());
/** Of words, in turn each byte. */
const some = (bytes: Buffer): number[] => everywhere(bytes).filter((at) => at % 3 === 0);
const around = ({ file, start, end }: typeof little): number[] =>
  everywhere(file).filter((at) => at < start || at >= end);
const blob = ({ file, start, end }: typeof little): Buffer => file.subarray(start, end);

/** What is read, and at which bytes it is changed one by one. */
const SAMPLES: [string, Buffer, number[]][] = [
  ['a little-endian blob', blob(little), some(blob(little))],
  ['a big-endian blob', blob(big), some(blob(big))],
  ['a little-endian ELF file', little.file, around(little)],
  ['a big-endian ELF file', big.file, around(big)],
];

describe.each(SAMPLES)('%s', (_, bytes, places) => {
  it('is read', () => {
    expect(readBtf(bytes).structLayout('luo_like')).toMatchObject({ size: 16 });
  });

  it('is refused when cut at any byte', () => {
    for (let length = 0; length < bytes.length; length++) {
      let refused: unknown;
      try {
        readBtf(bytes.subarray(0, length), 'mutant');
      } catch (error) {
        refused = error;
      }
      if (refused === undefined) throw new Error(`cut to ${length} bytes it is still read`);
      checkError(refused, length);
    }
  });

  it('gives results or errors with a byte changed anywhere', () => {
    let readable = 0;
    for (const at of places) {
      const mutant = Buffer.from(bytes);
      mutant[at] = (mutant[at] ?? 0) ^ (at % 2 === 0 ? 0xff : 1 << (at % 8));
      if (exercise(mutant)) readable++;
    }
    // Otherwise the mutants say nothing about what comes after the list of types.
    expect(readable).toBeGreaterThan(places.length / 3);
  });

  it('gives results or errors after random changes', () => {
    const change = fc.tuple(
      fc.nat(bytes.length - 4),
      fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(200), fc.constantFrom(0xffffffff, 0x80000000)),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const mutant = Buffer.from(bytes);
        for (const [at, value, big] of changes) {
          if (big) mutant.writeUInt32BE(value, at & ~3);
          else mutant.writeUInt32LE(value, at & ~3);
        }
        exercise(mutant);
      }),
      { seed: 7_3_4, numRuns: 400 },
    );
  });
});
