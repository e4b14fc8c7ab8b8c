import { truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonValue } from '../../src/base/json.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { openSource } from '../../src/source/open.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';
import { codeOf } from '../thrown.ts';

// The rows of SECURITY.md that bounded.test.ts has not: each input is one that would take minutes, or all memory,
// without its budget.
const file = filesFolder();

/** Seconds of processor time that something takes. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const codesIn = (path: string): string[] => {
  using opened = openSource(path);
  return opened.notes.map(({ code }) => code);
};

const PAGE = 4096n;
const metadata = { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } };

describe('an ELF file', () => {
  const built = buildImage({ subtrees: [metadata] });

  it('has no more than 2^20 program headers', () => {
    const bytes = elfCore(asLoads(copyMemory(built)), { extended: true });
    bytes.writeUInt32LE(2 ** 20 + 1, Number(bytes.readBigUInt64LE(40)) + 44);
    expect(() => openSource(file('headers.core', bytes))).toThrow('1048577 program headers: at most 1048576');
  });

  it.each([
    ['more notes than any machine', Buffer.alloc(12 * (2 ** 17 + 1))],
    ['notes of more bytes than are read', noteHeads(64 << 20)],
  ])('may have %s, and says where the reading ended', (_name, notes) => {
    const loads = asLoads(copyMemory(built));
    const bytes = elfCore(loads, { vmcoreinfo: '' });
    const [table, end] = [64, bytes.length];
    bytes.writeBigUInt64LE(BigInt(end), table + 8);
    bytes.writeBigUInt64LE(BigInt(notes.length), table + 32);
    const path = file('notes.core', Buffer.concat([bytes, notes]));
    expect(secondsOf(() => expect(codesIn(path)).toContain('NOTES_TRUNCATED'))).toBeLessThan(5);
  });
});

describe('an ELF core whose segments share their bytes', () => {
  const built = buildImage({ subtrees: [metadata] });
  const bytes = built.memory.read(0x20_0000n, 2 << 20);
  const header = (start: bigint, offset: number, size: number) => ({
    start,
    bytes: new Uint8Array(),
    offset: BigInt(offset),
    size: BigInt(size),
  });

  /** @param segments of a file that ends with `bytes` at `at` */
  function shared(
    name: string,
    count: number,
    segment: (i: number, at: number) => ReturnType<typeof header>,
  ) {
    const at = 64 + 56 * count + 8;
    const headers = Array.from({ length: count }, (_, i) => segment(i, at));
    return file(name, Buffer.concat([elfCore(headers), bytes]));
  }

  it('has each byte looked at once, of whatever many places it is told', () => {
    const path = shared('shared.core', 20_000, (i, at) =>
      header(0x20_0000n + BigInt(i) * 0x20_0000n, at, bytes.length),
    );
    expect(secondsOf(() => expect(openSource(path).candidates).toHaveLength(1))).toBeLessThan(3);
  });

  it('has the address of each byte, where a short segment begins in a long one', () => {
    const path = shared('short.core', 2, (i, at) =>
      i === 0 ? header(0x20_0000n, at, bytes.length) : header(0x4000_0000n, at, 512),
    );
    expect(openSource(path).candidates.map(({ phys }) => phys)).toEqual([0x20_0000n]);
  });
});

/** Notes whose heads are 128 KiB apart: of each a piece is read. */
function noteHeads(size: number): Buffer {
  const [step, notes] = [128 << 10, Buffer.alloc(size * 3)];
  for (let at = 0; at + step <= notes.length; at += step) notes.writeUInt32LE(step - 12, at + 4);
  return notes;
}

