import { readFileSync } from 'node:fs';
import type { Arch } from '../../src/abi/arch.ts';
import { parseSize } from '../../src/base/numbers.ts';
import { SeededBytes } from '../../src/emit/random.ts';
import { runGuest } from '../../src/guest/guest.ts';
import { kexecInitrd } from '../../src/guest/kexec-chain.ts';
import { commandLine } from '../../src/guest/qemu.ts';
import type { Region } from '../../src/memory/regions.ts';
import { debugfsScratch } from './live-handover.ts';
import { SHOW_KHO } from './plans.ts';

/** A machine, and what its kernel is told to load. */
export interface Layout {
  readonly name: string;
  /** As in a spec: `3GiB`. */
  readonly memory: string;
  /** Memory of each NUMA node. */
  readonly nodes?: readonly string[];
  /** Of the first kernel, and of the one it loads. */
  readonly cmdline: string;
  /** Bytes of the initrd that is loaded. */
  readonly initrd: number;
}

export interface FirstKernel {
  readonly console: readonly string[];
  /** From debugfs. */
  readonly scratch: readonly Region[];
  /** Addresses, in the order of the segments: the array first. */
  readonly segments: readonly { start: string; size: string }[];
  /** What kexec_file_load() came back with, when it failed. */
  readonly error: string | undefined;
}

/** Lets a real kernel lay out scratch and place another kernel by kexec_file_load(), and reads what it says of both. */
export async function runFirstKernel(arch: Arch, kernel: string, layout: Layout): Promise<FirstKernel> {
  const initrd = kexecInitrd({
    arch,
    kernel: readFileSync(kernel),
    initrd: new SeededBytes(layout.name).bytes(layout.initrd),
    cmdline: commandLine(layout.cmdline, arch),
    before: [SHOW_KHO],
  });
  const console = await runGuest({
    arch,
    kernel,
    initrd,
    cmdline: `${layout.cmdline} memblock=debug`,
    memory: parseSize(layout.memory) ?? 0n,
    qemu: numa(layout.nodes ?? []),
  });
  return {
    console,
    scratch: debugfsScratch(console),
    segments: console.flatMap((line) => {
      const [, start, size] = /^kexec_file: segment\[\d+\]:.* mem=(0x\w+) memsz=(0x\w+)/.exec(line) ?? [];
      return start && size ? [{ start, size }] : [];
    }),
    error: console.flatMap((line) => /^khoforge-init: error kexec_file_load (.*)/.exec(line)?.[1] ?? [])[0],
  };
}

const mebibytes = (size: string) => `${(parseSize(size) ?? 0n) >> 20n}M`;

/** One CPU on each node. */
function numa(nodes: readonly string[]): string[] {
  if (nodes.length === 0) return [];
  const node = (size: string, i: number) => [
    ...['-object', `memory-backend-ram,id=memory${i},size=${mebibytes(size)}`],
    ...['-numa', `node,memdev=memory${i},cpus=${i}`],
  ];
  return ['-smp', `${nodes.length}`, ...nodes.flatMap(node)];
}
