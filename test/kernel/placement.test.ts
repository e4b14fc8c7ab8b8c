import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Arch, makeTarget } from '../../src/abi/target.ts';
import { consoleLines, message } from '../../src/boot/console.ts';
import { commandLine, dumpMachineTree, emulatorFor } from '../../src/boot/qemu.ts';
import type { Image } from '../../src/image/image.ts';
import { loadArm64Segments } from '../../src/kexec/arm64.ts';
import { parseArm64Image } from '../../src/kexec/arm64-image.ts';
import { parseBzImage } from '../../src/kexec/bzimage.ts';
import { loadSegments } from '../../src/kexec/x86-64.ts';
import { machineFor, machineRam, virtMachine } from '../../src/memory/machine.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Region } from '../../src/memory/regions.ts';
import { hex } from '../../src/numbers.ts';
import { scratchArrayBytes, scratchArrayPlace } from '../../src/receiver/scratch-array.ts';
import { SeededBytes } from '../../src/subtrees/random.ts';
import { codeOf } from '../thrown.ts';
import { kexecInitrd } from './kexec-initrd.ts';
import { buildKernel } from './receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-placement-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

interface Layout {
  readonly name: string;
  readonly memory: string;
  readonly qemu?: readonly string[];
  /** Of the first kernel. */
  readonly cmdline: string;
  /** Bytes of the initrd that is loaded. */
  readonly initrd: number;
}

interface Placed {
  readonly scratch: readonly Region[];
  /** Addresses, in the order of the segments: the array first. */
  readonly segments: readonly { start: string; size: string }[];
  /** What kexec_file_load() came back with, when it failed. */
  readonly error: string | undefined;
}

/** Lets a real kernel place another by kexec_file_load(), and reads what it says of it. */
function realPlacement(
  arch: Arch,
  kernel: string,
  layout: Layout,
  machine: readonly string[],
  cc: string,
): Placed {
  const place = mkdtempSync(join(folder, 'first-'));
  const inner = join(place, 'inner');
  writeFileSync(inner, new SeededBytes(layout.name).bytes(layout.initrd));
  const cmdline = commandLine(layout.cmdline, arch);
  const initrd = kexecInitrd({ folder: join(place, 'initrd'), kernel, initrd: inner, cmdline, cc });
  const log = join(place, 'console.log');
  const boot = ['-kernel', kernel, '-initrd', initrd, '-append', cmdline, '-serial', `file:${log}`];
  const arguments_ = [
    ...machine,
    '-m',
    layout.memory,
    ...(layout.qemu ?? []),
    '-nodefaults',
    '-display',
    'none',
    '-no-reboot',
  ];
  spawnSync('timeout', ['90', emulatorFor(arch), ...arguments_, ...boot]);
  const lines = consoleLines(readFileSync(log)).map(message);
  const numbers = (pattern: RegExp) =>
    lines.flatMap((line) => {
      const found = pattern.exec(line);
      return found ? [{ start: found[1] ?? '', size: found[2] ?? '' }] : [];
    });
  return {
    scratch: numbers(/^khoforge-kexec: scratch (0x\w+) (0x\w+)/).map(({ start, size }) => ({
      start: BigInt(start),
      size: BigInt(size),
    })),
    segments: numbers(/^kexec_file: segment\[\d+\]:.* mem=(0x\w+) memsz=(0x\w+)/),
    error: lines.flatMap((line) => /^khoforge-kexec: kexec_file_load: (.*)/.exec(line)?.[1] ?? [])[0],
  };
}

/** Nothing but the scratch array, where the kernel puts it. */
function imageWith(arch: Arch, scratch: readonly Region[], pageSize = 4096): Image {
  const target = makeTarget({ release: '7.3', arch, pageSize });
  const array = scratchArrayPlace(scratch, target) ?? 0n;
  const memory = new PhysicalMemory();
  memory.map(array, scratchArrayBytes(scratch, target));
  const bootRecord = {
    fdtAddr: 0x1000n,
    fdtSize: BigInt(pageSize),
    scratchAddr: array,
    scratchSize: BigInt(scratch.length * 16),
    setupDataType: 10,
    setupDataLen: 32,
  };
  return {
    target,
    ram: machineRam(arch, 1n << 30n),
    scratch,
    memory,
    bootRecord,
    placements: [],
    expect: { verdict: 'revived', lines: [], absent: [] },
  };
}

const inPages = (size: bigint, page: bigint) => hex(((size + page - 1n) / page) * page);

function tell(layout: Layout, { scratch, segments }: Placed): void {
  const regions = scratch.map(({ start, size }) => `${hex(start)}+${hex(size)}`).join(' ');
  said.push(
    `${layout.name}: scratch ${regions}; segments ${segments.map(({ start, size }) => `${start}+${size}`).join(' ')}`,
  );
}

