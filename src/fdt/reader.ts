import { type FdtHeader, invalid, PROPERTY_HEADER_SIZE, Tag, viewOf } from './format.ts';
import { checkHeader, type FdtReservation, readReservations } from './header.ts';
import { type FdtToken, type PropertyToken, readToken } from './tokens.ts';

/** One character of a name is one byte, so that any name survives. */
export interface FdtProperty {
  readonly name: string;
  /** A view of the bytes that were read, not a copy. */
  readonly value: Uint8Array;
  /** Where the value is: bytes from the start of the tree. */
  readonly offset: number;
}

export interface FdtNode {
  /** '' for the root, unless the tree is bad: that a root has a name is for the caller to judge. */
  readonly name: string;
  readonly properties: readonly FdtProperty[];
  readonly children: readonly FdtNode[];
  /** Where the node's tag is: bytes from the start of the tree. */
  readonly offset: number;
}

export interface FdtTree {
  readonly header: FdtHeader;
  readonly reservations: readonly FdtReservation[];
  readonly root: FdtNode;
}

/** Levels that Linux unflattens (drivers/of/fdt.c, 7.3: FDT_MAX_DEPTH); KHO itself uses two. */
const MAX_DEPTH = 64;
/**
 * Bytes in the longest property name that is read: Linux shows properties as files, and no file name is longer
 * (include/uapi/linux/limits.h: NAME_MAX). Bounds the work on a string table that all properties point into.
 */
const MAX_NAME_LENGTH = 255;

interface OpenNode extends FdtNode {
  readonly properties: FdtProperty[];
  readonly children: OpenNode[];
}

/**
 * Reads a tree, from hostile bytes too: each offset is bounded before it is used, and the work is bounded by the size.
 * Accepts what fdt_check_full() accepts of version 17, but for a tree without a root, nodes below 64 levels and property
 * names above 255 bytes; and in addition a root with a name. Duplicate names are kept as they come.
 * @param bytes the tree and what may follow it, e.g. the rest of its page
 * @throws KhoforgeError `FDT_INVALID`, with `where.offset` in bytes from the start of the tree
 */
export function readFdt(bytes: Uint8Array): FdtTree {
  const buffer = viewOf(bytes);
  const header = checkHeader(buffer);
  const reservations = readReservations(buffer, header);
  return { header, reservations, root: new StructureReader(buffer, header).read() };
}

/**
 * The node at an absolute path such as `/kho_test`; the first one where names repeat. Names match exactly.
 * @returns undefined when there is none
 */
export function findNode(root: FdtNode, path: string): FdtNode | undefined {
  let node: FdtNode | undefined = root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    node = node?.children.find((child) => child.name === name);
  }
  return node;
}

/** The node's property of that name; the first one where names repeat, as for fdt_getprop(). */
export function getProperty(node: FdtNode, name: string): FdtProperty | undefined {
  return node.properties.find((property) => property.name === name);
}

class StructureReader {
  readonly #buffer: Buffer;
  readonly #header: FdtHeader;
  readonly #open: OpenNode[] = [];
  #root: OpenNode | undefined;

  constructor(buffer: Buffer, header: FdtHeader) {
    this.#buffer = buffer;
    this.#header = header;
  }

  read(): FdtNode {
    const { off_dt_struct: start, size_dt_struct: size } = this.#header;
    const block = { bytes: this.#buffer, start, size };
    for (let offset = 0; ; ) {
      const token = readToken(block, offset);
      if (token.tag === Tag.end) return this.#finish(start + offset);
      this.#take(token, start + offset);
      offset = token.next;
    }
  }

  #take(token: FdtToken, at: number): void {
    if (this.#root && this.#open.length === 0) {
      throw invalid(`tag ${token.tag} follows the end of the root node, expected FDT_END`, at);
    }
    if (token.tag === Tag.beginNode) this.#begin(token.name, at);
    else if (token.tag === Tag.endNode) this.#end(at);
    else if (token.tag === Tag.prop) this.#property(token, at);
  }

  #begin(name: Buffer, offset: number): void {
    if (this.#open.length === MAX_DEPTH) {
      throw invalid(`nodes are nested deeper than ${MAX_DEPTH} levels`, offset, this.#path());
    }
    const node: OpenNode = { name: name.toString('latin1'), properties: [], children: [], offset };
    const parent = this.#open.at(-1);
    if (parent) parent.children.push(node);
    else this.#root = node;
    this.#open.push(node);
  }

  #end(at: number): void {
    if (!this.#open.pop()) throw invalid('a node ends, but none is open', at);
  }

  #property(token: PropertyToken, at: number): void {
    const node = this.#open.at(-1);
    if (!node) throw invalid('a property stands outside every node', at);
    const offset = at + PROPERTY_HEADER_SIZE;
    node.properties.push({ name: this.#string(token.nameoff, at + 8), value: token.value, offset });
  }

  #finish(at: number): FdtNode {
    if (this.#open.length > 0) throw invalid('the tree ends, but a node is still open', at, this.#path());
    if (!this.#root) throw invalid('the tree has no root node', at);
    return this.#root;
  }

  #string(nameoff: number, at: number): string {
    const { off_dt_strings: start, size_dt_strings: size } = this.#header;
    if (nameoff >= size) {
      throw invalid(
        `property nameoff is ${nameoff}, past the strings block of ${size} bytes`,
        at,
        this.#path(),
      );
    }
    const name = this.#buffer.subarray(
      start + nameoff,
      start + Math.min(size, nameoff + MAX_NAME_LENGTH + 1),
    );
    const length = name.indexOf(0);
    if (length >= 0) return name.toString('latin1', 0, length);
    const limit = name.length > MAX_NAME_LENGTH ? `is longer than ${MAX_NAME_LENGTH} bytes` : 'does not end';
    throw invalid(`property name at nameoff ${nameoff} ${limit} within the strings block`, at, this.#path());
  }

  #path(): string {
    return `/${this.#open
      .slice(1)
      .map((node) => node.name)
      .join('/')}`;
  }
}
