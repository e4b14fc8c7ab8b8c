import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { khoforge } from '../cli/run.ts';
import { khoInitrd, luoInitrd } from './plans.ts';
import { buildKernel, sourceOf } from './receiver.ts';

const KHO = 'include/linux/kho/abi/kexec_handover.h';
const LUO = 'include/linux/kho/abi/luo.h';
const MEMFD = 'include/linux/kho/abi/memfd.h';
const MEMBLOCK = 'include/linux/kho/abi/memblock.h';
const METADATA = 'include/linux/kho/abi/kexec_metadata.h';

/** A version 5 that nobody has: strings, property names, a node's name, versions and three structures changed. */
const EDITS: readonly (readonly [file: string, from: string, to: string])[] = [
  [KHO, '"kho-v4"', '"kho-v5"'],
  [KHO, 'PROP_NAME "preserved-data"', 'PROP_NAME "blob"'],
  [KHO, 'PROP_NAME "blob-size"', 'PROP_NAME "blob-bytes"'],
  [KHO, 'unsigned short order;', 'unsigned short order; u64 owner;'],
  [METADATA, 'VERSION 1', 'VERSION 2'],
  [METADATA, 'NODE_NAME "kexec-metadata"', 'NODE_NAME "kexec-meta"'],
  [METADATA, 'u32 kexec_count;', 'u32 flags; u32 kexec_count;'],
  ['include/asm-generic/kexec_handover.h', 'phys_addr_t size;', 'phys_addr_t size; phys_addr_t flags;'],
  ['include/linux/kho/abi/luo.h', '"luo-v5"', '"luo-v6"'],
  ['include/linux/kho/abi/luo.h', 'u64 sessions_pa;', 'u64 sessions_pa; u64 owner;'],
  ['lib/test_kho.c', '"kho-test-v1"', '"kho-test-v2"'],
  ['lib/test_kho.c', '0x4b484f21', '0x4b484f22'],
  [LUO, 'ENTRY_NAME\t"LUO"', 'ENTRY_NAME\t"LUO2"'],
  [MEMFD, '"memfd-v2"', '"memfd-v3"'],
  [MEMFD, 'FOLIO_DIRTY\t\tBIT(0)', 'FOLIO_DIRTY\t\tBIT(2)'],
  [MEMFD, 'u64 pfn:52;', 'u64 pfn:50;'],
  [MEMFD, 'u64 flags:12;', 'u64 flags:14;'],
  [MEMBLOCK, 'COMPATIBLE "memblock-v1"', 'COMPATIBLE "memblock-v2"'],
  [MEMBLOCK, 'COMPATIBLE "reserve-mem-v1"', 'COMPATIBLE "reserve-mem-v2"'],
];

let source: string;
let kernel: string;
let initrd: string;

beforeAll(() => {
  const original = sourceOf('7.3');
  source = mkdtempSync(join(dirname(original), '.edited-'));
  // Hard links: an edited file is replaced, never written to.
  execFileSync('cp', ['-al', join(original, 'linux'), source]);
  for (const [file, from, to] of EDITS) edit(file, from, to);
  const version = readFileSync(join(original, 'version'), 'utf8');
  writeFileSync(join(source, 'version'), `${version}${JSON.stringify(EDITS)}\n`);
  kernel = buildKernel('--source', source);
  initrd = join(source, 'initrd.cpio');
  writeFileSync(initrd, khoInitrd());
});
afterAll(() => rmSync(source, { recursive: true, force: true }));

function edit(file: string, from: string, to: string): void {
  const path = join(source, 'linux', file);
  const text = readFileSync(path, 'utf8');
  const edited = text.replace(from, to);
  expect(edited, `${file} holds ${from}`).not.toBe(text);
  cpSync(path, `${path}.edited`);
  writeFileSync(`${path}.edited`, edited);
  renameSync(`${path}.edited`, path);
}

function run(...args: string[]) {
  const { code, stdout, stderr } = khoforge(args);
  console.log(`khoforge ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
  return { code, stdout, stderr };
}

describe('a kernel whose ABI is a version that khoforge does not know', () => {
  const spec = 'examples/quickstart.yaml';
  const tree = () => join(source, 'linux');

  it('revives an image that its own headers describe', () => {
    const { code, stdout, stderr } = run(
      'boot',
      spec,
      '--target-tree',
      tree(),
      '--kernel',
      kernel,
      '--initrd',
      initrd,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('exec from: 6.19.0-rc4-next-20260107 (count 41)');
    expect(stdout).toContain('test_kho: KHO restore succeeded');
    expect(stderr).toContain('kho_vmalloc.owner is new: written as 0');
  });

  it('refuses one of 7.3, as verify predicts with its own words', () => {
    const { code, stdout } = run('boot', spec, '--kernel', kernel, '--initrd', initrd, '--json');
    expect(code).toBe(1);
    const line = "KHO: setup: handover FDT (0x200000) is incompatible with 'kho-v5': 1";
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'rejected' });
    expect(stdout).toContain(line);
    const image = join(source, 'image-7.3');
    expect(run('build', spec, '-o', image).code).toBe(0);
    const verified = run('verify', image, '--target-tree', tree(), '--json');
    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'rejected', findings: [{ kernel: line }] });
  });

  it('retrieves sessions in the form of its own LUO', async () => {
    const { code, stdout } = run(
      'build',
      'examples/luo.yaml',
      '--target-tree',
      tree(),
      '-o',
      join(source, 'luo'),
    );
    expect(code).toBe(0);
    expect(stdout).toContain('kho-v5');
    const plan = [
      { name: 'vm0', tokens: [0x1000n, 0x2an] },
      { name: 'systemd', tokens: [0n, 1n] },
    ];
    const [path, log] = [join(source, 'luo.cpio'), join(source, 'console.log')];
    writeFileSync(path, luoInitrd(plan));
    const options = ['--cmdline', 'liveupdate=on', '--log', log, '--force'];
    const booted = run('boot', join(source, 'luo'), '--kernel', kernel, '--initrd', path, ...options);
    expect(booted.code).toBe(0);
    const text = readFileSync(log, 'utf8');
    expect(text).toContain('khoforge-init: file 0x1000 size 3145728 position 0 seals 0x1');
    expect(text).toContain('khoforge-init: file 0x2a size 65536 position 16 seals 0x6');
    expect(text.match(/khoforge-init: finish \w+: done/g)).toHaveLength(2);
  });

  it('revives reserve_mem in the form of its own memblock', () => {
    const log = join(source, 'reserve-mem.log');
    const parameters = 'reserve_mem=1M:4096:oops reserve_mem=64K:64K:trace';
    const options = ['--target-tree', tree(), '--kernel', kernel, '--cmdline', parameters, '--log', log];
    expect(run('boot', 'examples/reserve-mem.yaml', ...options).code).toBe(0);
    const text = readFileSync(log, 'utf8');
    for (const name of ['oops', 'trace'])
      expect(text).toContain(`Revived memory reservation '${name}' from KHO`);
  });

  it('a profile of it does as well as the tree', () => {
    const profile = join(source, 'kho-v5.json');
    const image = join(source, 'image-v5');
    expect(run('abi', 'profile', '--tree', tree(), '-o', profile).code).toBe(0);
    expect(run('build', spec, '--target', profile, '-o', image).code).toBe(0);
    expect(run('verify', image).code).toBe(0);
    expect(run('boot', image, '--kernel', kernel, '--initrd', initrd).code).toBe(0);
  });
});
