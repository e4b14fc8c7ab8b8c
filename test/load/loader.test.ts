import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeKexecDirectory } from '../../src/load/kexec-file.ts';
import { planKexecLoad } from '../../src/load/kexec-load.ts';
import { buildLoader } from '../../src/load/loader.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { codeOf } from '../thrown.ts';
import { fakeBzImage } from './fake-kernel.ts';

// Only what ends before the loader asks the kernel for anything: --check never does.

const folder = mkdtempSync(join(tmpdir(), 'khoforge-loader-'));
const output = join(folder, 'kexec');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const image = buildImage({ subtrees: [{ kho_test: { orders: [0] } }] });
const load = planKexecLoad(image, { kernel: fakeBzImage(), cmdline: 'kho=on' });
let files: string[];

beforeAll(() => {
  files = writeKexecDirectory({ load, cmdline: 'kho=on', loader: buildLoader('x86_64') }, output);
});

/** Runs the loader on a changed kexec.img. */
function check(name: string, change: (bytes: Buffer) => Buffer) {
  const file = join(folder, name);
  writeFileSync(file, change(readFileSync(join(output, 'kexec.img'))));
  return spawnSync(join(output, 'kexec-load'), ['--check', file], { encoding: 'utf8' });
}

describe('kexec.img', () => {
  it('says what kexec.json says', () => {
    expect(files).toEqual(['kexec.json', 'kexec.img', 'kexec-load']);
    const bytes = readFileSync(join(output, 'kexec.img'));
    const json = JSON.parse(readFileSync(join(output, 'kexec.json'), 'utf8'));
    expect(json).toMatchObject({
      schema: { name: 'khoforge-kexec', version: 1 },
      arch: 'x86_64',
      cmdline: 'kho=on',
    });
    expect(bytes.toString('latin1', 0, 8)).toBe('KHOKEXEC');
    expect([8, 12, 24, 28, 32].map((at) => bytes.readUInt32LE(at))).toEqual([
      1,
      62,
      json.segments.length,
      json.writes.length,
      json.ram.length,
    ]);
    expect(bytes.readBigUInt64LE(16)).toBe(BigInt(json.entry));
    json.segments.forEach(
      (segment: Record<'mem' | 'memsz' | 'offset' | 'bufsz', string | number>, i: number) => {
        const numbers = [0, 8, 16, 24].map((field) => bytes.readBigUInt64LE(40 + i * 32 + field));
        expect(numbers).toEqual([segment.mem, segment.memsz, segment.offset, segment.bufsz].map(BigInt));
        const wanted = Buffer.concat([...(load.segments[i]?.chunks() ?? [])]);
        const at = Number(segment.offset);
        expect(Buffer.compare(bytes.subarray(at, at + Number(segment.bufsz)), wanted)).toBe(0);
      },
    );
  });

  it('replaces an older one, and nothing else', () => {
    expect(writeKexecDirectory({ load, cmdline: 'kho=on' }, join(folder, 'twice'))).toHaveLength(2);
    expect(writeKexecDirectory({ load, cmdline: 'kho=on' }, join(folder, 'twice'))).toHaveLength(2);
    expect(codeOf(() => writeKexecDirectory({ load, cmdline: '' }, folder))).toBe('OUTPUT_EXISTS');
  });
});

describe('kexec-load', () => {
  it('takes the machine for another, or fits it', () => {
    const { status, stderr, stdout } = check('good', (bytes) => bytes);
    // It depends on who runs this, and where.
    if (status === 0) expect(stdout).toMatch(/good fits this machine: \d+ segments/);
    else expect(stderr).toMatch(/System RAM|\/proc\/iomem/);
    expect([0, 1, 3]).toContain(status);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['no such file', (bytes) => bytes.fill(0, 0, 8), /not a kexec.img/],
    ['an empty file', () => Buffer.alloc(0), /not a kexec.img/],
    ['half a header', (bytes) => bytes.subarray(0, 39), /not a kexec.img/],
    ['a later version', (bytes) => changed(bytes, 8, 2), /not a kexec.img/],
    ['another architecture', (bytes) => changed(bytes, 12, 183), /another architecture/],
    ['17 segments', (bytes) => changed(bytes, 24, 17), /too many/],
    ['endless ranges', (bytes) => changed(bytes, 28, 0xffffffff), /too many/],
    ['ranges beyond the file', (bytes) => changed(bytes, 32, 1 << 20).subarray(0, 1 << 20), /cut short/],
    ['a file that ends early', (bytes) => bytes.subarray(0, bytes.length - 5000), /cut short/],
    ['a buffer at no offset', (bytes) => changed(bytes, 40 + 16 + 4, 0xffffffff), /cut short/],
    ['a buffer without an end', (bytes) => changed(bytes, 40 + 24 + 4, 0xffffffff), /cut short/],
  ])('refuses %s', (name, change, text) => {
    const { status, signal, stderr } = check(name.replaceAll(' ', '-'), change);
    expect(signal).toBeNull();
    expect(stderr).toMatch(text);
    expect(status).toBe(2);
  });

  it.each([[[]], [['--jump', 'kexec.img']], [['--check']], [['a', 'b']]])(
    'tells its usage for %j',
    (args) => {
      const { status, stderr } = spawnSync(join(output, 'kexec-load'), args, { encoding: 'utf8' });
      expect(stderr).toMatch(/usage: kexec-load/);
      expect(status).toBe(2);
    },
  );
});

function changed(bytes: Buffer, at: number, value: number): Buffer {
  bytes.writeUInt32LE(value, at);
  return bytes;
}
