import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stopKernel as arm64Stop } from '../../src/arch/arm64/stop-kernel.ts';
import { arm64Stub } from '../../src/arch/arm64/stub.ts';
import { makeUnpackStub as arm64Unpack } from '../../src/arch/arm64/unpack.ts';
import { makeStub } from '../../src/arch/x86_64/pvh-stub.ts';
import { stopKernel as x86Stop } from '../../src/arch/x86_64/stop-kernel.ts';
import { makeUnpackStub as x86Unpack } from '../../src/arch/x86_64/unpack.ts';

/*
 * The comment beside each line of machine code, held against what objdump makes of the bytes. What a comment calls by a
 * name has the value given here: names of processors' bits are of Intel's SDM, volumes 3 and 4.
 */

interface Instruction {
  address: number;
  /** As objdump has it, in the spelling of the comments. */
  text: string;
}

interface Code {
  /** Source file below src/arch, and what its lines of code come after. */
  source: readonly [file: string, begin: string];
  bytes: Uint8Array;
  objdump: readonly string[];
  /** Value of each name that a comment uses; labels of the code itself come on top. */
  names: Readonly<Record<string, bigint>>;
}

const X86_32 = ['-m', 'i386', '-M', 'intel'];
const X86_64 = ['-m', 'i386:x86-64', '-M', 'intel'];
const ARM64 = ['-m', 'aarch64'];

const at = 0x123456000n;
const pvh = makeStub({
  address: 0x123000n,
  kernel: { start: 0x100000n, size: 0xa00000n },
  entry: 0x100200n,
  bootParams: { start: 0x123456789a000n, size: 0x2000n },
});
const unpacking = {
  address: at,
  unpacked: [],
  mapped: [],
  kernel: 0x1f000000n,
  parameters: 0x1122334455667000n,
};

const CODES: Readonly<Record<string, Code>> = {
  'x86_64, from 32-bit mode': {
    source: ['x86_64/pvh-stub.ts', 'function protectedMode('],
    bytes: pvh.subarray(0, 0x40),
    objdump: X86_32,
    names: {
      GDT_POINTER: 0x1230a0n,
      'page tables': 0x124000n,
      'CR4.PAE': 1n << 5n,
      MSR_EFER: 0xc0000080n,
      'EFER.LME': 1n << 8n,
      'CR0.PG': 1n << 31n,
      LONG_MODE: 0x123040n,
    },
  },
  'x86_64, in 64-bit mode': {
    source: ['x86_64/pvh-stub.ts', 'function longMode('],
    bytes: pvh.subarray(0x40, 0x80),
    objdump: X86_64,
    names: { boot_params: 0x123456789a000n, entry: 0x100200n },
  },
  'x86_64, unpacking': {
    source: ['x86_64/unpack.ts', 'function code('],
    bytes: x86Unpack(unpacking).subarray(0, 0xc0),
    objdump: [...X86_64, `--adjust-vma=0x${at.toString(16)}`],
    names: {
      GDT_POINTER: at + 0xe0n,
      tables: at + 0x2000n,
      'tables of five levels': at + 0x1000n,
      'end of the page': at + 0x1000n,
      'CR4.LA57': 12n,
      list: at + 0x3000n, // behind one table: nothing is mapped
      boot_params: unpacking.parameters,
      entry: unpacking.kernel + 0x200n,
    },
  },
  'arm64, entering': {
    source: ['arm64/stub.ts', 'const code = ['],
    bytes: arm64Stub({ kernel: 1n, dtb: 2n }).subarray(0, 0x20),
    objdump: ARM64,
    names: {},
  },
  'arm64, unpacking': {
    source: ['arm64/unpack.ts', 'const CODE = ['],
    bytes: arm64Unpack(unpacking).subarray(0, 0xa8),
    objdump: ARM64,
    names: { dtb: 0xa8n, kernel: 0xb0n, list: 0xc0n },
  },
  'x86_64, stopping': {
    source: ['x86_64/stop-kernel.ts', 'const CODE = ['],
    bytes: x86Stop().subarray(0x600, 0x635),
    objdump: X86_64,
    names: { text: 0x35n },
  },
  'arm64, stopping': {
    source: ['arm64/stop-kernel.ts', 'const CODE = ['],
    bytes: arm64Stop().subarray(0x40, 0x94),
    objdump: ARM64,
    names: { text: 0x54n },
  },
};

/** Debian's objdump of the machine itself, or of a cross toolchain: the first that knows the architecture. */
const PROGRAMS = ['objdump', 'aarch64-linux-gnu-objdump', 'x86_64-linux-gnu-objdump'];

