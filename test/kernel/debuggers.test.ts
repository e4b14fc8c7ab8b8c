import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/numbers.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { dumpGuest } from '../../src/source/guest.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import { khoforge } from '../cli/run.ts';
import { type Chain, withJumpingGuest } from './jump.ts';
import { buildKernel } from './receiver.ts';

// Debian: gdb, crash, python3-drgn. What is not installed is skipped, and said at the end.

const folder = mkdtempSync(join(tmpdir(), 'khoforge-debuggers-'));
const at = (name: string) => join(folder, name);
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

const SPEC = 'examples/quickstart.yaml';
let vmlinux: string;

function isMissing(tool: string, packageName: string): boolean {
  const { error } = spawnSync(tool, ['--version'], { timeout: 60_000 });
  if (error) said.push(`SKIPPED: no ${tool} (${error.message}): apt-get install -y ${packageName}`);
  return error !== undefined;
}
const missing = {
  gdb: isMissing('gdb', 'gdb'),
  drgn: isMissing('drgn', 'python3-drgn'),
  crash: isMissing('crash', 'crash'),
};

/** Runs a debugger; what it prints on both streams. */
function debug(name: string, command: string, args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 });
  const text = `${stdout}${stderr}`;
  said.push(
    `${name}:`,
    ...text
      .trim()
      .split('\n')
      .map((line) => `    ${line}`),
  );
  return { text, status };
}

function build(source: string, output: string, ...options: string[]): string {
  const { code, stderr } = khoforge(['build', source, '-o', output, '--format', 'core', ...options]);
  if (code !== 0) throw new Error(stderr);
  return output;
}

function drgn(name: string, core: string, script: string) {
  const file = at(`${name}.py`.replaceAll(' ', '-'));
  writeFileSync(file, script);
  return debug(name, 'drgn', ['-q', '-c', core, '-s', vmlinux, file]);
}

function crash(name: string, core: string, commands: readonly string[]) {
  const file = at('commands');
  writeFileSync(file, `${[...commands, 'quit'].join('\n')}\n`);
  return debug(name, 'crash', ['-s', '--minimal', '-i', file, vmlinux, core]);
}

/** The first bytes of the root FDT in hex, as memory has them. */
const headOf = ({ memory, bootRecord }: Image) => Buffer.from(memory.read(bootRecord.fdtAddr, 16));

beforeAll(() => {
  vmlinux = join(dirname(buildKernel('--host')), 'vmlinux');
});

describe('the core of a spec', () => {
  const image = buildImage(loadSpec(SPEC).spec);
  const { fdtAddr, scratchAddr } = image.bootRecord;

  it.skipIf(missing.gdb)('is memory by physical addresses for gdb', () => {
    const core = build(SPEC, at('gdb.core'));
    const dump = `dump binary memory ${at('page')} ${hex(fdtAddr)} ${hex(fdtAddr + 4096n)}`;
    debug('gdb', 'gdb', ['-q', '-nx', '-batch', '-c', core, '-ex', dump]);
    expect(Buffer.compare(readFileSync(at('page')), image.memory.read(fdtAddr, 4096))).toBe(0);
  });

  it.skipIf(missing.drgn)('is memory by physical addresses for drgn, that of no kernel', () => {
    const core = build(SPEC, at('plain.core'));
    const script = `print(prog.read(${hex(fdtAddr)}, 16, physical=True).hex(), prog.flags)`;
    expect(drgn('drgn, no note', core, script).text).toContain(
      `${headOf(image).toString('hex')} ProgramFlags(0)`,
    );
  });

  it.skipIf(missing.drgn)('is that of a kernel for drgn, with --vmlinux', () => {
    const core = build(SPEC, at('vmlinux.core'), '--vmlinux', vmlinux);
    const script = [
      'from drgn import Object',
      `print(prog.read(${hex(fdtAddr)}, 16, physical=True).hex(), prog.flags)`,
      'print(prog["linux_banner"].string_().decode())',
      `entry = Object(prog, "struct kho_scratch", address=${hex(scratchAddr)})`,
      'print("scratch", hex(entry.addr), hex(entry.size))',
    ].join('\n');
    const { text } = drgn('drgn, --vmlinux', core, script);
    expect(text).toContain(`${headOf(image).toString('hex')} ProgramFlags.IS_LINUX_KERNEL`);
    expect(text).toContain('Linux version 7.3');
    const [first] = image.scratch;
    expect(text).toContain(`scratch ${hex(first?.start ?? 0n)} ${hex(first?.size ?? 0n)}`);
  });

  it.skipIf(missing.crash)('is opened by crash with --vmlinux, in minimal mode', () => {
    const core = build(SPEC, at('crash.core'), '--vmlinux', vmlinux);
    const { text, status } = crash('crash, --vmlinux', core, [
      `rd -p ${hex(fdtAddr)} 2`,
      'sym init_top_pgt',
      'rd -a linux_banner 13',
    ]);
    const [low = 0n, high = 0n] = [0, 8].map((offset) => headOf(image).readBigUInt64LE(offset));
    expect(text).toContain(`${low.toString(16).padStart(16, '0')} ${high.toString(16).padStart(16, '0')}`);
    expect(text).toContain('Linux version');
    expect(status).toBe(0);
  });

  it.skipIf(missing.crash)("is opened by crash also where the kernel's own place is taken", () => {
    const spec = at('taken.yaml');
    writeFileSync(
      spec,
      'scratch: [{ size: 64MiB }]\npreserve: [{ name: a, size: 4KiB, addr: 0x1200000, content: { seed: 1, size: 4KiB } }]\n',
    );
    const core = build(spec, at('taken.core'), '--vmlinux', vmlinux);
    const { text, status } = crash('crash, moved', core, ['rd -p 0x1200000 2', 'rd -a linux_banner 13']);
    expect(text).toContain('Linux version');
    expect(status).toBe(0);
  });

  it.skipIf(missing.crash)('is not opened by crash without a kernel in it', () => {
    const core = build(SPEC, at('nokernel.core'));
    expect(crash('crash, no kernel', core, [`rd -p ${hex(fdtAddr)} 2`]).status).not.toBe(0);
  });
});

