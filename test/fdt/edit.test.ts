import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { FdtEditor } from '../../src/fdt/edit.ts';
import { setField } from '../../src/fdt/format.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { RUNS } from './arbitraries.ts';
import { goldenPage } from './root-fdt-7.3.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (error instanceof KhoforgeError) return error.code;
    throw error;
  }
}

describe('FdtEditor', () => {
  it('edits the bytes that it is given, in place, and returns the packed tree', () => {
    const page = goldenPage();
    const editor = new FdtEditor(page);
    editor.openInto(4096);
    expect(editor.totalSize).toBe(4096);
    editor.deleteNode('/kho_test');
    const tree = editor.pack();
    expect(tree.length).toBe(293 - 60);
    expect(editor.totalSize).toBe(tree.length);
    expect(page.subarray(0, tree.length).equals(tree)).toBe(true);
    expect(editor.buffer.equals(page)).toBe(true);
  });

  it.each([
    [
      'a path without a slash',
      (e: FdtEditor) => e.addSubnode('kho_test', 'x'),
      "path 'kho_test', which does not start",
    ],
    ['an unknown node', (e: FdtEditor) => e.deleteNode('/kho_test/x'), "node 'x' of path /kho_test/x"],
    [
      'an unknown property',
      (e: FdtEditor) => e.deleteProperty('/', 'fdt'),
      "property 'fdt' of node root-fdt/",
    ],
    ['an offset that is no node', (e: FdtEditor) => e.deleteNode(8), 'a node at offset 8'],
  ])('says that it does not have %s', (_what, edit, text) => {
    const editor = new FdtEditor(goldenPage(), { label: 'root-fdt' });
    expect(() => edit(editor)).toThrow(`root-fdt does not have ${text}`);
    expect(codeOf(() => edit(editor))).toBe('FDT_NOT_FOUND');
  });

  it('says how many bytes are needed and available', () => {
    const editor = new FdtEditor(goldenPage());
    editor.openInto(300);
    expect(() => editor.addSubnode('/', 'LUO')).toThrow(
      "node 'LUO' does not fit: the tree would need at least 305 bytes, 300 are available",
    );
  });
});

describe('FdtEditor on hostile bytes', () => {
  it.each([
    ['off_mem_rsvmap', 48, 'off_dt_struct is 56, but the reserve map ends at 64'],
    ['off_dt_strings', 232, 'off_dt_strings is 232, but the structure block ends at 236'],
  ] as const)('refuses blocks out of order: %s %d', (field, value, text) => {
    const page = goldenPage();
    page.fill(0, 48, 64);
    setField(page, field, value);
    expect(() => new FdtEditor(page)).toThrow(text);
  });

  it('refuses a property whose padding lies past the strings block', () => {
    const writer = new FdtSequentialWriter(128, { allow: new Set(['fdt-property-name']) });
    writer.finishReservemap();
    writer.beginNode('');
    writer.property('', Buffer.of(1));
    writer.endNode();
    writer.finish();
    setField(writer.buffer, 'size_dt_struct', 21);
    setField(writer.buffer, 'off_dt_strings', 64 + 21);
    expect(() => new FdtEditor(writer.buffer).deleteProperty('/', '')).toThrow('ends past the strings block');
  });

  it('returns or throws KhoforgeError', () => {
    const mutation = fc.record({
      word: fc.nat(72),
      value: fc.oneof(fc.nat(12), fc.nat(5000), fc.constant(0xffffffff)),
    });
    fc.assert(
      fc.property(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 293, max: 600 }),
        (changes, size) => {
          const page = goldenPage();
          for (const { word, value } of changes) page.writeUInt32BE(value, word * 4);
          for (const edit of EDITS) {
            const code = codeOf(() => edit(new FdtEditor(Buffer.from(page)), size));
            expect(['ok', 'FDT_INVALID', 'FDT_NO_SPACE', 'FDT_NOT_FOUND', 'FDT_DUPLICATE_NODE']).toContain(
              code,
            );
          }
        },
      ),
      RUNS,
    );
  });

  const EDITS: ((editor: FdtEditor, size: number) => void)[] = [
    (editor, size) => {
      editor.openInto(size);
      editor.setProperty(editor.addSubnode('/', 'LUO'), 'blob-size', Buffer.alloc(8));
      editor.pack();
    },
    (editor) => editor.deleteNode('/kexec-metadata'),
    (editor) => editor.deleteProperty('/kho_test', 'blob-size'),
    (editor) => editor.setProperty('/kho_test', 'blob-size', Buffer.alloc(1)),
    (editor) => editor.setProperty('/', 'map', Buffer.alloc(1)),
    (editor) => editor.deleteNode('/kho_test/below'),
  ];
});
