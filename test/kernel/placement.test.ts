import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type Arch, makeTarget, type Target } from '../../src/abi/target.ts';
import { ARCHITECTURES } from '../../src/arch/architectures.ts';
import { parseArm64Image } from '../../src/arch/arm64/image.ts';
import { virtMachine } from '../../src/arch/arm64/machine.ts';
import { loadArm64Segments } from '../../src/arch/arm64/segments.ts';
import { parseBzImage } from '../../src/arch/x86_64/bzimage.ts';
import { pcMachine } from '../../src/arch/x86_64/machine.ts';
import { loadSegments } from '../../src/arch/x86_64/segments.ts';
import { hex, parseSize } from '../../src/base/numbers.ts';
import { Checker } from '../../src/emit/checks.ts';
import { commandLine, dumpMachineTree, emulatorFor } from '../../src/guest/qemu.ts';
import { intersect, nodeRegions } from '../../src/memory/nodes.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Region } from '../../src/memory/regions.ts';
import type { Image } from '../../src/model/image.ts';
import { layOutScratch } from '../../src/produce/scratch.ts';
import { scratchArrayBytes, scratchArrayPlace } from '../../src/source/scratch-array.ts';
import { codeOf } from '../thrown.ts';
import { type FirstKernel, type Layout, runFirstKernel } from './first-kernel.ts';
import { stateBeforeScratch } from './memblock-log.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const said: string[] = [];
afterAll(() => console.log(said.join('\n')));

/** Nothing but the scratch array, where the kernel puts it. */
function imageWith(target: Target, scratch: readonly Region[]): Image {
  const array = scratchArrayPlace(scratch, target) ?? 0n;
  const memory = new PhysicalMemory();
  memory.map(array, scratchArrayBytes(scratch, target));
  const bootRecord = ARCHITECTURES[target.arch].bootRecord(target, {
    fdtAddr: 0x1000n,
    fdtSize: BigInt(target.pageSize),
    scratchAddr: array,
    scratchSize: BigInt(scratch.length * 16),
  });
  const expect = { verdict: 'revived' as const, lines: [], absent: [] };
  const ram = ARCHITECTURES[target.arch].machineRam(1n << 30n);
  return { target, ram, scratch, memory, bootRecord, placements: [], expect };
}

const inPages = (size: bigint, page: bigint) => hex(((size + page - 1n) / page) * page);

function tell(layout: Layout, { scratch, segments }: FirstKernel): void {
  const regions = scratch.map(({ start, size }) => `${hex(start)}+${hex(size)}`).join(' ');
  said.push(
    `${layout.name}: scratch ${regions}; segments ${segments.map(({ start, size }) => `${start}+${size}`).join(' ')}`,
  );
}

const bytesOf = (size: string) => parseSize(size) ?? 0n;

/** The regions of our own layout, of what memblock had when the kernel asked for its own. */
function ourScratch(target: Target, layout: Layout, { console }: FirstKernel): Region[] {
  const memory = bytesOf(layout.memory);
  const { machineFor, machineRam } = ARCHITECTURES[target.arch];
  const machine = machineFor(machineRam(memory), memory);
  const nodes = nodeRegions(machine, layout.nodes?.map(bytesOf) ?? [memory]);
  const { ram, reserved, alignment } = stateBeforeScratch(console, nodes);
  const parameter = /(?:^| )kho_scratch=(\S+)/.exec(layout.cmdline)?.[1] ?? '200%';
  if (target.generation.releases.includes('7.3'))
    expect(target.generation.scratchAlignment(target)).toBe(alignment);
  const generation = { ...target.generation, scratchAlignment: () => alignment };
  const room = {
    target: { ...target, generation },
    ram,
    nodes: nodes.map((node) => intersect(ram, node)),
    reserved,
  };
  return layOutScratch(room, parameter, new Checker(['scratch-alignment']));
}

/**
 * An empty region has no place. The kernel records where one would have begun, which may be between two regions that
 * memblock did not merge because they differ in node or flags.
 */
const texts = (regions: readonly Region[]) =>
  regions.map(({ start, size }) => (size === 0n ? 'empty' : `${hex(start)}+${hex(size)}`));

const X86: readonly Layout[] = [
  { name: 'x86_64, 256 MiB', memory: '256MiB', cmdline: '', initrd: 300_000 },
  {
    name: 'x86_64, 1 GiB, a long command line',
    memory: '1GiB',
    cmdline: `note=${'x'.repeat(700)}`,
    initrd: 5_000_001,
  },
  {
    name: 'x86_64, 3 GiB, sizes given',
    memory: '3GiB',
    cmdline: 'kho_scratch=64M,32M,16M',
    initrd: 40_000_000,
  },
  {
    name: 'x86_64, 5 GiB in two nodes, sizes that are no whole blocks',
    memory: '5GiB',
    nodes: ['2GiB', '3GiB'],
    cmdline: 'kho_scratch=46M,93M,30M',
    initrd: 30_000_000,
  },
  {
    name: 'x86_64, 6 GiB in three nodes, a share',
    memory: '6GiB',
    nodes: ['1GiB', '1536MiB', '3584MiB'],
    cmdline: 'kho_scratch=150%',
    initrd: 1_000_000,
  },
  {
    name: 'x86_64, 7 GiB in four nodes, a large initrd',
    memory: '7GiB',
    nodes: ['512MiB', '2560MiB', '1GiB', '3GiB'],
    cmdline: 'kho_scratch=333%',
    initrd: 77_777_777,
  },
  { name: 'x86_64, 900 MiB, one size 0', memory: '900MiB', cmdline: 'kho_scratch=70M,50M,0', initrd: 1 },
  {
    name: 'x86_64, no lowmem scratch, 256 MiB',
    memory: '256MiB',
    cmdline: 'kho_scratch=0,48M,24M',
    initrd: 300_000,
  },
];

