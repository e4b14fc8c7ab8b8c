import { hex } from '../base/numbers.ts';
import type { FdtNode, FdtProperty, FdtTree } from './reader.ts';

export interface DtsOptions {
  /** Text of a comment after a property, e.g. `0x200000` for a native-endian address; undefined for none. */
  annotate?: (property: FdtProperty, node: FdtNode, path: string) => string | undefined;
}

/**
 * The tree as DTS text, which dtc compiles back to the same tree: values that read as strings are printed as such,
 * all others byte by byte, because KHO's are native-endian C data rather than big-endian cells.
 *
 * What DTS cannot say is not in the text: boot_cpuid_phys, and that a property came after a child. A name that DTS
 * has no way to write is printed with `%`, e.g. `%2f` for a slash, and dtc refuses to compile it. dtc also drops a
 * property `name` that repeats its node's name (checks.c: name_properties).
 */
export function toDts(tree: FdtTree, options: DtsOptions = {}): string {
  const lines = ['/dts-v1/;', ''];
  for (const { address, size } of tree.reservations) lines.push(`/memreserve/ ${hex(address)} ${hex(size)};`);
  if (tree.reservations.length > 0) lines.push('');
  printNode(tree.root, '', 0, options, lines);
  return `${lines.join('\n')}\n`;
}

/** Recursive, since readFdt() bounds the depth. `path` is that of the node, '' for the root. */
function printNode(node: FdtNode, path: string, depth: number, options: DtsOptions, lines: string[]): void {
  const indent = '\t'.repeat(depth);
  lines.push(`${indent}${depth === 0 ? rootName(node.name) : dtsName(node.name)} {`);
  for (const property of node.properties) {
    const text = options.annotate?.(property, node, path === '' ? '/' : path);
    lines.push(`${indent}\t${printProperty(property)}${text === undefined ? '' : comment(text)}`);
  }
  for (const child of node.children) printNode(child, `${path}/${child.name}`, depth + 1, options, lines);
  lines.push(`${indent}};`);
}

function printProperty({ name, value }: FdtProperty): string {
  if (value.length === 0) return `${dtsName(name)};`;
  return `${dtsName(name)} = ${printStrings(value) ?? printBytes(value)};`;
}

/** NUL-terminated strings of printable ASCII, none empty: the rule of dtc (util.c: util_is_printable_string()). */
function printStrings(value: Uint8Array): string | undefined {
  const strings = Buffer.from(value).toString('latin1').split('\0');
  if (strings.pop() !== '' || !strings.every((string) => /^[\x20-\x7e]+$/.test(string))) return undefined;
  return strings.map((string) => `"${string.replace(/["\\]/g, '\\$&')}"`).join(', ');
}

function printBytes(value: Uint8Array): string {
  return `[${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}]`;
}

/** Bytes that dtc's lexer takes in a name (dtc-lexer.l: PROPNODECHAR) as they are, others so that it takes none. */
function dtsName(name: string): string {
  if (name === '') return '%';
  return name.replace(
    /[^A-Za-z0-9,._+*#?@-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** The root has no name; where a bad tree gives it one, dtc is to refuse it too. */
function rootName(name: string): string {
  return name === '' ? '/' : `/%${dtsName(name)}`;
}

function comment(text: string): string {
  return ` /* ${text.replaceAll('*/', '* /').replace(/[^\x20-\x7e]/g, '?')} */`;
}
