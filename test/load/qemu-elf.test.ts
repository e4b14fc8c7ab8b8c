import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qemuElf } from '../../src/load/qemu-elf.ts';
import type { Extent } from '../../src/memory/physical-memory.ts';
import { runToolOk } from '../oracle/tools.ts';
import { loadedBytes, readElf } from './read-elf.ts';

const filled = (start: bigint, length: number, byte = 7): Extent => ({
  start,
  bytes: new Uint8Array(length).fill(byte),
});
const pvhElf = (extents: readonly Extent[], entry: bigint) => qemuElf('x86_64', extents, entry, 0n);
const loads = (elf: Uint8Array) => readElf(elf).headers.filter(({ type }) => type === 1);

/** Owner `khoforge`, text `elf`. */
const OURS = '09000000030000004b484f46' + '6b686f666f72676500000000' + '656c6600';

describe('qemuElf', () => {
  it('is what readelf takes for an executable with a Xen note and one LOAD per extent', () => {
    const elf = pvhElf([filled(0x100000n, 0x1800), filled(0x1_4000_0000n, 10)], 0x123000n);
    const directory = mkdtempSync(join(tmpdir(), 'khoforge-test-'));
    const file = join(directory, 'boot.elf');
    writeFileSync(file, elf);
    const text = runToolOk('readelf', ['-hlnW', file]).toString();
    rmSync(directory, { recursive: true });
    expect(text).toMatch(/Class: +ELF64/);
    expect(text).toMatch(/Machine: +Advanced Micro Devices X86-64/);
    expect(text).toMatch(/Entry point address: +0x123000/);
    expect(text).toMatch(/NOTE .* 0x000034 0x000034 R +0x4/);
    expect(text).toMatch(/LOAD +0x00011c 0x0000000000100000 0x0000000000100000 0x001800 0x001800 RWE/);
    expect(text).toMatch(/LOAD +0x00191c 0x0000000140000000 0x0000000140000000 0x00000a 0x00000a RWE/);
    expect(text).toMatch(/Xen +0x00000008/);
    expect(text).toContain('description data: 00 30 12 00 00 00 00 00');
  });

  it('has the note that QEMU looks for', () => {
    const [note] = readElf(pvhElf([filled(0x100000n, 1)], 0x123000n)).headers;
    expect(note?.type).toBe(4);
    expect(note?.bytes.toString('hex')).toBe(`04000000080000001200000058656e000030120000000000${OURS}`);
  });

  it('leaves out zero memory, piece by piece', () => {
    const bytes = new Uint8Array(1 << 20);
    bytes[0x5000] = 1;
    bytes[0x6fff] = 2;
    bytes[0xfffff] = 3;
    const elf = pvhElf([{ start: 0x200000n, bytes }, filled(0x900000n, 4096, 0)], 0x200000n);
    expect(loads(elf).map(({ phys, bytes }) => [phys, bytes.length])).toEqual([
      [0x205000n, 0x2000],
      [0x2ff000n, 0x1000],
    ]);
    expect([...loadedBytes(elf)]).toEqual([
      [0x205000n, 1],
      [0x206fffn, 2],
      [0x2fffffn, 3],
    ]);
  });

  it('loads exactly the bytes of the extents', () => {
    const extent = fc.record({
      page: fc.integer({ min: 0, max: 40 }),
      offset: fc.integer({ min: 0, max: 5000 }),
      bytes: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(extent, { maxLength: 12 }), (made) => {
        const wanted = new Map<bigint, number>();
        const extents: Extent[] = [];
        let from = 0n;
        for (const { page, offset, bytes } of made) {
          const start = from + BigInt(page) * 4096n + BigInt(offset);
          extents.push({ start, bytes: Uint8Array.from(bytes) });
          from = start + BigInt(bytes.length);
          bytes.forEach((byte, i) => {
            if (byte !== 0) wanted.set(start + BigInt(i), byte);
          });
        }
        expect(loadedBytes(pvhElf(extents, 0x1000n))).toEqual(wanted);
      }),
    );
  });

  it('joins the nearest extents when there are more than QEMU takes in reasonable time', () => {
    const extents = Array.from({ length: 30_010 }, (_, i) => filled(BigInt(i) * 0x10000n, 16));
    // Ten pairs are nearer to each other than the others: these are joined.
    for (let i = 0; i < 10; i++) extents[i * 100 + 1] = filled(BigInt(i * 100) * 0x10000n + 0x8000n, 16);
    const elf = pvhElf(extents, 0x1000n);
    expect(loads(elf).length).toBe(30_000);
    expect(loads(elf)[0]?.bytes.length).toBe(0x8010);
    expect(loads(elf).reduce((sum, load) => sum + load.bytes.length, 0)).toBe(29_990 * 16 + 10 * 0x8010);
  });
});
