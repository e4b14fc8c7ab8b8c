import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Btf, openBtf, readBtf } from '../../src/btf/btf.ts';
import { profileBtf } from '../../src/profile/btf.ts';
import { btfCombination } from '../../src/profile/btf-target.ts';
import { checkExitCode } from '../../src/profile/check.ts';
import { checkBtfAlone, checkRoutes } from '../../src/profile/routes.ts';
import { profileTree } from '../../src/profile/tree.ts';
import { errorOf } from '../thrown.ts';
import { FakeTree } from './fake-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-routes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tree: FakeTree | undefined;
afterEach(() => tree?.remove());

const HEADER = 'include/linux/kho/abi/more.h';
const X86 = { arch: 'x86_64', pageSize: 4096 } as const;

/** As the kernel of Linux 7.3 has them, in our own words. */
const SCRATCH = 'struct kho_scratch { u64 addr; u64 size; };';
const METADATA =
  'struct kho_kexec_metadata { u32 version; char previous_release[65]; u32 kexec_count; } __packed;';
const NODE = 'struct kho_radix_node { u64 table[512]; };';
const CONSTANTS = 'enum kho_radix_consts { KHO_TABLE_SIZE_LOG2 = 9, KHO_BITMAP_SIZE_LOG2 = 15 };';
const ALL = `${SCRATCH} ${METADATA} ${NODE} ${CONSTANTS}`;

