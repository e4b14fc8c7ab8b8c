import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { khoforge } from '../cli/run.ts';
import { buildKernel } from './receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-formats-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

/** Builds an image in some form; its path. */
function build(source: string, format: string, kernel: string): string {
  const output = join(folder, `${format}-${said.length}`);
  const { code, stderr } = khoforge(['build', source, '-o', output, '--format', format, '--kernel', kernel]);
  if (code !== 0) throw new Error(stderr);
  return output;
}

/** Runs a line as a user would. @returns what the console showed of KHO */
function run(line: string, cwd = folder): string[] {
  const console_ = execFileSync('bash', ['-c', `timeout --signal=KILL 90 ${line}`], {
    cwd,
    encoding: 'utf8',
  });
  const lines = console_.split('\r\n').filter((one) => /KHO|test_kho/.test(one));
  said.push(line, ...lines.map((one) => `    ${one}`));
  return lines.map((one) => one.replace(/^\[ *[\d.]+\] /, ''));
}

const REVIVED = expect.arrayContaining([
  'KHO: found kexec handover data.',
  'test_kho: KHO restore succeeded',
]);

describe('khoforge build', () => {
  it('--format elf makes one file that QEMU boots', () => {
    const elf = build('examples/quickstart.yaml', 'elf', buildKernel());
    const options = '-machine q35 -accel tcg -m 512M -nodefaults -display none -no-reboot -serial stdio';
    expect(run(`qemu-system-x86_64 ${options} -kernel ${elf}`)).toEqual(REVIVED);
  });

  it.each([
    ['x86_64', 'examples/quickstart.yaml', 'qemu-system-x86_64', []],
    ['arm64', 'examples/arm64-4k.yaml', 'qemu-system-aarch64', ['--arch', 'arm64']],
  ])('--format raw makes files that QEMU loads and boots on %s', (_arch, source, qemu, which) => {
    const raw = build(source, 'raw', buildKernel(...which));
    expect(run(`${qemu} $(cat qemu-args)`, raw)).toEqual(REVIVED);
    expect(readFileSync(join(raw, 'qemu-args'), 'utf8')).not.toContain(raw);
  });

  it('--format raw without a kernel makes memory that QEMU loads', () => {
    const raw = join(folder, 'memory');
    khoforge(['build', 'examples/quickstart.yaml', '-o', raw, '--format', 'raw']);
    const options = '-machine q35 -accel tcg -m 512M -nodefaults -display none -S -monitor stdio';
    const line = `echo 'xp /4xb 0x200000\nquit' | qemu-system-x86_64 ${options} $(cat qemu-args)`;
    const monitor = execFileSync('sh', ['-c', line], { cwd: raw, encoding: 'utf8', timeout: 60_000 });
    expect(monitor).toContain('0xd0 0x0d 0xfe 0xed');
  });
});
