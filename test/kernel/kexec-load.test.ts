import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Arch } from '../../src/abi/target.ts';
import { runGuest } from '../../src/guest/guest.ts';
import { buildInitrd, planLine } from '../../src/guest/initrd.ts';
import { commandLine, emulatorFor } from '../../src/guest/qemu.ts';
import { compileProgram } from '../../src/toolchain/compiler.ts';
import { khoforge } from '../cli/run.ts';
import { luoInitrd } from './plans.ts';
import { buildKernel } from './receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-kexec-load-'));
const at = (name: string) => join(folder, name);
const said: string[] = [];

/** The kernel that jumps and the one that is jumped into. */
const kernels: Partial<Record<Arch, { first: string; next: string }>> = {};
beforeAll(() => {
  kernels.x86_64 = { first: buildKernel('--without-kho'), next: buildKernel() };
  const arm64 = ['--arch', 'arm64'];
  kernels.arm64 = { first: buildKernel('--without-kho', ...arm64), next: buildKernel(...arm64) };
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

/** A spec's own lines, and those of every spec here. */
function spec(name: string, text: string): string {
  writeFileSync(at(`${name}.yaml`), text);
  return at(`${name}.yaml`);
}

interface Jump {
  /** Of the next kernel. */
  readonly initrd?: Uint8Array;
  readonly cmdline?: string;
  /** Bytes. */
  readonly memory?: number;
  /** For kexec-load. */
  readonly option?: string;
  readonly qemu?: readonly string[];
  readonly arch?: Arch;
  readonly dtb?: string;
}

const MiB = 1 << 20;

/** Makes segments, and lets a kernel without KHO load them and jump. @returns the console of both kernels */
async function jump(
  source: string,
  { initrd, cmdline, memory = 512 * MiB, option, qemu, arch = 'x86_64', dtb }: Jump = {},
): Promise<string[]> {
  const output = at('kexec');
  const { first, next } = kernels[arch] ?? { first: '', next: '' };
  if (initrd) writeFileSync(at('initrd.cpio'), initrd);
  const options = [
    ...(initrd === undefined ? [] : ['--initrd', at('initrd.cpio')]),
    '--cmdline',
    commandLine(cmdline, arch),
    ...(dtb === undefined ? [] : ['--dtb', dtb]),
  ];
  const build = khoforge(['build', source, '-o', output, '--format', 'kexec', '--kernel', next, ...options]);
  if (build.code !== 0) throw new Error(build.stderr);
  const files = {
    '/fill-memory': compileProgram([fileURLToPath(new URL('fill-memory.c', import.meta.url))], arch),
    '/kexec-load': readFileSync(join(output, 'kexec-load')),
    '/kexec.img': readFileSync(join(output, 'kexec.img')),
  };
  const words = [...(option === undefined ? [] : [option]), '/kexec.img'];
  const plan = [planLine('run', '/fill-memory'), planLine('run', '/kexec-load', ...words)];
  const lines = await runGuest({
    arch,
    kernel: first,
    initrd: buildInitrd({ arch, plan, files }),
    memory: BigInt(memory),
    ...(qemu && { qemu }),
  });
  said.push(
    `${source}:`,
    ...lines
      .filter((line) => /khoforge-|KHO|test_kho|kexec-load|fill-memory|Linux version/.test(line))
      .map((line) => `    ${line}`),
  );
  return lines;
}

/** What a kernel says that revived test data. */
function expectRevived(lines: readonly string[]): void {
  expect(lines.filter((line) => line.startsWith('Linux version 7.3'))).toHaveLength(2);
  expect(lines).toContain('KHO: found kexec handover data.');
  expect(lines).toContain('test_kho: KHO restore succeeded');
  expect(lines.filter((line) => /WARNING|BUG:|Oops/.test(line))).toEqual([]);
}

describe('a Linux without KHO hands over', () => {
  it('to a kernel that revives it', async () => {
    const lines = await jump('examples/quickstart.yaml');
    expect(lines.join('\n')).toMatch(/^fill-memory: \d+ MiB$/m);
    expectRevived(lines);
    expect(lines).toContain('KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)');
  });

  it('with page tables of five levels', async () => {
    const lines = await jump('examples/quickstart.yaml', { qemu: ['-cpu', 'max,la57=on'] });
    expect(lines).toContain('fill-memory: five levels of page tables');
    expectRevived(lines);
  });

  it('on arm64', async () => {
    const lines = await jump('examples/arm64-4k.yaml', { arch: 'arm64', memory: 1024 * MiB });
    expect(lines.join('\n')).toMatch(/^fill-memory: \d+ MiB$/m);
    expectRevived(lines);
  });

  it('on an arm64 machine of which only its device tree is known, at EL2', async () => {
    const qemu = ['-machine', 'virt,virtualization=on'];
    const dump = [
      '-machine',
      `virt,virtualization=on,dumpdtb=${at('machine.dtb')}`,
      '-cpu',
      'cortex-a76',
      '-m',
      '1G',
    ];
    execFileSync(emulatorFor('arm64'), [...dump, '-nodefaults', '-display', 'none'], { stdio: 'ignore' });
    const lines = await jump('examples/arm64-4k.yaml', {
      arch: 'arm64',
      memory: 1024 * MiB,
      qemu,
      dtb: at('machine.dtb'),
    });
    expect(lines.filter((line) => line.includes('CPU: All CPU(s) started at EL2'))).toHaveLength(2);
    expectRevived(lines);
  });

  it('above 4 GiB, too', async () => {
    const high = spec(
      'high',
      `ram: 6GiB
subtrees: [{ kho_test: { seed: 1, max_mem: 1MiB } }, { kexec-metadata: { previous_release: 7.3.4, kexec_count: 41 } }]
place: { "kho_test/folios[0]": 0x140000000, kexec-metadata: 0x150000000 }
`,
    );
    const lines = await jump(high, { memory: 6144 * MiB });
    expectRevived(lines);
    expect(lines).toContain('KHO: exec from: 7.3.4 (count 41)');
  });

  it('memfds with data, zeroes and holes, in memory that is full of something else', async () => {
    const state = Buffer.concat([
      Buffer.alloc(MiB, 'state'),
      Buffer.alloc(MiB),
      Buffer.alloc(MiB + 5, 'more'),
    ]);
    writeFileSync(at('state.bin'), state);
    const luo = spec(
      'luo',
      'subtrees: [{ luo: { sessions: [{ name: vm0, files: [{ token: 1, memfd: { size: 8MiB, content: { file: state.bin } } }] }] } }]\n',
    );
    const initrd = luoInitrd([{ name: 'vm0', tokens: [1n] }]);
    const lines = await jump(luo, { initrd, cmdline: 'liveupdate=on' });
    const sum = createHash('sha256')
      .update(state)
      .update(Buffer.alloc(8 * MiB - state.length))
      .digest('hex');
    expect(lines.join('\n')).toMatch(
      new RegExp(`^khoforge-init: file 0x1 size ${8 * MiB} .* sha256 ${sum}$`, 'm'),
    );
    expect(lines).toContain('khoforge-init: finish vm0: done');
  });

  it('what was captured of a real kernel, whose memory lies everywhere', async () => {
    const kernel = kernels.x86_64?.next ?? '';
    const { code, stderr } = khoforge([
      'produce',
      '--kernel',
      kernel,
      '-o',
      at('captured'),
      '--memory',
      '256MiB',
    ]);
    if (code !== 0) throw new Error(stderr);
    const lines = await jump(at('captured'), { memory: 256 * MiB });
    expectRevived(lines);
    expect(lines.join('\n')).toMatch(/^KHO: exec from: 7\.3\S* \(count 1\)$/m);
  });
});

describe('kexec-load', () => {
  it('refuses a handover for another machine, before it loads anything', async () => {
    const lines = await jump(spec('large', 'ram: 1GiB\n'), { memory: 512 * MiB });
    expect(lines.join('\n')).toMatch(
      /^kexec-load: memory that is written, 0x\w+-0x\w+ is not all System RAM/m,
    );
    expect(lines).toContain('khoforge-init: exit 1');
  });

  it.each(['--check', '--load'])('%s does not jump', async (option) => {
    const lines = await jump('examples/quickstart.yaml', { option });
    expect(lines.filter((line) => line === 'khoforge-init: exit 0')).toHaveLength(2);
    expect(lines.some((line) => line.startsWith('kexec-load: loaded 3 segments'))).toBe(option === '--load');
    expect(lines.filter((line) => line.startsWith('Linux version'))).toHaveLength(1);
  });
});