/** BTF of these definitions, as gcc emits it, in an ELF file of x86_64. */
function btfFile(text: string, name = 'types'): string {
  const path = join(folder, name);
  const used = [...text.matchAll(/(?:struct|enum) (\w+) \{/g)].map(
    ([match], i) => `${match.slice(0, -1)} v${i};`,
  );
  const types = 'typedef unsigned long long u64; typedef unsigned int u32; typedef unsigned short u16;';
  const source = `#define __packed __attribute__((packed))\n${types}\n${text}\n${used.join('\n')}\nlong word;\n`;
  writeFileSync(`${path}.c`, source);
  execFileSync('gcc', ['-gbtf', '-c', `${path}.c`, '-o', path]);
  return path;
}

function rawBtf(text: string): Buffer {
  const raw = join(folder, 'raw.btf');
  const flags = ['--only-section=.BTF', '--set-section-flags', '.BTF=alloc'];
  execFileSync('objcopy', ['-O', 'binary', ...flags, btfFile(text), raw]);
  return readFileSync(raw);
}

const btfOf = (text: string): Btf => openBtf(btfFile(text));

function headersOf(text: string) {
  tree?.remove();
  tree = new FakeTree({
    [HEADER]: text,
    'include/linux/kho/abi/kexec_handover.h': '#include <linux/types.h>\n',
  });
  return profileTree({ ...X86, tree: tree.folder });
}

function routes(inHeaders: string, inBtf: string) {
  const headers = headersOf(inHeaders);
  const btf = profileBtf(btfOf(inBtf), { ...X86, release: '7.3', file: 'vmlinux', wanted: headers.items });
  const results = checkRoutes(headers, btf);
  return { results, found: results.filter(({ status }) => status === 'disagree') };
}

describe('headers and BTF of one kernel', () => {
  it('agree, and each result says what BTF tells', () => {
    const { results, found } = routes(ALL, ALL);
    expect(found).toEqual([]);
    const told = results.filter(({ btf }) => btf !== undefined).map(({ item, btf }) => [item, btf]);
    expect(Object.fromEntries(told)).toEqual({
      KHO_BITMAP_SIZE_LOG2: { value: 15 },
      KHO_TABLE_SIZE_LOG2: { value: 9 },
      kho_kexec_metadata: { size: 73 },
      'kho_kexec_metadata.kexec_count': { offset: 69, size: 4 },
      'kho_kexec_metadata.previous_release': { offset: 4, size: 65 },
      'kho_kexec_metadata.version': { offset: 0, size: 4 },
      kho_radix_node: { size: 4096 },
      'kho_radix_node.table': { offset: 0, size: 4096 },
      kho_scratch: { size: 16 },
      'kho_scratch.addr': { offset: 0, size: 8 },
      'kho_scratch.size': { offset: 8, size: 8 },
    });
  });

  it.each([
    ['a field moved', 'u64 addr; u64 size;', 'u64 size; u64 addr;', ['kho_scratch.addr', 'kho_scratch.size']],
    [
      'a field widened',
      'u32 kexec_count;',
      'u64 kexec_count;',
      ['kho_kexec_metadata', 'kho_kexec_metadata.kexec_count'],
    ],
    ['a field added', 'u64 size;', 'u64 size; u64 flags;', ['kho_scratch', 'kho_scratch.flags']],
    ['a field removed', 'u64 addr; u64 size;', 'u64 addr;', ['kho_scratch', 'kho_scratch.size']],
    ['a field renamed', 'u64 size;', 'u64 length;', ['kho_scratch.length', 'kho_scratch.size']],
    ['__packed dropped', ' __packed', '', ['kho_kexec_metadata', 'kho_kexec_metadata.kexec_count']],
    ['a constant changed', 'KHO_TABLE_SIZE_LOG2 = 9', 'KHO_TABLE_SIZE_LOG2 = 8', ['KHO_TABLE_SIZE_LOG2']],
  ])('disagree: %s in the built kernel', (_what, from, to, items) => {
    const changed = ALL.replace(from, to);
    expect(changed).not.toBe(ALL);
    const { results, found } = routes(ALL, changed);
    expect(found.map(({ item }) => item).toSorted()).toEqual(items);
    expect(checkExitCode(results)).toBe(1);
    // The other way round too: neither of the two is taken as the truth.
    expect(
      routes(changed, ALL)
        .found.map(({ item }) => item)
        .toSorted(),
    ).toEqual(items);
  });

  it('a structure that the kernel does not use is no disagreement', () => {
    expect(routes(ALL, `${SCRATCH} ${NODE} ${CONSTANTS}`).found).toEqual([]);
  });
});

describe('BTF alone', () => {
  const check = (text: string) => checkBtfAlone(btfOf(text), { ...X86, file: 'vmlinux' }, '7.3');

  it('matches where it tells, and says what it cannot tell', () => {
    const results = check(ALL);
    const status = Object.fromEntries(results.map(({ item, status, actual }) => [item, [status, actual]]));
    expect(status).toMatchObject({
      kho_scratch: ['match', { size: 16 }],
      'kho_kexec_metadata.kexec_count': ['match', { offset: 69, size: 4 }],
      KHO_FDT_COMPATIBLE: ['could-not-check', 'BTF has no strings'],
      KHO_VMALLOC_ALLOC: ['could-not-check', 'BTF has no macros'],
      'kho_test:magic': ['could-not-check', 'BTF has no properties of device trees'],
      luo_file_ser: ['could-not-check', 'struct luo_file_ser: not in BTF'],
      'luo_file_ser.token': ['could-not-check', 'struct luo_file_ser: not in BTF'],
      '*': ['could-not-check', 'BTF has no alignments of structures'],
    });
    expect(checkExitCode(results)).toBe(0);
  });

  it('finds a mismatch, and a field that khoforge does not know', () => {
    const results = check(ALL.replace('u64 size;', 'u64 flags; u64 size;'));
    const bad = results.filter(({ status }) => status === 'mismatch' || status === 'unknown');
    expect(bad.map(({ item, status }) => [item, status])).toEqual([
      ['kho_scratch', 'mismatch'],
      ['kho_scratch.flags', 'unknown'],
      ['kho_scratch.size', 'mismatch'],
    ]);
    expect(checkExitCode(results)).toBe(1);
  });

  it('a field that is gone is an answer', () => {
    const results = check(ALL.replace('u64 size;', ''));
    expect(results).toContainEqual(expect.objectContaining({ item: 'kho_scratch.size', status: 'absent' }));
    expect(checkExitCode(results)).toBe(1);
  });
});

describe('btfCombination', () => {
  it('reads architecture and page size', () => {
    expect(btfCombination(btfOf(ALL), 'vmlinux')).toEqual(X86);
    expect(btfCombination(btfOf(`${SCRATCH} ${NODE}`), 'vmlinux')).toEqual(X86);
    expect(btfCombination(btfOf(SCRATCH), 'vmlinux')).toEqual(X86);
  });

  it.each([
    ['another architecture', ALL, { arch: 'arm64' }, 'BTF_TARGET', 'is for x86_64, not arm64'],
    ['another page size', ALL, { pageSize: 65536 }, 'BTF_TARGET', 'pages of 4096 bytes, not 65536'],
    [
      'pages that x86 has not',
      ALL.replace('15', '17').replace(NODE, ''),
      {},
      'BTF_TARGET',
      'x86_64 has no pages of 16384',
    ],
    ['no KHO', 'struct other { u32 a; };', {}, 'NO_KHO', 'no structure of Kexec HandOver'],
  ] as const)('refuses %s', (_what, text, asked, code, message) => {
    const error = errorOf(() => btfCombination(btfOf(text), 'vmlinux', asked));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.hint).toBeDefined();
  });

  it('of BTF without ELF the architecture has to be told', () => {
    const raw = 'types.btf';
    const btf = readBtf(rawBtf(ALL), raw);
    expect(errorOf(() => btfCombination(btf, raw)).message).toContain('does not tell its architecture');
    expect(btfCombination(btf, raw, { arch: 'arm64' })).toEqual({ arch: 'arm64', pageSize: 4096 });
    const small = readBtf(rawBtf(SCRATCH));
    expect(errorOf(() => btfCombination(small, 'raw', { arch: 'arm64' })).message).toContain('the page size');
  });

  it('a text file is neither ELF nor BTF', () => {
    expect(errorOf(() => readBtf(Buffer.from('# hello'), 'README.md')).code).toBe('BTF_INVALID');
  });
});
