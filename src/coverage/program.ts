import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import { Elf } from '../elf/elf.ts';
import { type Source, withFile } from '../elf/source.ts';
import { type CodeRange, functionRanges, symbolAddresses } from '../elf/symbols.ts';
import { functionsOf, type SourceFunction } from './functions.ts';
import { codeOfFiles, type LineCode } from './line-table.ts';
import { type FileScope, RECEIVING } from './scope.ts';

/** A source file, and what of it receives. */
export interface CoveredFile {
  /** In the kernel's tree. */
  readonly path: string;
  /** Those with lines below. */
  readonly functions: readonly SourceFunction[];
  /** By line, where its instructions begin: in as many places as it was inlined into. */
  readonly lines: ReadonlyMap<number, readonly bigint[]>;
}

/** A program's code that receives a handover: that of a kernel, or of what unpacks it. */
export interface CoveredProgram {
  /** The tree of its sources. */
  readonly tree: string;
  readonly files: readonly CoveredFile[];
  /** Functions with that code in them, which a handover may come to through others. */
  readonly ranges: readonly CodeRange[];
  /** `_end` of a kernel's unpacker, which is linked at 0; undefined for a kernel, which runs where it is linked. */
  readonly unpackerEnd: bigint | undefined;
}

/**
 * Reads the line table of a vmlinux.
 * @param tree of its sources; default: where it was built, or what `source` there leads to
 * @throws KhoforgeError `NO_LINE_TABLE`, `SOURCE_MISSING`, `ELF_INVALID`, `FILE_UNREADABLE`, and of readelf
 */
export async function readProgram(vmlinux: string, tree = treeOf(vmlinux)): Promise<CoveredProgram> {
  const { symbols, unpackerEnd } = withFile(vmlinux, readSymbols);
  const scopes = RECEIVING.filter(({ path }) => existsSync(join(tree, path)));
  if (scopes.length === 0) throw noSource(tree);
  const paths = scopes.map(({ path }) => path);
  const code = await codeOfFiles(vmlinux, (name) => paths.find((path) => isPath(name, path)));
  if (code.length === 0) throw noLines(vmlinux);
  const files = scopes.map((scope) => coveredFile(scope, tree, code)).filter(({ lines }) => lines.size > 0);
  const addresses = files.flatMap(({ lines }) => [...lines.values()].flat());
  return { tree, files, ranges: rangesOf(addresses, symbols), unpackerEnd };
}

/** The unpacker is known by its function (7.3, arch/x86/boot/compressed/misc.c). */
function readSymbols(source: Source) {
  const elf = new Elf(source);
  const named = symbolAddresses(elf, ['extract_kernel', '_end']);
  return {
    symbols: functionRanges(elf),
    unpackerEnd: named.has('extract_kernel') ? named.get('_end') : undefined,
  };
}

/** The line table has a path from the folder it was built in, or a whole one. */
const isPath = (name: string, path: string): boolean => name === path || name.endsWith(`/${path}`);

function coveredFile(scope: FileScope, tree: string, code: readonly LineCode[]): CoveredFile {
  const text = readFileSync(join(tree, scope.path), 'utf8');
  const functions = functionsOf(text);
  const isIn = inScope(scope, functions, text.split('\n'));
  const lines = new Map<number, bigint[]>();
  for (const { file, line, start } of code) {
    if (file !== scope.path || !isIn(line)) continue;
    lines.set(line, [...(lines.get(line) ?? []), start]);
  }
  const has = ({ first, last }: SourceFunction) =>
    [...lines.keys()].some((line) => line >= first && line <= last);
  return { path: scope.path, functions: functions.filter(has), lines };
}

function inScope(
  { without = [], functions: only, lines }: FileScope,
  functions: readonly SourceFunction[],
  text: readonly string[],
): (line: number) => boolean {
  const isIn = (name: string) => (only ? only.includes(name) : !without.includes(name));
  const parts = functions.filter(({ name }) => isIn(name));
  return (line) =>
    parts.some(({ first, last }) => line >= first && line <= last) ||
    lines?.test(text[line - 1] ?? '') === true;
}

/** What QEMU is asked about goes by where a block begins, and a block may begin before an inlined function. */
function rangesOf(addresses: readonly bigint[], symbols: readonly CodeRange[]): CodeRange[] {
  const wanted = new Set<CodeRange>();
  for (const address of addresses) {
    const symbol = lastUpTo(symbols, address);
    wanted.add(symbol && address < symbol.end ? symbol : { start: address, end: address + 1n });
  }
  return [...wanted].sort((a, b) => (a.start < b.start ? -1 : 1));
}

function lastUpTo(ranges: readonly CodeRange[], address: bigint): CodeRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.start ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  return ranges[low - 1];
}

/**
 * The kernel's Makefile links `source` in a folder that it builds in (7.3, Makefile: outputmakefile). The unpacker is four
 * folders below.
 */
function treeOf(vmlinux: string): string {
  const folder = dirname(resolve(vmlinux));
  const unpackers = '/arch/x86/boot/compressed';
  const top = folder.endsWith(unpackers) ? folder.slice(0, -unpackers.length) : folder;
  const linked = join(top, 'source');
  return existsSync(linked) ? linked : top;
}

function noSource(tree: string): KhoforgeError {
  return new KhoforgeError('SOURCE_MISSING', `${tree} is not the kernel's source`, {
    where: { file: tree },
    hint: '--source DIR names the tree that the vmlinux was built from',
  });
}

function noLines(vmlinux: string): KhoforgeError {
  return new KhoforgeError('NO_LINE_TABLE', `${vmlinux} says nothing of lines of source`, {
    where: { file: vmlinux },
    hint: 'build the kernel with CONFIG_DEBUG_INFO_DWARF5=y, and give the vmlinux before it is stripped',
  });
}
