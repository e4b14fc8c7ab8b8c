import { spawnSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { native } from '../../src/memory/native.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { openSource } from '../../src/source/open.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';
import { allBytes } from '../memory/all-bytes.ts';
import { errorOf } from '../thrown.ts';

const file = filesFolder();
const built = buildImage({
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { orders: [0, 1, 3] } },
  ],
  preserve: [{ name: 'folios', order: 2, count: 5 }],
});
const RECORD = 0x3f_0040n;

/** The image's memory with its boot record, as a kernel finds it. */
function withRecord() {
  const memory = copyMemory(built);
  memory.write(RECORD, setupDataRecord(built));
  return memory;
}

const loads = asLoads(withRecord());
const NO_DIFFERENCE = { values: [], added: [], removed: [] };

const codes = (path: string) => openSource(path).notes.map(({ code }) => code);

describe('an ELF core', () => {
  it('holds the handover that was put into it', () => {
    const opened = openSource(file('core.elf', elfCore(loads)));
    expect(diffImages(built, opened.image)).toEqual(NO_DIFFERENCE);
    expect(inspect(opened.image).problems).toEqual([]);
    expect(opened.image.bootRecord).toEqual(built.bootRecord);
    expect(opened.candidates).toHaveLength(1);
    expect(opened.candidates[0]?.records).toMatchObject([{ kind: 'setup_data', phys: RECORD }]);
    expect(opened.choice).toBe('it is the only one');
  });

  it('may have more than 65535 segments, the count in section 0', () => {
    const filler = Array.from({ length: 70_000 }, (_, i) => ({
      start: 0x1_0000_0000n + BigInt(i) * 8192n,
      bytes: new Uint8Array(16),
    }));
    const opened = openSource(file('many.elf', elfCore([...loads, ...filler])));
    expect(opened.kind).toContain(`${loads.length + 70_000} segments`);
    expect(diffImages(built, opened.image)).toEqual(NO_DIFFERENCE);
  });

  it('may have its segments in any order, and the same memory under two virtual addresses', () => {
    const shuffled = [...loads].reverse();
    const core = elfCore(shuffled);
    const first = shuffled[0];
    const offset = BigInt(core.length - shuffled.length * 4096);
    const twice = elfCore([
      ...shuffled,
      { start: first?.start ?? 0n, bytes: new Uint8Array(), size: 4096n, offset: offset + 56n },
    ]);
    expect(codes(file('twice.elf', twice))).not.toContain('SEGMENT_OVERLAP');
    expect(diffImages(built, openSource(file('twice.elf', twice)).image)).toEqual(NO_DIFFERENCE);
  });

  it('tells of memory that it has twice, and keeps the first', () => {
    const again = { start: built.bootRecord.fdtAddr, bytes: new Uint8Array(4096).fill(0xff) };
    const path = file('overlap.elf', elfCore([...loads, again]));
    expect(codes(path)).toContain('SEGMENT_OVERLAP');
    expect(diffImages(built, openSource(path).image)).toEqual(NO_DIFFERENCE);
  });

  it('tells of memory that is behind the end of the file, and reads the rest', () => {
    const behind = { start: 0x8000_0000n, bytes: new Uint8Array(), size: 1n << 40n };
    const path = file('short.elf', elfCore([...loads, behind]));
    expect(codes(path)).toContain('FILE_TRUNCATED');
    expect(diffImages(built, openSource(path).image)).toEqual(NO_DIFFERENCE);
  });

  it('tells of memory without bytes', () => {
    const core = elfCore([...loads, { start: 0x9000_0000n, bytes: new Uint8Array() }]);
    core.writeBigUInt64LE(4096n, 64 + 56 * loads.length + 40); // p_memsz
    expect(codes(file('empty.elf', core))).toContain('SEGMENT_EMPTY');
  });

  it('tells the release of the kernel that left a VMCOREINFO note', () => {
    const core = elfCore(loads, { vmcoreinfo: 'OSRELEASE=7.3.4-test\nPAGESIZE=4096\n' });
    expect(openSource(file('info.elf', core)).kind).toContain('ELF core of 7.3.4-test');
  });

  it.each<[string, Buffer, string]>([
    ['no core', elfCore(loads, { type: 2 }), 'ELF_INVALID'],
    ['a 32-bit ELF', Buffer.concat([Buffer.from('\x7fELF\x01\x01'), Buffer.alloc(58)]), 'ELF_INVALID'],
    ['half a header', elfCore(loads).subarray(0, 40), 'ELF_INVALID'],
    [
      'a core without a handover',
      elfCore([{ start: 0n, bytes: new Uint8Array(8192) }]),
      'HANDOVER_NOT_FOUND',
    ],
    ['a core without memory', elfCore([]), 'HANDOVER_NOT_FOUND'],
    ['nothing', Buffer.alloc(0), 'SOURCE_UNKNOWN'],
    ['text', Buffer.from('ram: 512MiB\n'), 'SOURCE_UNKNOWN'],
    ['a compressed kdump', Buffer.from(`KDUMP   ${'\0'.repeat(100)}`), 'SOURCE_COMPRESSED'],
    ['a flattened kdump', Buffer.from(`makedumpfile\0${'\0'.repeat(100)}`), 'SOURCE_COMPRESSED'],
  ])('is refused when it is %s', (name, bytes, code) => {
    const error = errorOf(() => openSource(file(`${name.replaceAll(' ', '-')}.bin`, bytes)));
    expect(error.code).toBe(code);
    expect(error.exitCode).toBe(2);
  });

  it('is refused with the line that converts it, when it is compressed', () => {
    const error = errorOf(() => openSource(file('kdump', Buffer.from('KDUMP   \0\0\0\0'))));
    expect(error.hint).toContain('makedumpfile -E -d 0');
  });
});

