import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { extractHandover } from '../../src/capture/extract.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { openLive } from '../../src/source/live.ts';
import { copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';
import { allBytes } from '../memory/all-bytes.ts';
import { codeOf } from '../thrown.ts';

const file = filesFolder();
const built = buildImage({
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { orders: [0, 1] } },
  ],
});
const START = 0x10_0000n;
const SIZE = 63 << 20;

/** A folder as / is: kcore with RAM, the same text once more as kernel text, and what has no physical address. */
function host(iomem: string): string {
  const root = join(dirname(file('anchor', new Uint8Array())), 'host');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'proc'), { recursive: true });
  const memory = copyMemory(built);
  memory.write(0x3f_0040n, setupDataRecord(built));
  const core = elfCore([
    { start: (1n << 64n) - 1n, bytes: new Uint8Array(4096) },
    { start: START, bytes: memory.read(START, SIZE) },
    { start: 0x100_0000n, bytes: memory.read(0x100_0000n, 8192) },
  ]);
  writeFileSync(join(root, 'proc/kcore'), core);
  writeFileSync(join(root, 'proc/iomem'), iomem);
  return root;
}

const IOMEM = `00000000-00000fff : Reserved
00001000-0009efff : System RAM
00100000-03ffffff : System RAM
  01000000-01ffffff : Kernel code
`;

describe('a live host', () => {
  it('is read page by page, as far as its handover goes', () => {
    const { image } = openLive(host(IOMEM));
    const { values, added, removed } = diffImages(built, image);
    // What folios hold is not fetched from a host that runs.
    expect(values.map(({ path }) => path)).toEqual(['kho_test/contents']);
    expect([...added, ...removed]).toEqual([]);
    expect(inspect(image).problems).toEqual([]);
    const bytes = allBytes(image.memory).reduce((sum, extent) => sum + extent.bytes.length, 0);
    expect(bytes).toBeLessThan(1 << 20);
    expect(image.ram).toEqual([
      { start: 0x1000n, size: 0x9e000n },
      { start: 0x10_0000n, size: 0x3f0_0000n },
    ]);
  });

  it('is captured, with contents when asked', () => {
    const { image } = openLive(host(IOMEM));
    const captured = extractHandover(image, { withContents: true });
    expect(diffImages(built, captured)).toEqual({ values: [], added: [], removed: [] });
  });

  it('is refused when it hides its memory, or has no kcore', () => {
    expect(codeOf(() => openLive(host('00000000-00000000 : System RAM\n')))).toBe('LIVE_UNREADABLE');
    expect(codeOf(() => openLive('/nonexistent'))).toBe('LIVE_UNREADABLE');
  });
});
