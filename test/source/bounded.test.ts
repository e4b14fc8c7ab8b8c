import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readInput } from '../../src/base/files.ts';
import { captureNotes, extractHandover } from '../../src/capture/extract.ts';
import { withFile } from '../../src/elf/source.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { manifestText, parseManifest } from '../../src/formats/manifest.ts';
import { writeElfCore } from '../../src/formats/write-core.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { openSource } from '../../src/source/open.ts';
import { asLoads, copyMemory, elfCore, filesFolder } from '../formats/core-writer.ts';
import { codeOf, errorOf } from '../thrown.ts';

const file = filesFolder();
const folder = dirname(file('anchor', new Uint8Array()));
const built = buildImage({
  subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } }],
  preserve: [{ name: 'data', order: 9, content: { seed: 1, size: '2MiB' } }],
});
const core = join(folder, 'own.core');

beforeAll(() => {
  writeElfCore(built, core);
});

describe('what is no regular file', () => {
  const pipe = join(folder, 'pipe');
  beforeAll(() => {
    execFileSync('mkfifo', [pipe]);
  });

  it.each([
    ['a pipe', () => pipe],
    ['a character device', () => '/dev/zero'],
    ['a directory', () => folder],
  ])('is refused by name: %s', (name, path) => {
    const text = `cannot read ${path()}: ${name}`;
    expect(() => readInput(path())).toThrow(text);
    expect(() => withFile(path(), () => 0)).toThrow(text);
    if (name !== 'a directory') expect(() => openSource(path())).toThrow(text);
  });

  it.each(['manifest.json', 'memory.bin'])('is refused as %s', (name) => {
    const directory = join(folder, `with-${name}`);
    writeImageDirectory(built, directory);
    rmSync(join(directory, name));
    symlinkSync('/dev/zero', join(directory, name));
    expect(codeOf(() => readImageDirectory(directory))).toBe('FILE_UNREADABLE');
  });
});

describe('a link in an image directory', () => {
  it.each(['manifest.json', 'memory.bin'])('is refused by name, wherever it leads: %s', (name) => {
    const directory = join(folder, `linked-${name}`);
    writeImageDirectory(built, directory);
    for (const target of [join(folder, `moved-${name}`), 'moved', '/nowhere']) {
      writeImageDirectory(built, directory);
      if (target !== '/nowhere') renameSync(join(directory, name), resolve(directory, target));
      else rmSync(join(directory, name));
      symlinkSync(target, join(directory, name));
      const error = errorOf(() => readImageDirectory(directory));
      expect(error.message).toBe(`cannot read ${join(directory, name)}: a symbolic link, no regular file`);
      expect(error.hint).toMatch(/cp -L/);
      rmSync(directory, { recursive: true });
    }
  });

  it('is none when the directory itself is named by one', () => {
    const directory = join(folder, 'linked-directory');
    writeImageDirectory(built, `${directory}-real`);
    symlinkSync(`${directory}-real`, directory);
    expect(readImageDirectory(directory).ram).toEqual(built.ram);
  });
});

