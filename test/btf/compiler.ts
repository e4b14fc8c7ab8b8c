import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Btf } from '../../src/btf/btf.ts';
import { btfItems } from '../../src/btf/items.ts';
import { runTool, runToolOk } from '../oracle/tools.ts';

const FLAGS = ['-std=gnu11', '-fms-extensions', '-O1'];

/** All enums of awkward.h. */
export const ENUMS = ['small', 'byte_sized', 'top_bit', 'negative', 'wide', 'wide_negative'];

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Made by make-fixtures.sh. */
export const fixture = (name: string): Buffer => readFileSync(path(`fixtures/${name}`));

/** What awkward_numbers.c prints: one line for each struct, field, bit-field and constant. */
export const linesOf = (text: Buffer): string[] => text.toString().trim().split('\n').sort();

export const namesOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => (line.startsWith('struct ') ? [line.split(' ')[1] ?? ''] : []));

/** The same lines from BTF. Of a bit-field its place and width are told, in bits from the start of the structure. */
export function btfLines(btf: Btf, structs: readonly string[]): string[] {
  const { items } = btfItems(btf, structs, ENUMS);
  const lines = items.map((item) => {
    if (item.kind === 'struct') return `struct ${item.name} ${item.size}`;
    if (item.kind === 'enum') return `constant ${item.name} ${item.value}`;
    if ('bitWidth' in item) return `bits ${item.name} ${item.bitOffset} ${item.bitWidth}`;
    return `field ${item.name} ${item.offset} ${item.size}`;
  });
  return lines.sort();
}

/** awkward.h by this machine's gcc: its BTF in an ELF file, and its numbers. */
export function compileHere(): { object: Buffer; lines: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'khoforge-btf-'));
  try {
    const object = join(directory, 'awkward.o');
    const numbers = join(directory, 'numbers');
    gcc('-gbtf', '-fno-eliminate-unused-debug-types', '-x', 'c', '-c', path('awkward.h'), '-o', object);
    gcc('-Wall', '-Wextra', '-Werror', path('awkward_numbers.c'), '-o', numbers);
    return { object: readFileSync(object), lines: linesOf(runToolOk(numbers, [])) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function gcc(...args: string[]): void {
  const { status, stderr } = runTool('gcc', [...FLAGS, ...args]);
  if (status === 0) return;
  throw new Error(`gcc ${args.join(' ')}: needs GCC 12 or later: apt-get install gcc libc6-dev\n${stderr}`);
}
