import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '../../src/base/numbers.ts';
import { toDts } from '../../src/fdt/dts.ts';
import { HEADER_FIELDS } from '../../src/fdt/format.ts';
import { type FdtNode, readFdt } from '../../src/fdt/reader.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { asU64Native } from '../../src/fdt/values.ts';
import { runTool, runToolOk } from '../oracle/tools.ts';
import { RUNS, validTree } from './arbitraries.ts';
import { ALL_CHECKS, khoforgeBuffer } from './calls.ts';
import { goldenPage } from './root-fdt-7.3.ts';

// Every test in this file that uses dtc claims semantic equality: the same nodes, properties, values, reserve entries,
// and their order. The bytes differ, since dtc lays a tree out in its own way.

function compile(dts: string): Buffer {
  return runToolOk('dtc', ['-q', '-I', 'dts', '-O', 'dtb'], dts);
}

function decompile(dtb: Uint8Array): string {
  return runToolOk('dtc', ['-q', '-I', 'dtb', '-O', 'dts'], dtb).toString();
}

/** The tree without its layout. */
function contents({ name, properties, children }: FdtNode): unknown {
  return [name, properties.map((property) => [property.name, hexOf(property.value)]), children.map(contents)];
}

function hexOf(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

/** A tree with one property in its root, or one node. */
function writeOne(write: (writer: FdtSequentialWriter) => void, rootName = ''): Buffer {
  const writer = new FdtSequentialWriter(4096, { allow: ALL_CHECKS });
  writer.finishReservemap();
  writer.beginNode(rootName);
  write(writer);
  writer.endNode();
  return writer.finish();
}

function emptyNode(name: string): (writer: FdtSequentialWriter) => void {
  return (writer) => {
    writer.beginNode(name);
    writer.endNode();
  };
}

describe('semantic equality with dtc', () => {
  it('of random trees: dtc reads our bytes and our text as the same tree', () => {
    fc.assert(
      fc.property(validTree, (calls) => {
        const written = khoforgeBuffer(calls);
        expect(decompile(compile(toDts(readFdt(written))))).toBe(decompile(written));
      }),
      { ...RUNS, numRuns: 150 },
    );
  });

  it('of random trees: we read what dtc writes', () => {
    fc.assert(
      fc.property(validTree, (calls) => {
        const ours = readFdt(khoforgeBuffer(calls));
        const theirs = readFdt(compile(decompile(khoforgeBuffer(calls))));
        expect(contents(theirs.root)).toEqual(contents(ours.root));
        expect(theirs.reservations).toEqual(ours.reservations);
      }),
      { ...RUNS, numRuns: 150 },
    );
  });

  it('of values of any bytes, printable or not', () => {
    const printable = fc.stringMatching(/^[ -~]{0,12}$/).map((text) => Buffer.from(`${text}\0`, 'latin1'));
    const value = fc.oneof(
      printable,
      fc.array(printable, { maxLength: 4 }).map((strings) => Buffer.concat(strings)),
      fc.uint8Array({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), (values) => {
        const tree = writeOne((w) => values.forEach((bytes, index) => void w.property(`p${index}`, bytes)));
        const compiled = readFdt(compile(toDts(readFdt(tree)))).root.properties;
        expect(compiled.map((property) => hexOf(property.value))).toEqual(values.map(hexOf));
      }),
      { ...RUNS, numRuns: 100 },
    );
  });

  it('of the header, as fdtdump prints it', () => {
    const page = goldenPage();
    const printed = runToolOk('fdtdump', ['-'], page.subarray(0, 293)).toString();
    const { header } = readFdt(page);
    for (const field of HEADER_FIELDS) {
      const line = new RegExp(`^// ${field}:\\s+(\\w+)`, 'm').exec(printed);
      expect({ field, value: Number(line?.[1]) }).toEqual({ field, value: header[field] });
    }
  });

  it.each([
    ['a node name', writeOne(emptyNode('a/b')), 'a%2fb {'],
    ['a node name from its first byte', writeOne(emptyNode('\\x')), '%5cx {'],
    ['an empty node name', writeOne(emptyNode('')), '% {'],
    ['a property name', writeOne((w) => w.property('a b', Buffer.of())), 'a%20b;'],
    ['the name of the root', writeOne(() => undefined, 'root'), '/%root {'],
  ])('refuses %s that DTS cannot say', (_what, written, text) => {
    const dts = toDts(readFdt(written));
    expect(dts).toContain(text);
    expect(runTool('dtc', ['-q', '-I', 'dts', '-O', 'dtb'], dts)).toMatchObject({ status: 1 });
  });
});

describe('toDts', () => {
  it('prints the root FDT of a 7.3 kernel', () => {
    const annotate = ({ name, value }: { name: string; value: Uint8Array }): string | undefined => {
      const number = name === 'compatible' ? undefined : asU64Native(value, 'little');
      return number === undefined ? undefined : hex(number);
    };
    expect(toDts(readFdt(goldenPage()), { annotate })).toBe(`/dts-v1/;

/ {
	compatible = "kho-v4";
	preserved-memory-map = [00 80 22 00 00 00 00 00]; /* 0x228000 */
	kho_test {
		blob-size = [f0 00 00 00 00 00 00 00]; /* 0xf0 */
		preserved-data = [00 c0 26 00 00 00 00 00]; /* 0x26c000 */
	};
	kexec-metadata {
		blob-size = [49 00 00 00 00 00 00 00]; /* 0x49 */
		preserved-data = [00 f0 22 00 00 00 00 00]; /* 0x22f000 */
	};
};
`);
  });

  it('tells the annotator where it is, and keeps its text inside the comment', () => {
    const tree = writeOne((w) => {
      w.beginNode('a');
      w.property('x', Buffer.of());
      w.endNode();
    });
    const dts = toDts(readFdt(tree), {
      annotate: ({ name }, node, path) => `${path} ${node.name} ${name} */ \n`,
    });
    expect(dts).toContain('x; /* /a a x * / ? */\n');
  });

  it('prints reserve entries', () => {
    const writer = new FdtSequentialWriter(256);
    writer.addReservemapEntry(0xffff_ffff_ffff_f000n, 0x1000n);
    writer.finishReservemap();
    writer.beginNode('');
    writer.endNode();
    expect(toDts(readFdt(writer.finish()))).toBe(
      '/dts-v1/;\n\n/memreserve/ 0xfffffffffffff000 0x1000;\n\n/ {\n};\n',
    );
  });
});