describe('a manifest', () => {
  const directory = join(folder, 'image');
  const manifest = join(directory, 'manifest.json');
  beforeAll(() => writeImageDirectory(built, directory));
  const withChange = (name: string, change: (document: Record<string, unknown[]>) => void): string => {
    const path = join(folder, name);
    mkdirSync(path);
    const document = JSON.parse(readFileSync(manifest, 'utf8'));
    change(document);
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(document));
    writeFileSync(join(path, 'memory.bin'), readFileSync(join(directory, 'memory.bin')));
    return path;
  };

  it('has no byte of memory.bin hashed twice', () => {
    const path = withChange('twice', (document) => {
      const [first] = document.extents ?? [];
      document.extents?.push({ ...Object(first), start: '0x10000000000' });
    });
    expect(() => readImageDirectory(path)).toThrow('two extents of the manifest have byte 0');
  });

  it('has no address twice', () => {
    const path = withChange('overlap', (document) => {
      document.zeroes = [{ start: '0x200000', size: '0x1000' }];
    });
    expect(codeOf(() => readImageDirectory(path))).toBe('IMAGE_DAMAGED');
  });

  it.each([
    [
      'ram',
      [
        { start: '0x100000', size: '0x200000' },
        { start: '0x0', size: '0x100001' },
      ],
      '0x0-0x100001 and 0x100000-0x300000 overlap',
    ],
    [
      'absent',
      [
        { start: '0x0', size: '0x3000' },
        { start: '0x1000', size: '0x1000' },
      ],
      '0x0-0x3000 and 0x1000-0x2000 overlap',
    ],
    [
      'ram',
      [{ start: '0xfffffffffffff000', size: '0x1001' }],
      '0xfffffffffffff000-0x10000000000000001 ends above 2^64',
    ],
  ])('has no byte twice in %s, nor beyond all', (list, regions, text) => {
    const path = withChange(`regions-${text}`, (document) => {
      document[list] = regions;
    });
    expect(() => readImageDirectory(path)).toThrow(`${path}/manifest.json: ${list}: ${text}`);
  });

  it('of hundreds of thousands of runs is read in seconds, and a larger one not', () => {
    const zeroes = Array.from({ length: 200_000 }, (_, i) => ({
      start: `0x${(2 ** 40 + i * 8192).toString(16)}`,
      size: '0x1000',
    }));
    const path = withChange('zeroes', (document) => {
      document.zeroes = zeroes;
    });
    expect(readImageDirectory(path).memory.pieces.length).toBeGreaterThan(200_000);
    writeFileSync(join(path, 'manifest.json'), ' '.repeat((32 << 20) + 1));
    expect(codeOf(() => readImageDirectory(path))).toBe('FILE_TOO_LARGE');
  });

  it('has no more of anything else than a manifest has', () => {
    const path = withChange('crowded', (document) => {
      Object.assign(document, { target: Array.from({ length: 100_000 }, () => ({})) });
    });
    expect(() => readImageDirectory(path)).toThrow('more than any manifest');
  });
});

describe('a manifest of as many structures as there is room for', () => {
  const placements = Array.from({ length: 500_000 }, (_, i) => ({
    path: `p${i}`,
    start: '0x0',
    size: '0x1',
  }));
  const dense = JSON.stringify({ ...JSON.parse(manifestText(built, [])), placements });

  it('can be written again when it was read', () => {
    const { placements } = parseManifest(dense, 'manifest.json');
    const text = manifestText({ ...built, placements }, []);
    expect(parseManifest(text, 'manifest.json').placements).toEqual(placements);
  });

  it('is refused with what it has too many of, counted in bytes as when it is read', () => {
    const { placements } = parseManifest(dense, 'manifest.json');
    const named = placements.map((one) => ({ ...one, path: `\u00e4${one.path}`.repeat(4) }));
    const write = () => manifestText({ ...built, placements: named }, []);
    expect(write).toThrow(
      /^500000 structures, 0 runs of bytes and 0 of zeroes: .* no more than 33554432 are/,
    );
    const text = manifestText({ ...built, vmcoreinfo: '\u00e4'.repeat(15 << 20) }, []);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32 << 20);
    expect(codeOf(() => manifestText({ ...built, vmcoreinfo: '\u00e4'.repeat(17 << 20) }, []))).toBe(
      'MANIFEST_TOO_LARGE',
    );
  });
});

