import { Tag } from './format.ts';
import { type FdtToken, type PropertyToken, readToken, type StructBlock } from './tokens.ts';

// How libfdt finds its way in a tree that is being edited. `node` is always the token that begins the node; each
// function throws FDT_INVALID, from readToken(), where the structure block cannot be read.

/** The child of that name; one with a unit address also answers to its name without (fdt_ro.c: fdt_nodename_eq_()). */
export function findSubnode(block: StructBlock, node: FdtToken, name: string): FdtToken | undefined {
  let depth = 0;
  for (let token = readToken(block, node.next); ; token = readToken(block, token.next)) {
    if (token.tag === Tag.beginNode && ++depth === 1 && namesMatch(nodeName(block, token.name), name)) {
      return token;
    }
    if (token.tag === Tag.end || (token.tag === Tag.endNode && --depth < 0)) return undefined;
  }
}

/** fdt_get_name(): an old tree has paths, of which the last part counts; one without a slash is no name. */
export function nodeName({ isOld }: StructBlock, name: Buffer): string | undefined {
  const text = name.toString('latin1');
  if (!isOld) return text;
  const slash = text.lastIndexOf('/');
  return slash < 0 ? undefined : text.slice(slash + 1);
}

/** The property of that name before the node's first child: fdt_getprop() does not look further. */
export function findProperty(
  block: StructBlock,
  node: FdtToken,
  strings: Buffer,
  name: string,
): PropertyToken | undefined {
  let token = readToken(block, node.next);
  for (; token.tag === Tag.prop || token.tag === Tag.nop; token = readToken(block, token.next)) {
    if (token.tag === Tag.prop && stringAt(strings, token.nameoff) === name) return token;
  }
  return undefined;
}

/** Offset of what follows the node's properties: a child, or the end of the node. */
export function endOfProperties(block: StructBlock, node: FdtToken): number {
  let token = readToken(block, node.next);
  while (token.tag === Tag.prop || token.tag === Tag.nop) token = readToken(block, token.next);
  return token.offset;
}

/** Offset after the tag that ends the node; undefined when the tree ends first. */
export function endOfNode(block: StructBlock, node: FdtToken): number | undefined {
  let depth = 1;
  for (let token = readToken(block, node.next); token.tag !== Tag.end; token = readToken(block, token.next)) {
    if (token.tag === Tag.beginNode) depth++;
    if (token.tag === Tag.endNode && --depth === 0) return token.next;
  }
  return undefined;
}

function namesMatch(name: string | undefined, wanted: string): boolean {
  if (name === undefined) return false;
  return name === wanted || (!wanted.includes('@') && name.startsWith(`${wanted}@`));
}

function stringAt(strings: Buffer, offset: number): string | undefined {
  const end = strings.indexOf(0, offset);
  return end < 0 ? undefined : strings.toString('latin1', offset, end);
}
