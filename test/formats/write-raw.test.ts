import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeRawExtents } from '../../src/formats/write-raw.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { smallImage } from '../load/image.ts';
import { codeOf } from '../thrown.ts';
import { filesFolder } from './core-writer.ts';

const file = filesFolder();
const path = (name: string) => join(file('place', new Uint8Array()), '..', name);

function imageOf(pages: readonly (readonly [bigint, number])[]) {
  const memory = new PhysicalMemory();
  for (const [start, byte] of pages) memory.map(start, new Uint8Array(4096).fill(byte));
  return { ...smallImage(), memory };
}

describe('raw extents', () => {
  it('are a file for each run of pages, and the arguments that load them', () => {
    const output = path('raw');
    const image = imageOf([
      [0x200000n, 1],
      [0x201000n, 0],
      [0x202000n, 2],
      [0x1_0000_0000n, 3],
    ]);
    const names = writeRawExtents(image, output);
    expect(names).toEqual(['raw.json', 'qemu-args', '0x200000.bin', '0x100000000.bin']);
    expect(readdirSync(output).sort()).toEqual([...names].sort());
    const bytes = readFileSync(join(output, '0x200000.bin'));
    expect([0, 4096, 8192, 12287].map((at) => bytes[at])).toEqual([1, 0, 2, 2]);
    expect(bytes).toHaveLength(3 * 4096);
    expect(readFileSync(join(output, '0x100000000.bin')).every((byte) => byte === 3)).toBe(true);
    expect(readFileSync(join(output, 'qemu-args'), 'utf8')).toBe(
      '-device loader,file=0x200000.bin,addr=0x200000,force-raw=on ' +
        '-device loader,file=0x100000000.bin,addr=0x100000000,force-raw=on\n',
    );
  });

  it('have other arguments before, and leave out what gets there in another way', () => {
    const output = path('more');
    const extra = [{ name: 'entry.elf', bytes: Buffer.from('elf') }];
    const image = imageOf([
      [0x200000n, 1],
      [0x400000n, 1],
    ]);
    writeRawExtents(image, output, { extra, arguments: ['-kernel', 'entry.elf'], without: [0x200000n] });
    expect(readFileSync(join(output, 'qemu-args'), 'utf8')).toBe(
      '-kernel entry.elf -device loader,file=0x400000.bin,addr=0x400000,force-raw=on\n',
    );
    expect(readdirSync(output)).toHaveLength(5);
  });

  it('replace older ones, and nothing else', () => {
    const output = path('again');
    writeRawExtents(imageOf([[0x200000n, 1]]), output);
    writeRawExtents(imageOf([[0x300000n, 1]]), output);
    expect(readdirSync(output).toSorted()).toEqual(['0x300000.bin', 'qemu-args', 'raw.json']);
    const other = path('other');
    mkdirSync(other);
    writeFileSync(join(other, 'file'), '');
    expect(codeOf(() => writeRawExtents(imageOf([[0x200000n, 1]]), other))).toBe('OUTPUT_EXISTS');
  });
});
