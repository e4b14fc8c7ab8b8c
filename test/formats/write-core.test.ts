import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { readVmcoreinfo } from '../../src/formats/vmcoreinfo.ts';
import { writeElfCore } from '../../src/formats/write-core.ts';
import { kexecSegments, withSegments } from '../../src/load/segments.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { openSource } from '../../src/source/open.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { allBytes } from '../memory/all-bytes.ts';
import { runToolOk } from '../oracle/tools.ts';
import { codeOf } from '../thrown.ts';
import { filesFolder } from './core-writer.ts';

const file = filesFolder();
const path = (name: string) => join(file('place', new Uint8Array()), '..', name);
const built = buildImage({
  target: { release: '7.3' },
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { orders: [0, 3] } },
  ],
});
const INFO = 'OSRELEASE=7.3.4-test\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff81816000\n';
const SAME = { values: [], added: [], removed: [] };

/** An image with pages at these addresses and nothing else. */
function pagesAt(addresses: readonly bigint[]) {
  const memory = new PhysicalMemory();
  for (const at of addresses) memory.map(at, new Uint8Array(4096).fill(1));
  return { ...built, memory };
}

describe('an ELF core that we write', () => {
  it('is read back as the same image', () => {
    const core = path('image.core');
    writeElfCore(built, core);
    const opened = openSource(core);
    expect(diffImages(built, opened.image)).toEqual(SAME);
    expect(opened.image.bootRecord).toEqual(built.bootRecord);
    expect(opened.image.scratch).toEqual(built.scratch);
    expect(opened.notes.map(({ code }) => code)).toEqual(['NO_BOOT_RECORD', 'RAM']);
    for (const { start, bytes } of allBytes(built.memory)) {
      expect(Buffer.compare(opened.image.memory.read(start, bytes.length), bytes)).toBe(0);
    }
  });

  it('says what is RAM, in whatever order the spec has it', () => {
    const ram = [
      { start: '512MiB', size: '256MiB' },
      { start: 0, size: '512MiB' },
      { start: '1GiB', size: '256MiB' },
    ];
    writeElfCore(buildImage({ ram }), path('ram.core'));
    expect(openSource(path('ram.core')).image.ram).toEqual([
      { start: 0n, size: 768n << 20n },
      { start: 1n << 30n, size: 256n << 20n },
    ]);
  });

  it('gives equal bytes on every run', () => {
    const [one, other] = [path('one.core'), path('other.core')];
    for (const name of [one, other]) writeElfCore({ ...built, vmcoreinfo: INFO }, name);
    expect(() => runToolOk('cmp', [one, other])).not.toThrow();
  });

  it('has physical addresses twice, and the note of its kernel, for readelf', () => {
    const core = path('note.core');
    writeElfCore({ ...pagesAt([0x200000n, 0x202000n, 0x203000n]), vmcoreinfo: INFO }, core);
    const text = runToolOk('readelf', ['-hlnW', core]).toString();
    expect(text).toMatch(/Type: +CORE/);
    expect(text).toMatch(/LOAD +0x001000 0x0000000000200000 0x0000000000200000 0x001000 0x001000/);
    expect(text).toMatch(/LOAD +0x002000 0x0000000000202000 0x0000000000202000 0x002000 0x002000/);
    expect(text).toMatch(/VMCOREINFO +0x0000004b/);
  });

  it('keeps that note through a capture and an image directory', () => {
    const core = path('kept.core');
    writeElfCore({ ...built, vmcoreinfo: INFO }, core);
    const { image, kind } = openSource(core);
    expect(kind).toContain('ELF core of 7.3.4-test');
    const directory = join(core, '..', 'kept');
    writeImageDirectory(image, directory);
    expect(readImageDirectory(directory).vmcoreinfo).toBe(INFO);
    expect(readVmcoreinfo(core)).toBe(INFO);
  });

  it('with a kernel in it leads by its boot record to the handover and to RAM', () => {
    const initrd = new Uint8Array(5000).fill(7);
    const { segments } = kexecSegments(built, { kernel: fakeBzImage(), initrd, cmdline: 'kho=on' });
    const core = path('jump.core');
    writeElfCore(withSegments(built, segments), core);
    const { image, notes } = openSource(core);
    expect(notes.map(({ code }) => code)).toEqual(['RAM']);
    expect(image.ram).toEqual(built.ram);
    expect(image.bootRecord).toEqual(built.bootRecord);
    expect(diffImages(built, image)).toEqual(SAME);
    const at = segments.find(({ name }) => name === 'initrd')?.start ?? 0n;
    expect(Buffer.compare(image.memory.read(at, 5000), initrd)).toBe(0);
  });

  it('takes no disk for zeroes', () => {
    const memory = new PhysicalMemory();
    const bytes = new Uint8Array(64 << 20);
    bytes[0] = 1;
    memory.map(0x1000000n, bytes);
    const core = path('sparse.core');
    writeElfCore({ ...built, memory }, core);
    const { size, blocks } = statSync(core);
    expect(size).toBe((64 << 20) + 4096);
    expect(blocks * 512).toBeLessThan(1 << 20);
  });

  it('may have more than 65534 runs of pages', () => {
    const memory = new PhysicalMemory();
    for (const { start, bytes } of allBytes(built.memory)) memory.map(start, bytes);
    for (let i = 0n; i < 65_600n; i++) memory.map(0x1_0000_0000n + i * 8192n, new Uint8Array(16));
    const core = path('many.core');
    writeElfCore({ ...built, memory, vmcoreinfo: INFO }, core);
    const opened = openSource(core);
    expect(opened.kind).toMatch(/65604 segments/);
    expect(diffImages(built, opened.image)).toEqual(SAME);
  });
});

describe('VMCOREINFO', () => {
  it.each([
    ['nothing', ''],
    ['other text', 'PAGESIZE=4096\n'],
    ['too much', `OSRELEASE=7.3\n${'x'.repeat(70_000)}`],
    ['NUL bytes', 'OSRELEASE=7.3\0\n'],
  ])('is refused when it is %s', (name, text) => {
    const source = path(`${name}.txt`);
    writeFileSync(source, text);
    expect(codeOf(() => readVmcoreinfo(source))).toBe('VMCOREINFO_INVALID');
  });

  it('is refused of a core without it', () => {
    const core = path('without.core');
    writeElfCore(built, core);
    expect(codeOf(() => readVmcoreinfo(core))).toBe('VMCOREINFO_INVALID');
  });
});
