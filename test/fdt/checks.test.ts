import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { checkCode, FDT_CHECKS, type FdtCheck } from '../../src/fdt/checks.ts';
import { FdtEditor } from '../../src/fdt/edit.ts';
import { findNode, readFdt } from '../../src/fdt/reader.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { runTool } from '../oracle/tools.ts';

type Write = (writer: FdtSequentialWriter) => void;

/** Calls after the constructor that fail by exactly one check. `finish` is not called for them. */
const SEQUENTIAL: Readonly<Record<FdtCheck, Write>> = {
  'fdt-duplicate-property': inRoot((w) => {
    w.property('a', Buffer.of());
    w.property('a', Buffer.of(1));
  }),
  'fdt-duplicate-node': inRoot((w) => {
    for (const name of ['a', 'a']) {
      w.beginNode(name);
      w.endNode();
    }
  }),
  'fdt-named-root': afterReserveMap((w) => w.beginNode('root')),
  'fdt-second-root': afterReserveMap((w) => {
    for (const name of ['', '']) {
      w.beginNode(name);
      w.endNode();
    }
  }),
  'fdt-property-after-node': inRoot((w) => {
    w.beginNode('a');
    w.endNode();
    w.property('late', Buffer.of());
  }),
  'fdt-property-outside-node': afterReserveMap((w) => w.property('early', Buffer.of())),
  'fdt-end-without-begin': afterReserveMap((w) => w.endNode()),
  'fdt-unclosed-node': inRoot((w) => {
    w.beginNode('a');
    w.finish();
  }),
  'fdt-empty-tree': afterReserveMap((w) => w.finish()),
  'fdt-node-name': inRoot((w) => w.beginNode('a b')),
  'fdt-property-name': inRoot((w) => w.property('a@1', Buffer.of())),
  'fdt-nul-in-string': inRoot((w) => w.propertyString('compatible', 'kho\0-v4')),
  'fdt-empty-reservation': (w) => w.addReservemapEntry(0x1000n, 0n),
};

function afterReserveMap(write: Write): Write {
  return (writer) => {
    writer.finishReservemap();
    write(writer);
  };
}

function inRoot(write: Write): Write {
  return afterReserveMap((writer) => {
    writer.beginNode('');
    write(writer);
  });
}