describe('a raw dump', () => {
  const base = 0x10_0000n;
  const memory = withRecord();
  const end = allBytes(memory).at(-1);
  const bytes = memory.read(base, Number((end?.start ?? 0n) + BigInt(end?.bytes.length ?? 0) - base));

  it('begins at --base', () => {
    const opened = openSource(file('raw', bytes), { base });
    expect(diffImages(built, opened.image)).toEqual(NO_DIFFERENCE);
  });

  it('of 64 GiB, mostly hole, is opened and inspected in little memory', () => {
    const path = file('sparse', new Uint8Array());
    truncateSync(path, 64 * 2 ** 30);
    const descriptor = openSync(path, 'r+');
    for (const { start, bytes: part } of allBytes(withRecord()))
      writeSync(descriptor, part, 0, part.length, Number(start));
    closeSync(descriptor);
    const program = fileURLToPath(new URL('../../bin/khoforge.js', import.meta.url));
    const script = `await import(${JSON.stringify(program)});
      await new Promise((done) => setTimeout(done)); console.error(process.resourceUsage().maxRSS);`;
    // argv[1] is a program's name; node takes a first argument `inspect` for its debugger.
    const args = ['--input-type=module', '-e', script, 'khoforge', 'inspect', path];
    const options = ['--base', '0', '--arch', 'x86_64', '--json'];
    const child = { encoding: 'utf8', maxBuffer: 1 << 26 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, [...args, ...options], child);
    expect(JSON.parse(stdout)).toMatchObject({ generation: 'kho-v4', metadata: { kexecCount: 3 } });
    expect(Number(stderr.trim().split('\n').at(-1))).toBeLessThan(300 * 1024);
  });

  it('that the system does not let a process map whole is refused with the way out', () => {
    const path = file('large', new Uint8Array());
    // A larger one is not mapped.
    truncateSync(path, 16 * 2 ** 30);
    const program = fileURLToPath(new URL('../../bin/khoforge.js', import.meta.url));
    const limited = `ulimit -v ${8 * 2 ** 20}; exec "$0" "$@"`;
    const args = [process.execPath, program, 'inspect', path, '--base', '0'];
    const { status, stderr } = spawnSync('sh', ['-c', limited, ...args], { encoding: 'utf8' });
    expect(stderr).toMatch(
      /cannot map .*large: of its 16 GiB the system allows this process \d GiB .*\n.*ulimit -v unlimited.*vm\.max_map_count/,
    );
    expect(status).toBe(3);
  });

  it('that shrinks while it is open reads as zeroes, and is counted', () => {
    const path = file('shrinks', bytes);
    const { image } = openSource(path, { base });
    const before = native().mapFaults();
    truncateSync(path, 0);
    expect(inspect(image).fdt).toBeNull();
    expect(native().mapFaults()).toBeGreaterThan(before);
  });

  it('is told at the end of the command', async () => {
    const path = file('shrinks-too', bytes);
    const { image } = openSource(path, { base });
    truncateSync(path, 0);
    inspect(image);
    const said = vi.spyOn(console, 'error').mockReturnValue();
    vi.spyOn(console, 'log').mockReturnValue();
    expect(await main(['node', 'khoforge', 'doctor'])).toBe(2);
    expect(said.mock.calls.join('\n')).toMatch(/\d+ pages of the source could not be read/);
    vi.restoreAllMocks();
  });

  it('is not changed by what is written to its memory', () => {
    const path = file('private', bytes);
    const { image } = openSource(path, { base });
    image.memory.write(image.bootRecord.fdtAddr, new Uint8Array(64).fill(0xaa));
    expect(diffImages(built, openSource(path, { base }).image)).toEqual(NO_DIFFERENCE);
  });
});

describe('a root FDT alone', () => {
  const { fdtAddr } = built.bootRecord;
  const page = Buffer.from(built.memory.read(fdtAddr, 4096));
  const fdt = page.subarray(0, page.readUInt32BE(4));

  it('shows what it says', () => {
    const opened = openSource(file('fdt', fdt));
    const inspection = inspect(opened.image);
    expect(inspection).toMatchObject({ compatible: 'kho-v4', finalized: true });
    expect(inspection.subtrees.map(({ name }) => name)).toEqual(['kho_test', 'kexec-metadata']);
    expect(opened.notes.map(({ code }) => code)).toEqual(['FDT_ALONE']);
  });

  // 6.7 of docs/kho-facts.md: debugfs shows as many bytes as the tree had when its file was made.
  it.each([
    ['after the first subtree', 2],
    ['in the second subtree', 1],
    ['before the first subtree', 0],
  ])('that debugfs cut %s shows the rest', (_name, whole) => {
    const nodes = [fdt.indexOf('kho_test') - 4, fdt.indexOf('kexec-metadata') - 4];
    const length = [nodes[0] ?? 0, (nodes[1] ?? 0) + 8, fdt.readUInt32BE(12) + 2][whole] ?? 0;
    writeFileSync(file('cut', fdt.subarray(0, length)), fdt.subarray(0, length));
    const opened = openSource(file('cut', fdt.subarray(0, length)));
    const inspection = inspect(opened.image);
    expect(opened.notes.map(({ code }) => code)).toContain('FDT_CUT');
    expect(inspection.compatible).toBe('kho-v4');
    expect(inspection.subtrees).toHaveLength(whole);
  });
});