const X86: readonly Layout[] = [
  { name: 'x86_64, 256 MiB', memory: '256M', cmdline: '', initrd: 300_000 },
  {
    name: 'x86_64, 1 GiB, a long command line',
    memory: '1G',
    cmdline: `note=${'x'.repeat(700)}`,
    initrd: 5_000_001,
  },
  {
    name: 'x86_64, 3 GiB, sizes given',
    memory: '3G',
    cmdline: 'kho_scratch=64M,32M,16M',
    initrd: 40_000_000,
  },
  {
    name: 'x86_64, 5 GiB in two nodes',
    memory: '5G',
    cmdline: 'kho_scratch=48M,96M,32M',
    initrd: 30_000_000,
    qemu: [
      '-smp',
      '2',
      '-object',
      'memory-backend-ram,id=a,size=2G',
      '-object',
      'memory-backend-ram,id=b,size=3G',
      '-numa',
      'node,memdev=a,cpus=0',
      '-numa',
      'node,memdev=b,cpus=1',
    ],
  },
];

describe.each(X86)('kexec_file_load() on $name', (layout) => {
  it('is what we place', () => {
    const kernel = buildKernel();
    const real = realPlacement('x86_64', kernel, layout, ['-machine', 'q35', '-accel', 'tcg'], 'gcc');
    tell(layout, real);
    expect(real.segments).toHaveLength(5);
    const image = imageWith('x86_64', real.scratch);
    const ours = loadSegments(image, {
      kernel: parseBzImage(readFileSync(kernel)),
      initrd: new Uint8Array(layout.initrd),
      cmdline: commandLine(layout.cmdline),
      // After a kexec no firmware runs.
      machine: { ...machineFor(image.ram), scribbled: [] },
    });
    const placed = ours.filter(({ name }) => name !== 'entry stub');
    expect(placed.map(({ start, size }) => ({ start: hex(start), size: inPages(size, 4096n) }))).toEqual(
      real.segments,
    );
  });
});

const NODES = [
  ...[
    '-smp',
    '2',
    '-object',
    'memory-backend-ram,id=a,size=1G',
    '-object',
    'memory-backend-ram,id=b,size=2G',
  ],
  ...['-numa', 'node,memdev=a,cpus=0', '-numa', 'node,memdev=b,cpus=1'],
];

const ARM64: readonly Layout[] = [
  { name: 'arm64, 512 MiB', memory: '512M', cmdline: '', initrd: 300_000 },
  { name: 'arm64, 1 GiB, sizes given', memory: '1G', cmdline: 'kho_scratch=64M,32M,16M', initrd: 5_000_001 },
  { name: 'arm64, 4 GiB', memory: '4G', cmdline: '', initrd: 9_000_000 },
  {
    name: 'arm64, 3 GiB in two nodes',
    memory: '3G',
    cmdline: 'kho_scratch=96M,32M,48M',
    initrd: 40_000_000,
    qemu: NODES,
  },
];

/** The other regions are below lowmem, and what is behind the kernel has to be above it (4.4.14 of the facts). */
const NO_ROOM: Layout = {
  name: 'arm64, 3 GiB, little lowmem',
  memory: '3G',
  cmdline: 'kho_scratch=8M,96M,64M',
  initrd: 20_000_000,
};

const ARM64_MACHINE = ['-machine', 'virt', '-cpu', 'cortex-a76', '-accel', 'tcg'];
const arm64Kernel = () => buildKernel('--arch', 'arm64', '--page-size', '4K');
const realArm64 = (layout: Layout) =>
  realPlacement('arm64', arm64Kernel(), layout, ARM64_MACHINE, 'aarch64-linux-gnu-gcc');

function ourArm64(layout: Layout, scratch: readonly Region[]) {
  const image = imageWith('arm64', scratch);
  const machine = virtMachine(image.ram);
  return loadArm64Segments(image, {
    kernel: parseArm64Image(readFileSync(arm64Kernel())),
    initrd: new Uint8Array(layout.initrd),
    cmdline: commandLine(layout.cmdline, 'arm64'),
    machine,
    machineTree: dumpMachineTree(machine),
  });
}

describe.each(ARM64)('kexec_file_load() on $name', (layout) => {
  it('is what we place', () => {
    const real = realArm64(layout);
    tell(layout, real);
    expect(real.segments).toHaveLength(4);
    const placed = ourArm64(layout, real.scratch).filter(({ name }) => name !== 'entry stub');
    // A device tree is as long as the kernel before makes it.
    expect(placed.map(({ start }) => hex(start))).toEqual(real.segments.map(({ start }) => start));
  });
});

describe('kexec_file_load() where there is no room', () => {
  it('is refused by the kernel, and by us', () => {
    const real = realArm64(NO_ROOM);
    tell(NO_ROOM, real);
    expect([real.segments, real.error]).toEqual([[], 'Cannot assign requested address']);
    expect(codeOf(() => ourArm64(NO_ROOM, real.scratch))).toBe('KEXEC_NO_ROOM');
  });
});
