import { KhoforgeError } from '../base/errors.ts';
import { type Edit, FdtBlocks } from './blocks.ts';
import { type FdtWriterOptions, nameBytes, Refusals } from './checks.ts';
import { alignTag, noSpace, PROPERTY_HEADER_SIZE, TAG_SIZE, Tag, viewOf } from './format.ts';
import { type FdtToken, readToken } from './tokens.ts';
import { endOfNode, endOfProperties, findProperty, findSubnode } from './walk.ts';

/** A node by its path from the root, e.g. `/kho_test`, or by its offset in the structure block. */
export type NodeRef = string | number;

/**
 * Edits a finished tree in its buffer, byte-identical to libfdt's read-write calls (scripts/dtc/libfdt/fdt_rw.c, 7.3),
 * leftovers past the end of the tree included. A subtree is added as the kernel does it (kernel/liveupdate/
 * kexec_handover.c, 7.3: kho_add_subtree()): openInto(page size), addSubnode, setProperty twice, pack.
 *
 * Each call throws KhoforgeError: `FDT_INVALID` for a tree that cannot be walked, `FDT_NO_SPACE` when it is full,
 * `FDT_NOT_FOUND` for an unknown node or property, and the code of an `FdtCheck` for what no valid tree has.
 */
export class FdtEditor {
  /** The bytes given to the constructor: they are edited in place. */
  readonly buffer: Buffer;
  readonly #blocks: FdtBlocks;
  readonly #label: string;
  readonly #refusals: Refusals;

  /** @param buffer a finished tree and the room after it */
  constructor(buffer: Uint8Array, options: FdtWriterOptions = {}) {
    this.buffer = viewOf(buffer);
    this.#blocks = new FdtBlocks(this.buffer);
    this.#label = options.label ?? 'fdt';
    this.#refusals = new Refusals(options.allow);
    this.#blocks.probe();
  }

  /** Bytes in the tree: all that openInto() gave it, or just what is used after pack(). */
  get totalSize(): number {
    return this.#blocks.totalSize;
  }

