import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { setField } from '../../src/fdt/format.ts';
import { type FdtNode, findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { LibfdtOracle, oracleHex } from '../oracle/libfdt.ts';
import { nestedTree, RUNS, validTree } from './arbitraries.ts';
import { ALL_CHECKS, khoforgeBuffer } from './calls.ts';
import { goldenPage } from './root-fdt-7.3.ts';

const GOLDEN = goldenPage();
const TREE = GOLDEN.subarray(0, 293);

/** The error that reading the bytes ends with; anything but a KhoforgeError is thrown on. */
function readError(bytes: Uint8Array): KhoforgeError | undefined {
  try {
    readFdt(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
}

/** The golden tree with one header field or word changed. */
function withWord(offset: number, value: number): Buffer {
  const bytes = Buffer.from(TREE);
  bytes.writeUInt32BE(value, offset);
  return bytes;
}

describe('readFdt', () => {
  it('reads back the calls that wrote a tree, from its bytes and from its page', () => {
    fc.assert(
      fc.property(nestedTree, (calls) => {
        const buffer = khoforgeBuffer(calls);
        const { root, reservations } = readFdt(buffer);
        const written = calls.filter(
          ([name]) => name === 'begin_node' || name === 'property' || name === 'end_node',
        );
        expect(callsOf(root)).toEqual(written);
        const reserved = calls.flatMap((call) =>
          call[0] === 'reserve' ? [{ address: call[1], size: call[2] }] : [],
        );
        expect(reservations).toEqual(reserved);
        expect(readFdt(Buffer.concat([buffer, Buffer.alloc(100, 0xff)])).root).toEqual(root);
      }),
      RUNS,
    );
  });

  function callsOf(node: FdtNode): unknown[] {
    const properties = node.properties.map(({ name, value }) => ['property', name, new Uint8Array(value)]);
    return [['begin_node', node.name], ...properties, ...node.children.flatMap(callsOf), ['end_node']];
  }

  it('gives the offset of each value', () => {
    const { root } = readFdt(GOLDEN);
    for (const { offset, value } of [root, ...root.children].flatMap((node) => node.properties)) {
      expect(Buffer.from(value).equals(GOLDEN.subarray(offset, offset + value.length))).toBe(true);
    }
  });

  it('reads a view into a larger buffer', () => {
    const larger = Buffer.concat([Buffer.alloc(7, 0xff), TREE]);
    expect(readFdt(new Uint8Array(larger.buffer, larger.byteOffset + 7, 293))).toEqual(readFdt(TREE));
  });

  it('skips NOP tags', () => {
    const bytes = Buffer.from(TREE);
    for (let offset = 0xa4; offset < 0xe4; offset += 4) bytes.writeUInt32BE(4, offset);
    expect(readFdt(bytes).root.children.map((node) => node.name)).toEqual(['kho_test']);
  });

  it('finds nodes and properties by name, the first of several', () => {
    const { root } = readFdt(GOLDEN);
    expect(findNode(root, '/')).toBe(root);
    expect(findNode(root, '/kexec-metadata')).toBe(root.children[1]);
    expect(findNode(root, '/kexec-metadata/below')).toBeUndefined();
    expect(findNode(root, '/kexec')).toBeUndefined();
    expect(getProperty(root, 'compatible')).toBe(root.properties[0]);
    expect(getProperty(root, 'blob-size')).toBeUndefined();
  });
});

describe('readFdt says what is wrong and where', () => {
  it.each([
    [0, 0xd00dfeee, 0, 'FDT header: magic is 0xd00dfeee, expected 0xd00dfeed'],
    [0, 0x2ff20112, 0, 'FDT header: magic is 0x2ff20112: a tree whose writing was not finished'],
    [4, 294, 4, 'FDT header: totalsize is 294, expected 40 to 293, the bytes that are there'],
    [4, 39, 4, 'FDT header: totalsize is 39, expected 40 to 293, the bytes that are there'],
    [
      8,
      0xffffffff,
      8,
      'FDT header: off_dt_struct is 4294967295 and its block ends at 4294967475, expected 40 to totalsize 293',
    ],
    [8, 36, 8, 'FDT header: off_dt_struct is 36 and its block ends at 216, expected 40 to totalsize 293'],
    [
      12,
      237,
      12,
      'FDT header: off_dt_strings is 237 and its block ends at 294, expected 40 to totalsize 293',
    ],
    [16, 294, 16, 'FDT header: off_mem_rsvmap is 294, expected 40 to totalsize 293'],
    [16, 280, 280, 'reserve map has no entry of size 0 within totalsize 293'],
    [20, 16, 20, 'FDT header: version is 16, expected 17 or later'],
    [24, 18, 24, 'FDT header: last_comp_version is 18, readers know versions up to 17'],
    [36, 176, 0xe8, 'structure block of 176 bytes ends without an FDT_END tag'],
    [0x38, 2, 0x38, 'a node ends, but none is open'],
    [0x38, 3, 0x38, 'a property stands outside every node'],
    [0x40, 5, 0x40, 'tag 0x5 is none of 1, 2, 3, 4, 9'],
    [0x44, 0x80000000, 0x44, 'property len is 2147483648, 160 bytes are left in the structure block'],
    [0xd0, 21, 0xd0, 'property len is 21, 20 bytes are left in the structure block'],
    [0xd0, 20, 0xec, 'structure block of 180 bytes ends without an FDT_END tag'],
    [0x48, 57, 0x48, 'property nameoff is 57, past the strings block of 57 bytes'],
    [0xa0, 9, 0xa0, 'the tree ends, but a node is still open'],
    [0xe0, 4, 0xe8, 'the tree ends, but a node is still open'],
    [0xe8, 2, 0xe8, 'tag 2 follows the end of the root node, expected FDT_END'],
    [0xe8, 1, 0xec, 'node name does not end within the structure block'],
    [32, 56, 0x80, 'property name at nameoff 47 does not end within the strings block'],
  ])('word at %d set to %d', (at, value, offset, message) => {
    const error = readError(withWord(at, value));
    expect(error?.code).toBe('FDT_INVALID');
    expect(error?.message).toBe(message);
    expect(error?.where.offset).toBe(offset);
  });

  it('names the node that is open', () => {
    expect(readError(withWord(0x80, 57))?.where.path).toBe('/kho_test');
  });

  it('refuses a tree without a root', () => {
    const writer = new FdtSequentialWriter(128, { allow: ALL_CHECKS });
    writer.finishReservemap();
    expect(readError(writer.finish())?.message).toBe('the tree has no root node');
  });

  it('refuses what is nested deeper than Linux unflattens', () => {
    const nested = (levels: number): Buffer => {
      const writer = new FdtSequentialWriter(4096, { allow: ALL_CHECKS });
      writer.finishReservemap();
      for (let level = 0; level < levels; level++) writer.beginNode(level === 0 ? '' : 'n');
      for (let level = 0; level < levels; level++) writer.endNode();
      return writer.finish();
    };
    expect(readError(nested(64))).toBeUndefined();
    expect(readError(nested(65))?.message).toBe('nodes are nested deeper than 64 levels');
  });

  it('bounds the work on long names that many properties share', () => {
    const table = Buffer.alloc(1 << 20, 'n');
    table.writeUInt8(0, table.length - 1);
    expect(readError(manyProperties(table, 100_000))?.message).toBe(
      'property name at nameoff 0 is longer than 255 bytes within the strings block',
    );
  });

  /** `count` empty properties, each with a name that starts one byte later in the table. */
  function manyProperties(strings: Buffer, count: number): Buffer {
    const words = [1, 0];
    for (let index = 0; index < count; index++) words.push(3, 0, index);
    words.push(2, 9);
    const structure = Buffer.alloc(words.length * 4);
    for (const [index, word] of words.entries()) structure.writeUInt32BE(word, index * 4);
    const header = Buffer.from(TREE.subarray(0, 56));
    const bytes = Buffer.concat([header, structure, strings]);
    setField(bytes, 'totalsize', bytes.length);
    setField(bytes, 'size_dt_struct', structure.length);
    setField(bytes, 'off_dt_strings', 56 + structure.length);
    setField(bytes, 'size_dt_strings', strings.length);
    return bytes;
  }
});

describe('readFdt on hostile bytes returns or throws KhoforgeError', () => {
  it('truncated at each byte, with and without a totalsize to match', () => {
    for (let length = 0; length < TREE.length; length++) {
      const cut = Buffer.from(TREE.subarray(0, length));
      expect(readError(cut)?.code).toBe('FDT_INVALID');
      if (length < 40) continue;
      setField(cut, 'totalsize', length);
      expect(readError(cut)?.code).toBe('FDT_INVALID');
    }
  });

  it('with each byte set to each of some values', () => {
    for (let offset = 0; offset < TREE.length; offset++) {
      for (const byte of [0, 1, 2, 3, 4, 9, 0x28, 0x7f, 0x80, 0xff]) {
        const bytes = Buffer.from(TREE);
        bytes[offset] = byte;
        const error = readError(bytes);
        if (error) expect(error.code).toBe('FDT_INVALID');
      }
    }
  });
});

describe('readFdt accepts what fdt_check_full() of libfdt accepts', () => {
  let oracle: LibfdtOracle;
  beforeAll(async () => {
    oracle = await LibfdtOracle.start();
  });
  afterAll(() => oracle?.stop());

  const mutation = fc.record({
    word: fc.nat(),
    value: fc.oneof(fc.nat(12), fc.nat(400), fc.constant(0xffffffff)),
  });
  const mutated = fc
    .tuple(fc.oneof(validTree, nestedTree), fc.array(mutation, { minLength: 0, maxLength: 3 }))
    .map(([calls, mutations]) => {
      const bytes = Buffer.from(khoforgeBuffer(calls));
      for (const { word, value } of mutations) bytes.writeUInt32BE(value, (word % (bytes.length >> 2)) * 4);
      return bytes;
    });

  it('on trees with a few words changed', async () => {
    const seen = { both: 0, neither: 0 };
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        const error = readError(bytes);
        if (isOurOwnRule(bytes, error)) return;
        const [, checked] = await oracle.ask([`load ${oracleHex(bytes)}`, 'check']);
        const libfdt = checked === '0';
        expect({ accepted: error === undefined, message: error?.message }).toMatchObject({
          accepted: libfdt,
        });
        seen[libfdt ? 'both' : 'neither']++;
      }),
      { ...RUNS, numRuns: 3000 },
    );
    expect(seen.both).toBeGreaterThan(500);
    expect(seen.neither).toBeGreaterThan(500);
  });

  /**
   * Where we differ on purpose, so libfdt is not asked: we read a named root, but neither trees without a single root
   * nor versions before 17, some of which crash fdt_check_full() of libfdt 1.6.1. To us, as to the kernel's copy, a
   * property len of -1 is too long; 1.6.1 adds it up to a smaller offset.
   */
  function isOurOwnRule(bytes: Buffer, error: KhoforgeError | undefined): boolean {
    if (!error) return readFdt(bytes).root.name !== '';
    return /version is|no root node|stands outside every node|property len is 4294967295/.test(error.message);
  }
});
