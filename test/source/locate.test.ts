import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { u32be, u64be } from '../../src/fdt/values.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { openSource } from '../../src/source/open.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';
import { allBytes } from '../memory/all-bytes.ts';

const file = filesFolder();
const NO_DIFFERENCE = { values: [], added: [], removed: [] };
const ARM64 = 183;

const spec = (count: number, change: Spec = {}): Spec => ({
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: count } }],
  ...change,
});

function open(memory: PhysicalMemory, machine = 62, options = {}) {
  return openSource(file('dump.elf', elfCore(asLoads(memory), { machine })), options);
}

const codes = ({ notes }: { notes: readonly { code: string }[] }) => notes.map(({ code }) => code);

describe('before the jump', () => {
  const image = buildImage(spec(1));
  const array = image.memory.read(image.bootRecord.scratchAddr, 32);

  /** The array is in some other page, and what is at its address is not zero. */
  function staged(withRecord: boolean): PhysicalMemory {
    const memory = copyMemory(image);
    memory.write(image.bootRecord.scratchAddr, new Uint8Array(32).fill(0x5a));
    memory.write(0x2f_0000n, array);
    if (withRecord) memory.write(0x2f_2040n, setupDataRecord(image));
    return memory;
  }

  it('the scratch array is read from the page where it waits, and put where the jump puts it', () => {
    const opened = open(staged(true));
    expect(codes(opened)).toContain('SCRATCH_ELSEWHERE');
    expect(diffImages(image, opened.image)).toEqual(NO_DIFFERENCE);
    expect(inspect(opened.image).scratch).toEqual(image.scratch);
    expect(opened.image.bootRecord).toEqual(image.bootRecord);
  });

  it('and before an image is loaded the boot record is the one that kexec_file_load() would write', () => {
    const opened = open(staged(false));
    expect(codes(opened)).toContain('NO_BOOT_RECORD');
    expect(opened.image.bootRecord).toEqual(image.bootRecord);
    expect(diffImages(image, opened.image)).toEqual(NO_DIFFERENCE);
  });

  it('an array of zero-size entries and unsorted regions is an array', () => {
    const odd = buildImage(
      spec(1, {
        scratch: [
          { size: '8MiB', addr: '0x1000000' },
          { size: 0, addr: '0x3c00000' },
          { size: '4MiB', addr: '0x800000' },
        ],
      }),
    );
    const memory = copyMemory(odd);
    const bytes = odd.memory.read(odd.bootRecord.scratchAddr, 48);
    memory.write(odd.bootRecord.scratchAddr, new Uint8Array(48));
    memory.write(0x2f_0000n, bytes);
    expect(open(memory).image.scratch).toEqual(odd.scratch);
  });

  it('a scratch array that is nowhere is told, and the rest is read', () => {
    const memory = copyMemory(image);
    memory.write(image.bootRecord.scratchAddr, new Uint8Array(32));
    memory.write(0x2f_2040n, setupDataRecord(image));
    const opened = open(memory);
    expect(codes(opened)).toContain('SCRATCH_ABSENT');
    expect(inspect(opened.image).subtrees.map(({ name }) => name)).toEqual(['kexec-metadata']);
  });

  it('a root FDT whose memory map is still 0 is read as not finalized', () => {
    const unfinished = buildImage(spec(1, { target: { release: '6.19' }, finalized: false, subtrees: [] }));
    const opened = open(copyMemory(unfinished));
    expect(inspect(opened.image)).toMatchObject({ finalized: false, compatible: 'kho-v1' });
    // In its own page before a kexec image is loaded, as an idle 6.19 has it.
    const idle = copyMemory(unfinished);
    const bytes = idle.read(unfinished.bootRecord.scratchAddr, 32);
    idle.write(unfinished.bootRecord.scratchAddr, new Uint8Array(32).fill(0x5a));
    idle.write(0x2f_0000n, bytes);
    expect(inspect(open(idle).image).scratch).toEqual(unfinished.scratch);
    expect(opened.image.target.generation.name).toBe('kho-v1');
  });
});