describe("the core of a real kernel's capture", () => {
  let text: string;

  beforeAll(async () => {
    const chain: Chain = { kernels: [buildKernel('--host'), buildKernel()], cmdline: 'liveupdate=on' };
    await withJumpingGuest(chain, async (guest) => {
      await guest.untilJump();
      await dumpGuest(guest.qmp, at('dump.elf'));
    });
    text = vmcoreinfoIn(readFileSync(at('dump.elf')));
    writeFileSync(at('vmcoreinfo'), text);
    const { code, stderr } = khoforge(['capture', at('dump.elf'), '-o', at('captured')]);
    if (code !== 0) throw new Error(stderr);
  }, 600_000);

  it.skipIf(missing.drgn)('is that of the kernel for drgn, with the VMCOREINFO that it left', () => {
    const core = build(at('captured'), at('captured.core'), '--vmcoreinfo', at('vmcoreinfo'));
    const { stdout } = khoforge(['inspect', core, '--json']);
    const { fdt } = JSON.parse(stdout);
    const script = `print(prog.read(${fdt.phys}, 4, physical=True).hex(), prog.flags)`;
    expect(drgn('drgn, capture', core, script).text).toContain('d00dfeed ProgramFlags.IS_LINUX_KERNEL');
    // Only the handover was captured: the kernel's variables stayed where they were.
    expect(drgn('drgn, a variable', core, 'print(prog["jiffies_64"])').text).toMatch(/FaultError/);
  });

  it.skipIf(missing.crash)('is opened by crash with --vmlinux, in minimal mode', () => {
    const core = build(at('captured'), at('captured-crash.core'), '--vmlinux', vmlinux);
    const { fdt } = JSON.parse(khoforge(['inspect', core, '--json']).stdout);
    const { text: printed, status } = crash('crash, capture', core, [`rd -p -32 ${fdt.phys} 1`]);
    expect(printed).toMatch(/edfe0dd0/);
    expect(status).toBe(0);
  });
});

/** QEMU writes no such note unless it has a device for it, but the kernel has the text in a page (vmcoreinfo_data). */
function vmcoreinfoIn(dump: Buffer): string {
  for (let start = dump.indexOf('OSRELEASE='); start >= 0; start = dump.indexOf('OSRELEASE=', start + 1)) {
    const found = dump.toString('latin1', start, dump.indexOf(0, start));
    if (found.includes('SYMBOL(swapper_pg_dir)=')) return found;
  }
  throw new Error('no VMCOREINFO in the dump');
}