  /** Lets the tree grow up to `size` bytes of its own buffer: fdt_open_into() with both buffers the same. */
  openInto(size: number): void {
    this.#blocks.probe();
    if (size > this.buffer.length) throw noSpace('the opened tree', size, this.buffer.length, this.#label);
    if (size < this.totalSize) throw noSpace('the tree to open', this.totalSize, size, this.#label);
    this.#blocks.open(size);
  }

  /**
   * Adds an empty node right after the properties of its parent, so the newest child comes first.
   * As for fdt_add_subnode(), a child whose name differs only by its unit address is a duplicate.
   * @returns the node's offset in the structure block, good until the next edit
   */
  addSubnode(parent: NodeRef, name: string): number {
    const edit = this.#edit(`node '${name}'`, parent, name);
    const bytes = nameBytes('node', name, this.#refusals, edit.path);
    const begin = this.#node(parent);
    if (findSubnode(this.#blocks.structure(), begin, bytes.toString('latin1'))) {
      const text = `node ${this.#path(parent)} already has a child '${name}'`;
      this.#refusals.refuse('fdt-duplicate-node', text, edit.path);
    }
    const offset = endOfProperties(this.#blocks.structure(), begin);
    const nameSize = alignTag(bytes.length + 1);
    const from = this.#blocks.spliceStruct(offset, 0, TAG_SIZE + nameSize + TAG_SIZE, edit);
    this.buffer.writeUInt32BE(Tag.beginNode, from);
    this.buffer.fill(0, from + TAG_SIZE, from + TAG_SIZE + nameSize);
    bytes.copy(this.buffer, from + TAG_SIZE);
    this.buffer.writeUInt32BE(Tag.endNode, from + TAG_SIZE + nameSize);
    return offset;
  }

  /** Sets a property in place, or adds it before the node's others. Padding keeps the bytes that were there before. */
  setProperty(node: NodeRef, name: string, value: Uint8Array): void {
    const edit = this.#edit(`property '${name}'`, node);
    const bytes = nameBytes('property', name, this.#refusals, edit.path);
    const from =
      this.#resizeProperty(node, bytes, value.length, edit) ??
      this.#addProperty(node, bytes, value.length, edit);
    this.buffer.writeUInt32BE(value.length, from + 4);
    this.buffer.set(value, from + PROPERTY_HEADER_SIZE);
  }

  /** Removes a property; its name stays in the strings block. */
  deleteProperty(node: NodeRef, name: string): void {
    const edit = this.#edit(`property '${name}'`, node);
    const token = findProperty(this.#blocks.structure(), this.#node(node), this.#blocks.strings(), name);
    if (!token) throw this.#notFound(`${edit.what} of node ${edit.path}`, edit.path);
    this.#blocks.spliceStruct(token.offset, token.next - token.offset, 0, edit);
  }

  /** Removes a node with all below it; the names of its properties stay in the strings block. */
  deleteNode(node: NodeRef): void {
    const edit = this.#edit('the node', node);
    const begin = this.#node(node);
    if (begin.offset === 0)
      this.#refusals.refuse('fdt-empty-tree', 'the root node cannot be deleted', edit.path);
    const end = endOfNode(this.#blocks.structure(), begin);
    if (end === undefined) throw this.#notFound('the end of the node', edit.path);
    this.#blocks.spliceStruct(begin.offset, end - begin.offset, 0, edit);
  }

  /**
   * Closes the gaps: reserve map at 40, structure and strings directly after (fdt_rw.c: fdt_packblocks_()).
   * @returns the packed tree, a view of `buffer`
   */
  pack(): Buffer {
    this.#blocks.pack();
    return this.buffer.subarray(0, this.totalSize);
  }

  /** @returns where the property starts in the buffer; undefined when the node does not have it */
  #resizeProperty(node: NodeRef, name: Buffer, length: number, edit: Edit): number | undefined {
    const structure = this.#blocks.structure();
    const token = findProperty(structure, this.#node(node), this.#blocks.strings(), name.toString('latin1'));
    if (!token) return undefined;
    const valueOffset = token.offset + PROPERTY_HEADER_SIZE;
    this.#blocks.spliceStruct(valueOffset, alignTag(token.value.length), alignTag(length), edit);
    return structure.start + token.offset;
  }

  #addProperty(node: NodeRef, name: Buffer, length: number, edit: Edit): number {
    return this.#blocks.orDropString(() => {
      const nameoff = this.#blocks.findOrAddString(name, edit);
      const size = PROPERTY_HEADER_SIZE + alignTag(length);
      const from = this.#blocks.spliceStruct(this.#node(node).next, 0, size, edit);
      this.buffer.writeUInt32BE(Tag.prop, from);
      this.buffer.writeUInt32BE(nameoff, from + 8);
      return from;
    });
  }

  #edit(what: string, node: NodeRef, child?: string): Edit {
    this.#blocks.probe();
    return { what, path: this.#path(node, child) };
  }

  #node(ref: NodeRef): FdtToken {
    const path = this.#path(ref);
    const block = this.#blocks.structure();
    const start = typeof ref === 'number' ? ref : 0;
    let node = start >= 0 && start % TAG_SIZE === 0 ? readToken(block, start) : undefined;
    if (node?.tag !== Tag.beginNode) throw this.#notFound(`a node at offset ${start}`, path);
    if (typeof ref === 'number') return node;
    if (!ref.startsWith('/')) throw this.#notFound(`path '${ref}', which does not start with '/'`, path);
    for (const name of ref.split('/').filter((part) => part !== '')) {
      const child = findSubnode(block, node, name);
      if (!child) throw this.#notFound(`node '${name}' of path ${ref}`, path);
      node = child;
    }
    return node;
  }

  #path(ref: NodeRef, child?: string): string {
    const path = typeof ref === 'string' ? ref : ref === 0 ? '/' : `/<node at ${ref}>`;
    return `${this.#label}${child === undefined ? path : `${path.replace(/\/$/, '')}/${child}`}`;
  }

  #notFound(what: string, path: string): KhoforgeError {
    return new KhoforgeError('FDT_NOT_FOUND', `${this.#label} does not have ${what}`, { where: { path } });
  }
}
