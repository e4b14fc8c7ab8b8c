import fc from 'fast-check';
import { expect, it } from 'vitest';
import { noteBytes, notesIn } from '../../src/elf/notes.ts';

const note = fc.record({
  owner: fc.string({ unit: fc.constantFrom('A', 'b', '.'), maxLength: 9 }),
  type: fc.nat(),
  desc: fc.uint8Array({ maxLength: 9 }),
});

it('are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(note, { maxLength: 5 }), (notes) => {
      const bytes = Buffer.concat(notes.map(noteBytes));
      expect(
        [...notesIn(bytes, 'little')].map((one) => ({ ...one, desc: Uint8Array.from(one.desc) })),
      ).toEqual(notes);
    }),
  );
});

/** From `readelf -n` of a program of Debian's gcc: owner GNU, type NT_GNU_BUILD_ID. */
const BUILD_ID = '040000001400000003000000474e5500000102030405060708090a0b0c0d0e0f10111213';

it('have the layout of the linker', () => {
  const [found] = notesIn(Buffer.from(BUILD_ID, 'hex'), 'little');
  expect(found?.owner).toBe('GNU');
  expect(found?.type).toBe(3);
  expect(Buffer.from(found?.desc ?? []).toString('hex')).toBe('000102030405060708090a0b0c0d0e0f10111213');
});

it('end where their bytes do, whatever their sizes say', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom('little', 'big'), (bytes, endian) => {
      for (const { desc } of notesIn(bytes, endian)) expect(desc.length).toBeLessThanOrEqual(bytes.length);
    }),
  );
  const huge = Buffer.from(BUILD_ID, 'hex');
  huge.writeUInt32LE(0xffff_fffc, 0);
  expect([...notesIn(huge, 'little')]).toEqual([]);
});
