import { makeTarget, type Target, type TargetOptions } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignUp } from '../base/numbers.ts';
import { getField, HEADER_SIZE, RESERVE_ENTRY_SIZE, Tag, viewOf } from '../fdt/format.ts';
import { getProperty, readFdt } from '../fdt/reader.ts';
import { FdtSequentialWriter } from '../fdt/sequential.ts';
import { type FdtToken, readToken } from '../fdt/tokens.ts';
import { asCString } from '../fdt/values.ts';
import type { SourceNote } from '../formats/dump.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Image } from '../model/image.ts';
import { kernelsWith } from './candidates.ts';

/**
 * The string table of every root FDT that a kernel packed (1.3.6 of docs/kho-facts.md): what a file that was cut short lost.
 * kho-v1 has its own property for a blob.
 */
const STRINGS = [
  'preserved-memory-map\0compatible\0preserved-data\0blob-size\0',
  'preserved-memory-map\0compatible\0fdt\0',
];

/**
 * An image that is a root FDT and nothing else, e.g. from debugfs `kho/in/fdt`. Its own address is not known: 0.
 * debugfs `kho/out/fdt` is cut short from 6.19 on (6.7 of docs/kho-facts.md): what is left of its nodes is read then.
 * @throws KhoforgeError `FDT_INVALID`
 */
export function readFdtAlone(
  bytes: Uint8Array,
  { own, ...options }: Omit<TargetOptions, 'generation' | 'release'> & { own?: Target } = {},
): { image: Image; notes: SourceNote[] } {
  const notes: SourceNote[] = [
    { code: 'FDT_ALONE', text: 'a root FDT alone: its address, scratch and all memory are unknown' },
  ];
  const total = bytes.length >= HEADER_SIZE ? getField(viewOf(bytes), 'totalsize') : 0;
  const whole = total > bytes.length ? repair(bytes, total, notes) : bytes;
  const compatible = asCString(getProperty(readFdt(whole).root, 'compatible')?.value ?? new Uint8Array());
  const [kernel] = kernelsWith(compatible, own);
  const target = makeTarget({ ...options, ...kernel });
  const memory = new PhysicalMemory();
  const page = new Uint8Array(Number(alignUp(BigInt(whole.length), BigInt(target.pageSize))));
  page.set(whole);
  memory.map(0n, page);
  const fdtSize = BigInt(target.pageSize);
  const addresses = { fdtAddr: 0n, fdtSize, scratchAddr: 0n, scratchSize: 0n };
  const bootRecord = ARCHITECTURES[target.arch].bootRecord(target, addresses);
  const expect = { verdict: 'revived', lines: [], absent: [] } as const;
  const image: Image = {
    target,
    ram: [],
    bootRecord,
    scratch: [],
    memory,
    placements: [],
    expect,
    fdtAlone: true,
  };
  return { image, notes };
}

/** Writes what is left of a tree as a whole one: properties of the root, and each node that ends before the cut. */
function repair(bytes: Uint8Array, total: number, notes: SourceNote[]): Uint8Array {
  const tokens = readableTokens(viewOf(bytes));
  const strings = STRINGS.find((table) => namesFit(tokens, table));
  if (!strings) {
    throw new KhoforgeError(
      'FDT_INVALID',
      `the FDT has ${bytes.length} of its ${total} bytes, and no name in it is known`,
    );
  }
  const writer = new FdtSequentialWriter(65536, { label: 'root-fdt', allow: new Set() });
  writer.finishReservemap();
  const nodes = copyWhole(tokens, strings, writer);
  notes.push({
    code: 'FDT_CUT',
    text: `the file has ${bytes.length} of ${total} bytes: ${nodes} whole subtree nodes are left (debugfs kho/out/fdt is cut short from 6.19 on)`,
  });
  return writer.finish();
}

function readableTokens(buffer: Buffer): FdtToken[] {
  const start = getField(buffer, 'off_dt_struct');
  const first = getField(buffer, 'off_mem_rsvmap') + RESERVE_ENTRY_SIZE;
  const tokens: FdtToken[] = [];
  if (start < first || start > buffer.length) return tokens;
  const size = Math.min(getField(buffer, 'size_dt_struct'), buffer.length - start);
  const block = { bytes: buffer, start, size };
  try {
    for (let offset = 0; offset < size; offset = tokens.at(-1)?.next ?? size)
      tokens.push(readToken(block, offset));
  } catch (error) {
    if (!(error instanceof KhoforgeError)) throw error;
  }
  return tokens;
}

/** The second property of the root is the memory map only with the right table. */
function namesFit(tokens: readonly FdtToken[], strings: string): boolean {
  const properties = tokens.filter((token) => token.tag === Tag.prop);
  return properties.length >= 2 && properties.every(({ nameoff }) => nameAt(strings, nameoff) !== undefined);
}

function nameAt(strings: string, offset: number): string | undefined {
  const starts = offset === 0 || strings[offset - 1] === '\0';
  return starts && offset < strings.length ? strings.slice(offset).split('\0')[0] : undefined;
}

/** @returns how many subtree nodes were whole */
function copyWhole(tokens: readonly FdtToken[], strings: string, writer: FdtSequentialWriter): number {
  const copy = (token: FdtToken) => {
    if (token.tag === Tag.beginNode) writer.beginNode(token.name.toString('latin1'));
    else if (token.tag === Tag.endNode) writer.endNode();
    else if (token.tag === Tag.prop) writer.property(nameAt(strings, token.nameoff) ?? '', token.value);
  };
  let nodes = 0;
  let depth = 0;
  let pending: FdtToken[] = [];
  for (const token of tokens) {
    if (token.tag === Tag.beginNode) depth++;
    if (token.tag === Tag.end || (token.tag === Tag.endNode && depth === 1)) break;
    pending.push(token);
    if (token.tag === Tag.endNode) {
      depth--;
      nodes++;
    }
    if (depth > 1) continue;
    for (const whole of pending) copy(whole);
    pending = [];
  }
  writer.endNode();
  return nodes;
}
