import { FdtEditor } from '../../src/fdt/edit.ts';
import { type FdtNode, findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { cString, u64Native } from '../../src/fdt/values.ts';

/*
 * The FDTs of a producing kernel, written call by call as its code does. Each function returns the whole buffer, with
 * what the writer leaves behind the tree.
 */

export interface Subtree {
  readonly name: string;
  readonly phys: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** kho_out_fdt_setup(), then kho_add_subtree() for each (kernel/liveupdate/kexec_handover.c, 7.3). */
export function rootFdtPage(pageSize: number, memoryMap: bigint, added: readonly Subtree[]): Buffer {
  const fdt = new FdtSequentialWriter(pageSize);
  fdt.finishReservemap();
  fdt.beginNode('');
  fdt.property('compatible', cString('kho-v4'));
  fdt.property('preserved-memory-map', u64Native(memoryMap, 'little'));
  fdt.endNode();
  fdt.finish();
  const editor = new FdtEditor(fdt.buffer);
  for (const { name, phys, size } of added) {
    editor.openInto(pageSize);
    const node = editor.addSubnode('/', name);
    editor.setProperty(node, 'preserved-data', u64Native(phys, 'little'));
    editor.setProperty(node, 'blob-size', u64Native(size, 'little'));
    editor.pack();
  }
  return editor.buffer;
}

/** kho_test_prepare_fdt() (lib/test_kho.c, 7.3) with the values of a finished tree. @param size bytes of its buffer */
export function testFdtBuffer(finished: Uint8Array, size: number): Buffer {
  const { root } = readFdt(finished);
  const fdt = new FdtSequentialWriter(size);
  const copy = (node: FdtNode | undefined, ...names: string[]) => {
    for (const name of names) fdt.property(name, (node && getProperty(node, name)?.value) ?? Buffer.of());
  };
  fdt.finishReservemap();
  fdt.beginNode('');
  copy(root, 'compatible', 'magic');
  fdt.beginNode('data');
  copy(findNode(root, '/data'), 'nr_folios', 'folios_info', 'csum');
  fdt.endNode();
  fdt.endNode();
  fdt.finish();
  return fdt.buffer;
}

/** A region of `reserve_mem=`. */
export interface ReservedMemory {
  readonly name: string;
  /** Bytes. */
  readonly size: bigint;
}

/** prepare_kho_fdt() (mm/memblock.c, 7.3). */
export function memblockFdt(
  pageSize: number,
  regions: readonly (ReservedMemory & { addr: bigint })[],
): Buffer<ArrayBuffer> {
  const fdt = new FdtSequentialWriter(pageSize);
  fdt.finishReservemap();
  fdt.beginNode('');
  fdt.property('compatible', cString('memblock-v1'));
  for (const { name, size, addr } of regions) {
    fdt.beginNode(name);
    fdt.property('compatible', cString('reserve-mem-v1'));
    fdt.property('start', u64Native(addr, 'little'));
    fdt.property('size', u64Native(size, 'little'));
    fdt.endNode();
  }
  fdt.endNode();
  fdt.finish();
  return Buffer.from(fdt.buffer);
}