describe('several root FDTs', () => {
  /** As after a second kexec: what the kernel was given, in other places, and what it would hand over. */
  const live = buildImage(spec(2));
  const stale = buildImage(
    spec(1, {
      place: { 'root-fdt': '0x1800000', 'kexec-metadata': '0x1801000', 'memory-map': '0x1810000' },
      allow: [],
    }),
  );

  function both(damage: boolean, recordOf: Image): PhysicalMemory {
    const memory = copyMemory(live);
    for (const { start, bytes } of allBytes(stale.memory)) {
      if (!memory.covers(start, bytes.length)) memory.write(start, bytes);
    }
    memory.write(0x2f_2040n, setupDataRecord(recordOf));
    if (damage) memory.write(0x181_1000n, new Uint8Array(4096).fill(0xff));
    return memory;
  }

  it.each([
    ['the memory map of the other was freed and used', true, live, 'its memory map has 0 faults'],
    ['the old boot record still leads to the other', true, stale, 'its memory map has 0 faults'],
    ['both are intact: the later kexec', false, stale, 'it counts 2 kexec boots'],
  ])('the live one is taken when %s', (_name, damage, record, why) => {
    const opened = open(both(damage, record));
    expect(opened.candidates.map(({ phys }) => phys)).toEqual([
      live.bootRecord.fdtAddr,
      stale.bootRecord.fdtAddr,
    ]);
    expect(opened.choice).toContain(why);
    expect(inspect(opened.image).subtrees[0]?.decoded?.fields.kexec_count).toBe(2);
  });

  it('--fdt-phys takes the other', () => {
    const opened = open(both(false, live), 62, { fdtPhys: 0x180_0000n });
    expect(opened.choice).toContain('--fdt-phys');
    expect(inspect(opened.image).subtrees[0]?.decoded?.fields.kexec_count).toBe(1);
  });
});

describe('the target is found', () => {
  it.each([
    ['7.3', 'arm64', 4096],
    ['7.3', 'arm64', 16384],
    ['7.3', 'arm64', 65536],
    ['7.1', 'arm64', 16384],
    ['7.3', 'x86_64', 4096],
    ['7.1', 'x86_64', 4096],
    ['6.19', 'x86_64', 4096],
    ['6.18', 'x86_64', 4096],
    ['6.17', 'x86_64', 4096],
    ['6.19', 'arm64', 16384],
  ] as const)('%s %s with pages of %i bytes, without a boot record', (release, arch, pageSize) => {
    const subtrees: Spec['subtrees'] = [{ raw: { name: 'mine', content: { text: 'of no importance' } } }];
    const scratch = [{ size: '512MiB' }, { size: '512MiB' }];
    const image = buildImage({
      target: { release, arch, page_size: pageSize },
      ram: '4GiB',
      scratch,
      subtrees,
      // Bitmaps of several orders, which in 6.17 share a page: one bitmap alone could be of any release.
      preserve: [0, 1, 2].map((order) => ({ name: `order-${order}`, order, count: 40 })),
    });
    const { image: found } = open(copyMemory(image), arch === 'arm64' ? ARM64 : 62);
    expect(found.target).toEqual(image.target);
    expect(inspect(found).problems).toEqual([]);
  });

  it.each([1, 2])('arm64 from /chosen of a device tree with %i address cells', (cells) => {
    const image = buildImage({
      ...spec(1),
      target: { release: '7.3', arch: 'arm64', page_size: 16384 },
      ram: '128MiB',
      scratch: [{ size: '32MiB' }],
    });
    const cell = (value: bigint) => (cells === 2 ? u64be(value) : u32be(Number(value)));
    const { fdtAddr, fdtSize, scratchAddr, scratchSize } = image.bootRecord;
    const tree = new FdtSequentialWriter(4096, { label: 'dtb' });
    tree.finishReservemap();
    tree.beginNode('');
    tree.property('#address-cells', u32be(cells));
    tree.property('#size-cells', u32be(cells));
    tree.beginNode('chosen');
    tree.property('linux,kho-fdt', Buffer.concat([cell(fdtAddr), cell(fdtSize)]));
    tree.property('linux,kho-scratch', Buffer.concat([cell(scratchAddr), cell(scratchSize)]));
    tree.endNode();
    tree.endNode();
    const memory = copyMemory(image);
    memory.write(0x4000_0000n + 0x10_0000n, tree.finish());
    const opened = open(memory, ARM64);
    expect(opened.image.target).toEqual(makeTarget({ release: '7.3', arch: 'arm64', pageSize: 16384 }));
    expect(opened.candidates[0]?.records).toMatchObject([{ kind: 'chosen', fdtAddr, scratchAddr }]);
    expect(opened.image.bootRecord).toEqual(image.bootRecord);
  });
});

describe('a boot record that leads nowhere', () => {
  it('is told rather than hidden when there is no other', () => {
    const image = buildImage(spec(1));
    const memory = new PhysicalMemory();
    memory.write(0x2f_2040n, setupDataRecord(image));
    const opened = open(memory);
    expect(opened.candidates[0]).toMatchObject({ compatible: null, phys: image.bootRecord.fdtAddr });
    expect(inspect(opened.image).problems.join()).toContain('root FDT');
  });
});
