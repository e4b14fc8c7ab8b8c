import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inspectInBackground } from '../../src/background/background.ts';
import { extractHandover } from '../../src/capture/extract.ts';
import { writeImageDirectory } from '../../src/formats/directory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { openLive } from '../../src/source/live.ts';
import { openSource } from '../../src/source/open.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';
import { codeOf } from '../thrown.ts';

const file = filesFolder();
const folder = dirname(file('anchor', new Uint8Array()));
// Files below 1 MiB are read, not mapped.
const built = buildImage({
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }],
  subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } }],
  preserve: [{ name: 'large', order: 9, content: { seed: 1, size: '2MiB' } }],
});
const memory = copyMemory(built);
memory.write(0x3f_0040n, setupDataRecord(built));

const core = file('core.elf', elfCore(asLoads(memory)));
const directory = join(folder, 'image');
writeImageDirectory(built, directory);
const host = join(folder, 'host');
mkdirSync(join(host, 'proc'), { recursive: true });
writeFileSync(join(host, 'proc/kcore'), elfCore([{ start: 0n, bytes: memory.read(0n, 64 << 20) }]));
writeFileSync(join(host, 'proc/iomem'), '00000000-03ffffff : System RAM\n');
const fdt = file('kho.dtb', built.memory.read(built.bootRecord.fdtAddr, 4096));

/** Descriptors and maps that this process has of files in the folder. What was unmapped goes when the loop turns. */
async function held(): Promise<{ descriptors: number; maps: number }> {
  await turnOfTheLoop();
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(join('/proc/self/fd', name));
    } catch {
      return '';
    }
  });
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return {
    descriptors: links.filter((path) => path.startsWith(folder)).length,
    maps: maps.filter((line) => line.includes(folder)).length,
  };
}

const NOTHING = { descriptors: 0, maps: 0 };

describe.each([
  ['a dump', () => openSource(core), { descriptors: 0, maps: 1 }],
  ['an image directory', () => openSource(directory), { descriptors: 0, maps: 1 }],
  ['a live host', () => openLive(host), { descriptors: 1, maps: 0 }],
  ['a root FDT alone', () => openSource(fdt), NOTHING],
])('%s', (_name, open, whileOpen) => {
  it('holds nothing once it is closed', async () => {
    expect(await held()).toEqual(NOTHING);
    {
      using source = open();
      expect(inspect(source.image).fdt).not.toBeNull();
      expect(await held()).toEqual(whileOpen);
    }
    expect(await held()).toEqual(NOTHING);
  });

  it('is not read after that, not even as no memory', () => {
    const source = open();
    const extracted = extractHandover(source.image);
    source.close();
    source.close();
    for (const image of [source.image, extracted]) {
      expect(codeOf(() => image.memory.read(0n, 8))).toBe('SOURCE_CLOSED');
      expect(codeOf(() => image.memory.extents)).toBe('SOURCE_CLOSED');
    }
  });
});

describe('what cannot be opened', () => {
  it.each([
    [
      'a dump without a handover',
      () => openSource(file('none.elf', elfCore([{ start: 0n, bytes: new Uint8Array(4 << 20) }]))),
    ],
    [
      'a host without a handover',
      () => {
        const empty = join(folder, 'empty');
        mkdirSync(join(empty, 'proc'), { recursive: true });
        writeFileSync(join(empty, 'proc/kcore'), elfCore([{ start: 0n, bytes: new Uint8Array(4 << 20) }]));
        writeFileSync(join(empty, 'proc/iomem'), '00000000-003fffff : System RAM\n');
        openLive(empty);
      },
    ],
    [
      'a damaged image directory',
      () => {
        const damaged = join(folder, 'damaged');
        writeImageDirectory(built, damaged);
        const path = join(damaged, 'memory.bin');
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xff, bytes.length - 1));
        openSource(damaged);
      },
    ],
  ])('holds nothing: %s', async (_name, open) => {
    expect(codeOf(open)).not.toBe('none');
    expect(await held()).toEqual(NOTHING);
  });
});

it('is closed by work in the background', async () => {
  await inspectInBackground(core);
  expect(await held()).toEqual(NOTHING);
});