function disassemble({ bytes, objdump }: Code): Instruction[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-code-'));
  const file = join(folder, 'code');
  writeFileSync(file, bytes);
  try {
    for (const program of PROGRAMS) {
      const run = spawnSync(program, ['-D', '-b', 'binary', ...objdump, file], { encoding: 'utf8' });
      if (run.status === 0) return instructionsOf(run.stdout);
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines such as `   9:\tb8 00 40 12 00       \tmov    eax,0x124000`; a long one goes on in a line without a third part. */
function instructionsOf(listing: string): Instruction[] {
  return listing.split('\n').flatMap((line) => {
    const [address = '', , ...text] = line.split('\t');
    const instruction = text.join(' ').trim();
    if (!/^\s*[0-9a-f]+:$/.test(address) || instruction === '') return [];
    return [{ address: Number.parseInt(address, 16), text: spelled(instruction) }];
  });
}

/** What objdump spells otherwise than the processors' manuals. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/\[rip[^\]]*\]\s*# (0x[0-9a-f]+)/, '[$1]'],
  [/\s*(?:\/\/|#\s).*$/, ''],
  [/^movabs /, 'mov '],
  [/^lgdtd /, 'lgdt '],
  [/\bds:(0x[0-9a-f]+)/, '[$1]'],
  [/^je /, 'jz '],
  [/^jae /, 'jnc '],
  [/^b\.cc /, 'b.lo '],
  [/^lods al.*/, 'lodsb'],
  [/^rex\.W retf$/, 'retfq'],
  [/^rep movs QWORD PTR.*/, 'rep movsq'],
  [/^rep stos QWORD PTR.*/, 'rep stosq'],
  [/QWORD PTR /, ''],
];

function spelled(text: string): string {
  return plain(SPELLINGS.reduce((result, [from, to]) => result.replace(from, to), text.replace(/\s+/g, ' ')));
}

/** Numbers in decimal, no space where none is needed. */
const plain = (text: string): string =>
  text
    .replace(/#(?=\d)/g, '')
    .replace(/\b0x[0-9a-f]+\b/g, (number) => String(BigInt(number)))
    .replace(/\s*([,+])\s*/g, '$1')
    .trim();

interface Comment {
  label?: string;
  text: string;
}

/** Of each line of code: `label: instruction`, or an instruction and what it is for. */
function commentsOf([file, begin]: Code['source']): Comment[] {
  const path = fileURLToPath(new URL(`../../src/arch/${file}`, import.meta.url));
  const [, after = ''] = readFileSync(path, 'utf8').split(begin);
  const [body = ''] = after.split(/\n\s*\];?\n|\n\s*\]\.flat/);
  const lines = [...body.matchAll(/^\s*(?:\[?0x[0-9a-f]{2,8}\b.*), ?\/\/ +(.*)$/gm)];
  return lines.map(([, comment = '']): Comment => {
    const [, label, text = ''] = /^(?:(\w+): )?([^:]*(?::\S[^:]*)?)/.exec(comment) ?? [];
    return { text: text.trim(), ...(label !== undefined && { label }) };
  });
}

/** The comment with its names' values, in the spelling of the instructions. */
function expected({ text }: Comment, names: readonly (readonly [string, bigint])[]): string {
  const [mnemonic = '', ...rest] = text.split(' ');
  const operands = names.reduce(
    (result, [name, value]) => result.replace(new RegExp(`(?<![\\w.])${name}(?![\\w.])`), String(value)),
    rest.join(' '),
  );
  return plain(`${mnemonic} ${operands}`);
}

describe('the machine code of stubs is what the comments beside it say', () => {
  it.for(Object.entries(CODES))('%s', ([, code], { skip }) => {
    const found = disassemble(code);
    if (found === undefined)
      return skip('no objdump for it: apt-get install binutils binutils-aarch64-linux-gnu');
    const comments = commentsOf(code.source);
    expect(comments.length).toBeGreaterThan(5);
    const labels = comments.flatMap(({ label }, i): [string, bigint][] =>
      label === undefined ? [] : [[label, BigInt(found[i]?.address ?? -1)]],
    );
    const names: [string, bigint][] = [...Object.entries(code.names), ...labels];
    names.sort(([a], [b]) => b.length - a.length); // `tables` is in another name
    expect(found.slice(0, comments.length).map(({ text }) => text)).toEqual(
      comments.map((comment) => expected(comment, names)),
    );
  });
});