describe('an ELF core', () => {
  const loads = asLoads(copyMemory(built));

  it('may have one MiB of notes 65,000 times', () => {
    const count = 65_000;
    const table = Buffer.alloc(56);
    table.writeUInt32LE(4, 0);
    table.writeBigUInt64LE(BigInt(64 + 56 * count), 8);
    table.writeBigUInt64LE(1n << 20n, 32);
    const head = elfCore([]).subarray(0, 64);
    head.writeUInt16LE(count, 56);
    const bytes = Buffer.concat([
      head,
      ...Array.from({ length: count }, () => table),
      Buffer.alloc(1 << 20, 'A'),
    ]);
    expect(codeOf(() => openSource(file('notes.elf', bytes)))).toBe('HANDOVER_NOT_FOUND');
  });

  it.each([
    ['a core of s390', () => elfCore(loads, { machine: 22 }), /ELF machine 22 \(s390\)/],
    [
      'a core of virtual addresses',
      () => elfCore(loads.concat(loads).map((load) => ({ ...load, start: 0n }))),
      /segments have p_paddr 0/,
    ],
    ['gzip', () => Buffer.from('1f8b0800', 'hex'), /compressed with gzip/],
    ['zstd', () => Buffer.from('28b52ffd00', 'hex'), /compressed with zstd/],
    ['LiME', () => Buffer.from('EMiL\x01'), /a dump of LiME/],
  ])('is refused by name: %s', (name, bytes, text) => {
    expect(() => openSource(file(`${name}.dump`, bytes()))).toThrow(text);
  });

  it('may have the same bytes twice', () => {
    const [first] = loads;
    if (!first) throw new Error('no memory');
    const again = { start: first.start, bytes: first.bytes.slice(0, 4096) };
    using same = openSource(file('same.elf', elfCore([...loads, again])));
    expect(same.notes.map(({ code }) => code)).not.toContain('SEGMENT_OVERLAP');
    again.bytes.fill(7);
    using other = openSource(file('other.elf', elfCore([...loads, again])));
    expect(other.notes.map(({ code }) => code)).toContain('SEGMENT_OVERLAP');
  });

  it('of our own is verified as the image that it came from', () => {
    using opened = openSource(core);
    expect(opened.image.ram).toEqual(built.ram);
    const [own, image] = [verifyImage(opened.image), verifyImage(built)];
    expect({ verdict: own.verdict, certain: own.certain }).toEqual({ verdict: 'revived', certain: true });
    expect(own.findings.filter(({ severity }) => severity === 'error')).toEqual(
      image.findings.filter(({ severity }) => severity === 'error'),
    );
    expect(captureNotes(extractHandover(opened.image))).toEqual([]);
  });

  it('has a scratch array whose first region is empty', () => {
    const large = buildImage({
      ram: '8GiB',
      scratch: '200%',
      subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 1 } }],
    });
    expect(large.scratch[0]?.size).toBe(0n);
    const path = join(folder, 'empty-first.core');
    writeElfCore(large, path);
    using opened = openSource(path);
    expect(opened.image.scratch).toEqual(large.scratch);
  });

  it('of a stranger that has just the handover has no RAM that is known', () => {
    using opened = openSource(file('few.elf', elfCore(loads)));
    expect(opened.image.ram).toEqual([]);
    const { findings, certain } = verifyImage(opened.image);
    expect(certain).toBe(false);
    expect(findings.map(({ check }) => check)).toContain('ram-unknown');
    expect(findings.map(({ check }) => check)).not.toContain('scratch-outside-ram');
  });

  it('that was cut short says so, and what of the handover is lost', () => {
    const path = file('cut.elf', readFileSync(core));
    truncateSync(path, Math.floor((readFileSync(core).length * 3) / 4));
    using opened = openSource(path);
    const { findings, certain } = verifyImage(opened.image);
    expect(certain).toBe(false);
    expect(findings.map(({ check }) => check)).toContain('dump-truncated');
  });
});

it('opens 64 TiB', () => {
  const path = join('/dev/shm', `khoforge-64T.${process.pid}`);
  try {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 46);
    expect(codeOf(() => openSource(path, { base: 0n, fdtPhys: 0n }))).toMatch(/HANDOVER_NOT_FOUND|none/);
  } finally {
    rmSync(path, { force: true });
  }
}, 120_000);

it('inspects an image whose subtrees have no recorded size by what their FDTs say', () => {
  const old = buildImage({ target: { release: '6.18' }, subtrees: [{ kho_test: {} }] });
  expect(inspect(old).subtrees[0]).toMatchObject({ size: null, length: expect.any(BigInt) });
});
