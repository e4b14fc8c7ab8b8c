import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../../src/abi/target.ts';
import { parseSize } from '../../src/base/numbers.ts';
import { SeededBytes } from '../../src/emit/random.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { commandLine, emulatorFor } from '../../src/guest/qemu.ts';
import type { Region } from '../../src/memory/regions.ts';
import { kexecInitrd } from './kexec-initrd.ts';

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

const MACHINES: Readonly<Record<Arch, { arguments: readonly string[]; cc: string }>> = {
  x86_64: { arguments: ['-machine', 'q35'], cc: 'gcc' },
  arm64: { arguments: ['-machine', 'virt', '-cpu', 'cortex-a76'], cc: 'aarch64-linux-gnu-gcc' },
};

/**
 * Lets a real kernel lay out scratch and place another kernel by kexec_file_load(), and reads what it says of both.
 * @param folder for files
 */
export function runFirstKernel(arch: Arch, kernel: string, layout: Layout, folder: string): FirstKernel {
  const place = mkdtempSync(join(folder, 'first-'));
  const inner = join(place, 'inner');
  writeFileSync(inner, new SeededBytes(layout.name).bytes(layout.initrd));
  const cmdline = commandLine(layout.cmdline, arch);
  const machine = MACHINES[arch];
  const initrd = kexecInitrd({
    folder: join(place, 'initrd'),
    kernel,
    initrd: inner,
    cmdline,
    cc: machine.cc,
  });
  const log = join(place, 'console.log');
  const boot = ['-kernel', kernel, '-initrd', initrd, '-serial', `file:${log}`];
  const arguments_ = [
    ...[...machine.arguments, '-accel', 'tcg', '-m', mebibytes(layout.memory), ...numa(layout.nodes ?? [])],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-append', `${cmdline} memblock=debug`],
  ];
  spawnSync('timeout', ['120', emulatorFor(arch), ...arguments_, ...boot]);
  const lines = consoleLines(readFileSync(log)).map(message);
  const numbers = (pattern: RegExp) =>
    lines.flatMap((line) => {
      const found = pattern.exec(line);
      return found ? [{ start: found[1] ?? '', size: found[2] ?? '' }] : [];
    });
  return {
    console: lines,
    scratch: numbers(/^khoforge-kexec: scratch (0x\w+) (0x\w+)/).map(({ start, size }) => ({
      start: BigInt(start),
      size: BigInt(size),
    })),
    segments: numbers(/^kexec_file: segment\[\d+\]:.* mem=(0x\w+) memsz=(0x\w+)/),
    error: lines.flatMap((line) => /^khoforge-kexec: kexec_file_load: (.*)/.exec(line)?.[1] ?? [])[0],
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
