import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Arch } from '../abi/arch.ts';
import { packageFile } from '../base/package.ts';
import { compileProgram } from '../toolchain/compiler.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';

/** Beside the sources and beside dist/ alike. */
const INIT = packageFile('src/guest/init/');

export interface InitrdOptions {
  readonly arch: Arch;
  /** Compiler of init, as in `--cc`. */
  readonly cc?: string | undefined;
  /** What init does; each a line of {@link planLine}. */
  readonly plan: readonly string[];
  /** Files by their paths, such as `/test`; all can be executed. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** A command of a plan, which src/guest/init/init.c describes, and its words, whatever is in them. */
export function planLine(command: string, ...words: readonly string[]): string {
  return [command, ...words.map(escaped)].join(' ');
}

/** An empty word ends at once. */
function escaped(word: string): string {
  if (word === '') return '\\x00';
  return word.replace(/[\s\\]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What every init prints in front of a line of its own. */
export const INIT_PREFIX = 'khoforge-init: ';

/**
 * What the init of a guest printed.
 * @param lines of a console, without stamps
 */
export function initLines(lines: readonly string[]): string[] {
  return lines.flatMap((line) => (line.startsWith(INIT_PREFIX) ? [line.slice(INIT_PREFIX.length)] : []));
}

/**
 * An initrd whose init follows a plan.
 * @throws KhoforgeError of compileProgram()
 */
export function buildInitrd({ arch, plan, files = {}, cc }: InitrdOptions): Buffer {
  const all: Readonly<Record<string, Uint8Array>> = {
    '/init': compiledInit(arch, cc),
    '/plan': Buffer.from(plan.map((line) => `${line}\n`).join('')),
    ...files,
  };
  return cpioArchive([
    ...foldersOf(Object.keys(all)),
    ...Object.entries(all).map(([path, bytes]) => ({ path: path.slice(1), bytes })),
  ]);
}

const compiled = new Map<string, Uint8Array>();

/** Once a process: it is the same for all plans. */
function compiledInit(arch: Arch, cc: string | undefined): Uint8Array {
  const key = JSON.stringify([arch, cc]);
  const known = compiled.get(key);
  if (known) return known;
  const sources = readdirSync(INIT).filter((name) => name.endsWith('.c'));
  const init = compileProgram(
    sources.map((name) => join(INIT, name)),
    arch,
    cc,
  );
  compiled.set(key, init);
  return init;
}

/** What init mounts on is there even when nothing is in it; a folder stands before those in it. */
function foldersOf(paths: readonly string[]): CpioEntry[] {
  const folders = new Set(['dev', 'proc', 'sys', 'tmp']);
  for (const path of paths) {
    const parents = dirname(path).split('/').slice(1);
    for (let depth = 1; depth <= parents.length; depth++) folders.add(parents.slice(0, depth).join('/'));
  }
  folders.delete('');
  return [...folders].map((path) => ({ path }));
}