function errorOf(run: () => void): KhoforgeError {
  try {
    run();
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const CHECKS = Object.keys(FDT_CHECKS).filter((name): name is FdtCheck => Object.hasOwn(FDT_CHECKS, name));

describe('each check of the sequential writer', () => {
  it.each(CHECKS)('%s refuses, says where, and can be allowed alone', (check) => {
    const error = errorOf(() => SEQUENTIAL[check](new FdtSequentialWriter(256, { label: 'root-fdt' })));
    expect(error.code).toBe(checkCode(check));
    expect(error.where.path).toMatch(/^root-fdt/);
    expect(error.hint).toContain(`'${check}'`);
    SEQUENTIAL[check](new FdtSequentialWriter(256, { allow: new Set([check]) }));
  });

  it.each(CHECKS)('%s is not waived by all the others', (check) => {
    const others = new Set(CHECKS.filter((name) => name !== check));
    expect(errorOf(() => SEQUENTIAL[check](new FdtSequentialWriter(256, { allow: others }))).code).toBe(
      checkCode(check),
    );
  });

  it('leaves the buffer as it was before the refused call', () => {
    const writer = new FdtSequentialWriter(256);
    inRoot((w) => w.property('a', Buffer.of(1)))(writer);
    const before = Buffer.from(writer.buffer);
    errorOf(() => writer.property('a', Buffer.of(2)));
    errorOf(() => writer.beginNode('no/slash'));
    errorOf(() => writer.finish());
    expect(writer.buffer.equals(before)).toBe(true);
  });

  it('names the node and the property', () => {
    const writer = new FdtSequentialWriter(256, { label: 'root-fdt' });
    const error = errorOf(() =>
      inRoot((w) => {
        w.beginNode('kho_test');
        w.property('blob-size', Buffer.of());
        w.property('blob-size', Buffer.of());
      })(writer),
    );
    expect(error.message).toBe("node root-fdt/kho_test already has a property 'blob-size'");
    expect(error.where.path).toBe('root-fdt/kho_test');
  });
});

describe('the checks of the editor', () => {
  function edited(...allow: FdtCheck[]): FdtEditor {
    const writer = new FdtSequentialWriter(512);
    inRoot((w) => {
      w.beginNode('kho_test');
      w.endNode();
      w.endNode();
    })(writer);
    writer.finish();
    const editor = new FdtEditor(writer.buffer, { allow: new Set(allow) });
    editor.openInto(512);
    return editor;
  }
  const EDITS: Partial<Record<FdtCheck, (editor: FdtEditor) => void>> = {
    'fdt-duplicate-node': (editor) => editor.addSubnode('/', 'kho_test'),
    'fdt-empty-tree': (editor) => editor.deleteNode('/'),
    'fdt-node-name': (editor) => editor.addSubnode('/', ''),
    'fdt-property-name': (editor) => editor.setProperty('/', '', Buffer.of()),
    'fdt-nul-in-string': (editor) => editor.addSubnode('/', 'a\0b'),
  };

  it.each(Object.entries(EDITS))('%s refuses and can be allowed alone', (name, edit) => {
    const check = CHECKS.find((known) => known === name);
    if (!check) throw new Error(`unknown check ${name}`);
    expect(errorOf(() => edit(edited())).code).toBe(checkCode(check));
    edit(edited(check));
  });

  it('writes an allowed duplicate in front of the first, where paths find it', () => {
    const editor = edited('fdt-duplicate-node');
    editor.addSubnode('/', 'kho_test');
    editor.setProperty('/kho_test', 'newer', Buffer.of());
    const { root } = readFdt(editor.pack());
    expect(root.children.map((node) => [node.name, node.properties.length])).toEqual([
      ['kho_test', 1],
      ['kho_test', 0],
    ]);
  });

  it('takes a node by offset where its name cannot be in a path', () => {
    const editor = edited('fdt-node-name');
    editor.setProperty(editor.addSubnode('/', 'a/b'), 'x', Buffer.of(1));
    const { root } = readFdt(editor.pack());
    expect(root.children[0]?.name).toBe('a/b');
    expect(root.children[0]?.properties[0]?.name).toBe('x');
  });

  it.each([-4, 1, 4, 4096, 2 ** 40])('has no node at offset %d', (offset) => {
    expect(['FDT_NOT_FOUND', 'FDT_INVALID']).toContain(errorOf(() => edited().deleteNode(offset)).code);
  });

  it('treats a name without its unit address as taken, as libfdt does', () => {
    const editor = edited();
    editor.addSubnode('/', 'mem@1');
    expect(errorOf(() => editor.addSubnode('/', 'mem')).code).toBe('FDT_DUPLICATE_NODE');
    expect(findNode(readFdt(editor.pack()).root, '/mem@1')).toBeDefined();
  });
});

describe('what cannot be allowed', () => {
  const everything = { allow: new Set(CHECKS), label: 'root-fdt' };

  it('says how many bytes are needed and available', () => {
    const writer = new FdtSequentialWriter(96, everything);
    const error = errorOf(() => inRoot((w) => w.property('compatible', Buffer.alloc(8)))(writer));
    expect(error.code).toBe('FDT_NO_SPACE');
    // 64 to the structure block, 8 for the node, 12 + 8 for the property, 11 for its name
    expect(error.message).toBe(
      "property 'compatible' does not fit: the tree would need at least 103 bytes, 96 are available",
    );
    expect(errorOf(() => new FdtSequentialWriter(47, everything)).code).toBe('FDT_NO_SPACE');
  });

  it('refuses calls out of their order', () => {
    const writer = new FdtSequentialWriter(256, everything);
    expect(errorOf(() => writer.beginNode('')).message).toBe(
      "node '' does not belong here: the root-fdt is in its reserve map state",
    );
    writer.finishReservemap();
    expect(errorOf(() => writer.addReservemapEntry(1n, 1n)).code).toBe('FDT_BAD_STATE');
    writer.finish();
    expect(errorOf(() => writer.finish()).code).toBe('FDT_BAD_STATE');
  });

  it('refuses a name whose characters are not bytes', () => {
    expect(
      errorOf(() => inRoot((w) => w.beginNode('Ж'))(new FdtSequentialWriter(256, everything))).code,
    ).toBe('FDT_NAME_NOT_BYTES');
  });

  it('refuses to edit a tree that is not finished', () => {
    const writer = new FdtSequentialWriter(256);
    expect(errorOf(() => new FdtEditor(writer.buffer)).message).toContain('writing was not finished');
  });

  it('refuses to open a tree into more than its buffer or less than its size', () => {
    const writer = new FdtSequentialWriter(256);
    inRoot((w) => w.endNode())(writer);
    writer.finish();
    const editor = new FdtEditor(writer.buffer);
    expect(errorOf(() => editor.openInto(257)).code).toBe('FDT_NO_SPACE');
    expect(errorOf(() => editor.openInto(writer.totalSize - 1)).code).toBe('FDT_NO_SPACE');
  });
});

describe('names: our verdict is that of dtc', () => {
  function accepted(kind: 'node' | 'property', name: string): boolean {
    try {
      return write(kind, name, []).length > 0;
    } catch (error) {
      if (error instanceof KhoforgeError && error.code === checkCode(`fdt-${kind}-name`)) return false;
      throw error;
    }
  }

  function write(kind: 'node' | 'property', name: string, allow: FdtCheck[]): Buffer {
    const writer = new FdtSequentialWriter(256, { allow: new Set(allow) });
    inRoot((w) => {
      if (kind === 'property') w.property(name, Buffer.of());
      else {
        w.beginNode(name);
        w.endNode();
      }
      w.endNode();
    })(writer);
    return writer.finish();
  }

  it.each(['node', 'property'] as const)('%s names of one byte, and some of more', (kind) => {
    const names = Array.from({ length: 255 }, (_, index) => `x${String.fromCharCode(index + 1)}`);
    names.push('x@1@2', '@', 'a@', 'a'.repeat(40));
    for (const name of names) {
      const { status, stderr } = runTool('dtc', ['-q', '-I', 'dtb', '-O', 'dtb'], write(kind, name, CHECKS));
      expect({ name, accepted: accepted(kind, name), stderr }).toMatchObject({
        name,
        accepted: status === 0,
      });
    }
  });
});