/** Sizes that are no whole blocks are taken as they are up to 6.19, and then such a kernel oopses (seen with 6.18). */
const WHOLE_BLOCKS = [X86[2], X86[4]].flatMap((layout) => layout ?? []);

async function expectPlacement(target: Target, layout: Layout, kernel: string): Promise<void> {
  const real = await runFirstKernel(target.arch, kernel, layout);
  tell(layout, real);
  expect(texts(ourScratch(target, layout, real))).toEqual(texts(real.scratch));
  const segments = (target.arch === 'arm64' ? ourArm64 : ourX86)(target, layout, real.scratch, kernel);
  const placed = segments.filter(({ name }) => name !== 'entry stub');
  expect(real.segments.length).toBeGreaterThanOrEqual(4);
  // A device tree is as long as the kernel before makes it.
  const ours = placed.map(({ name, start, size }) => ({
    start: hex(start),
    ...(name !== 'device tree' && { size: inPages(size, BigInt(target.pageSize)) }),
  }));
  const theirs = real.segments.map(({ start, size }, i) => ({
    start,
    ...(placed[i]?.name !== 'device tree' && { size }),
  }));
  expect(ours).toEqual(theirs);
}

function ourX86(target: Target, layout: Layout, scratch: readonly Region[], kernel: string) {
  const image = imageWith(target, scratch);
  return loadSegments(image, {
    kernel: parseBzImage(readFileSync(kernel)),
    initrd: new Uint8Array(layout.initrd),
    cmdline: commandLine(layout.cmdline),
    // After a kexec no firmware runs.
    machine: { ...pcMachine(image.ram), scribbled: [] },
  });
}

function ourArm64(target: Target, layout: Layout, scratch: readonly Region[], kernel: string) {
  const image = imageWith(target, scratch);
  const machine = virtMachine(image.ram);
  return loadArm64Segments(image, {
    kernel: parseArm64Image(readFileSync(kernel)),
    initrd: new Uint8Array(layout.initrd),
    cmdline: commandLine(layout.cmdline, 'arm64'),
    machine,
    machineTree: dumpMachineTree(machine, emulatorFor('arm64')),
  });
}

describe('scratch and segments of a real 7.3 kernel are where ours are', () => {
  it.each(X86)('$name', async (layout) => {
    await expectPlacement(makeTarget({ release: '7.3' }), layout, buildKernel());
  });
});

describe.each(RECEIVERS)('scratch and segments of a real %s kernel are where ours are', (release) => {
  const missing = whyUnfetchable(release);
  it.skipIf(missing !== undefined).each(WHOLE_BLOCKS)('$name', async (layout) => {
    await expectPlacement(makeTarget({ release }), layout, buildKernel('--release', release));
  });
});

const ARM64: readonly Layout[] = [
  { name: 'arm64, 512 MiB', memory: '512MiB', cmdline: '', initrd: 300_000 },
  {
    name: 'arm64, 1 GiB, sizes given',
    memory: '1GiB',
    cmdline: 'kho_scratch=64M,32M,16M',
    initrd: 5_000_001,
  },
  { name: 'arm64, 4 GiB', memory: '4GiB', cmdline: '', initrd: 9_000_000 },
  {
    name: 'arm64, 3 GiB in two nodes',
    memory: '3GiB',
    nodes: ['1GiB', '2GiB'],
    cmdline: 'kho_scratch=96M,32M,48M',
    initrd: 40_000_000,
  },
  {
    name: 'arm64, 5 GiB in two nodes, a share',
    memory: '5GiB',
    nodes: ['3GiB', '2GiB'],
    cmdline: 'kho_scratch=300%',
    initrd: 2_000_000,
  },
  {
    name: 'arm64, 6 GiB in three nodes',
    memory: '6GiB',
    nodes: ['512MiB', '3GiB', '2560MiB'],
    cmdline: 'kho_scratch=210%',
    initrd: 50_000_000,
  },
  { name: 'arm64, 777 MiB, one size 0', memory: '777MiB', cmdline: 'kho_scratch=110M,0,20M', initrd: 1 },
];

/** The other regions are below lowmem, and what is behind the kernel has to be above it (4.4.14 of docs/kho-facts.md). */
const NO_ROOM: Layout = {
  name: 'arm64, 3 GiB, little lowmem',
  memory: '3GiB',
  cmdline: 'kho_scratch=8M,96M,64M',
  initrd: 20_000_000,
};

const ARM64_TARGET = makeTarget({ release: '7.3', arch: 'arm64' as Arch });
const arm64Kernel = () => buildKernel('--arch', 'arm64', '--page-size', '4K');

describe('scratch and segments of a real arm64 kernel are where ours are', () => {
  it.each(ARM64)('$name', (layout) => expectPlacement(ARM64_TARGET, layout, arm64Kernel()));
});

describe('kexec_file_load() where there is no room', () => {
  it('is refused by the kernel, and by us', async () => {
    const real = await runFirstKernel('arm64', arm64Kernel(), NO_ROOM);
    tell(NO_ROOM, real);
    expect([real.segments, real.error]).toEqual([[], 'Cannot assign requested address']);
    expect(codeOf(() => ourArm64(ARM64_TARGET, NO_ROOM, real.scratch, arm64Kernel()))).toBe('KEXEC_NO_ROOM');
  });
});