describe('what looks like a handover', () => {
  /** A core with the root FDT of an image more than once. */
  function withCopies(image: Image, copies: number): string {
    const memory = copyMemory(image);
    const fdt = memory.read(image.bootRecord.fdtAddr, Number(PAGE));
    for (let i = 0n; i < copies; i++) memory.write(0x200_0000_0000n + i * PAGE, fdt);
    return file(`copies-${copies}.core`, elfCore(asLoads(memory)));
  }

  it('is looked at 256 times, and says so', () => {
    const image = buildImage({ subtrees: [metadata] });
    expect(codesIn(withCopies(image, 255))).not.toContain('SCAN_TRUNCATED');
    const path = withCopies(image, 256);
    expect(codesIn(path)).toContain('SCAN_TRUNCATED');
    using opened = openSource(path);
    expect(opened.candidates.length).toBe(256);
  });

  it('may lead to one large map 256 times, which is read as often as there is a budget for', () => {
    const image = buildImage({ ram: '3TiB', preserve: [{ name: 'much', order: 0, count: 2 ** 28 }] });
    const path = withCopies(image, 200);
    expect(secondsOf(() => expect(codesIn(path)).toContain('SCAN_TRUNCATED'))).toBeLessThan(2);
  });

  it('has 16 boot records that lead to one root FDT, and says so', () => {
    const image = buildImage({ subtrees: [metadata] });
    const told = setupDataRecord(image);
    // Its scratch array would be where no scratch region is.
    const lie = Buffer.from(told);
    lie.writeBigUInt64LE(0x5000n, 16 + 16);
    const after = (lies: number): string => {
      const memory = copyMemory(image);
      const records = Buffer.concat([...Array.from({ length: lies }, () => lie), told]);
      memory.write(0x3f_0000n, records);
      return file(`records-${lies}.core`, elfCore(asLoads(memory)));
    };
    using read = openSource(after(15));
    expect(read.image.scratch).toEqual(image.scratch);
    expect(read.image.bootRecord).toEqual(image.bootRecord);
    expect(codesIn(after(15))).not.toContain('SCAN_TRUNCATED');
    using cut = openSource(after(16));
    expect(cut.image.scratch).toEqual([]);
    expect(cut.notes.filter(({ code }) => code === 'SCAN_TRUNCATED').map(({ text }) => text)).toEqual([
      '17 boot records lead to the root FDT: of the first 16 the scratch array was looked for, and not found',
    ]);
  });

  it('has 2^14 boot records of one root FDT and as many scratch arrays', () => {
    const image = buildImage({ subtrees: [metadata] });
    const lie = Buffer.alloc(64, setupDataRecord(image));
    lie.writeBigUInt64LE(0x5000n, 16 + 16);
    const array = image.memory.read(image.bootRecord.scratchAddr, Number(PAGE));
    const more = [Buffer.alloc(64 << 14, lie), Buffer.alloc(Number(PAGE) << 14, array)];
    const loads = more.map((bytes, i) => ({ start: 0x200_0000_0000n + (BigInt(i) << 32n), bytes }));
    const path = file('records.core', elfCore([...asLoads(copyMemory(image)), ...loads]));
    expect(secondsOf(() => expect(codesIn(path)).toContain('SCAN_TRUNCATED'))).toBeLessThan(10);
  });

  it('has 2^14 scratch arrays, and says so', () => {
    const image = buildImage({ subtrees: [metadata] });
    const array = image.memory.read(image.bootRecord.scratchAddr, Number(PAGE));
    const arrays = Buffer.alloc(Number(PAGE) * (2 ** 14 + 1), array);
    const loads = [...asLoads(copyMemory(image)), { start: 0x200_0000_0000n, bytes: arrays }];
    const path = file('arrays.core', elfCore(loads));
    expect(secondsOf(() => expect(codesIn(path)).toContain('SCAN_TRUNCATED'))).toBeLessThan(5);
  });
});

/** Seconds that everything takes that reads an image, and what inspect says of it. */
function readAll(image: Image): { seconds: number; inspection: ReturnType<typeof inspect> } {
  let inspection: ReturnType<typeof inspect> | undefined;
  const seconds = secondsOf(() => {
    verifyImage(image);
    inspection = inspect(image);
  });
  if (inspection === undefined) throw new Error('nothing was read');
  return { seconds, inspection };
}

describe('an image', () => {
  const luo = { luo: { sessions: sessionsOf(8) } };
  const memfd = 'LUO/sessions[0]/files[0]/memfd';

  function sessionsOf(count: number) {
    return Array.from({ length: count }, (_, i) => ({
      name: `s${i}`,
      files: Array.from({ length: 100 }, (_, token) => ({ token, memfd: { content: { text: 'a' } } })),
    }));
  }

  it('has blobs of which 16 MiB are read, whatever their size says', () => {
    const raw = { raw: { name: 'mine', content: { text: 'anything' } } };
    const image = buildImage({
      subtrees: [raw, luo],
      override: { 'root-fdt/mine/blob-size': '0x4000000000000000', 'root-fdt/LUO/blob-size': 2 ** 50 },
    });
    const before = process.memoryUsage().rss;
    expect(readAll(image).seconds).toBeLessThan(5);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  });

  it('has each list of LUO read once, however often it is linked', () => {
    const place = { 'LUO/sessions[0]/files/blocks[0]': 0x800_0000n };
    const shared = Array.from({ length: 7 }, (_, i) => [
      `LUO/sessions[${i + 1}]/file_set_ser.files`,
      0x800_0000n,
    ]);
    const image = buildImage({ subtrees: [luo], place, override: Object.fromEntries(shared) });
    const { seconds, inspection } = readAll(image);
    expect(seconds).toBeLessThan(5);
    const text = JSON.stringify(inspection.subtrees[0]?.decoded, jsonValue);
    expect(text.match(/"token":/g)?.length).toBe(100);
  });

  it('has lists of folios that go as far as their pages', () => {
    const image = buildImage({
      subtrees: [luo],
      override: { [`${memfd}/nr_folios`]: 2 ** 40, [`${memfd}/folios.total_pages`]: 2 ** 32 - 1 },
    });
    const { seconds, inspection } = readAll(image);
    expect(seconds).toBeLessThan(5);
    expect(inspection.problems.join()).toMatch(/LUO/);
  });

  it('has 1 GiB of file contents hashed', () => {
    const files = [1, 2, 3].map((token) => ({ token, memfd: { size: '400MiB', content: { text: 'a' } } }));
    const image = buildImage({ subtrees: [{ luo: { sessions: [{ name: 'a', files }] } }] });
    const text = JSON.stringify(readAll(image).inspection.subtrees[0]?.decoded, jsonValue);
    expect(text.match(/"sha256":("|null)/g)).toEqual(['"sha256":"', '"sha256":"', '"sha256":null']);
  });
});

it('a spec has up to 64 MiB: what is longer is not read', () => {
  const path = file('long.yaml', Buffer.alloc(0));
  truncateSync(path, 2 ** 40);
  expect(secondsOf(() => expect(codeOf(() => loadSpec(path))).toBe('FILE_TOO_LARGE'))).toBeLessThan(0.5);
});
