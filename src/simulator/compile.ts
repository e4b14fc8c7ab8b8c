import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { packageFile } from '../base/package.ts';
import { compile, findCompiler } from '../toolchain/compiler.ts';
import { layOut } from './tree.ts';

/** Beside the sources and beside dist/ alike. */
const STUBS = packageFile('src/simulator/stub/');

/** What decides how the compiled files behave, as in the kernel of test/kernel/config. */
const OPTIONS: Readonly<Record<string, number>> = {
  CONFIG_64BIT: 1,
  CONFIG_X86_64: 1,
  CONFIG_NUMA: 1,
  CONFIG_NODES_SHIFT: 6,
  CONFIG_SPARSEMEM: 1,
  CONFIG_PHYS_ADDR_T_64BIT: 1,
  CONFIG_MEMBLOCK_KHO_SCRATCH: 1,
  CONFIG_ARCH_KEEP_MEMBLOCK: 1,
  CONFIG_KEXEC_HANDOVER: 1,
  CONFIG_KEXEC_HANDOVER_DEBUG: 1,
  CONFIG_KEXEC_HANDOVER_DEBUGFS: 1,
  CONFIG_LIVEUPDATE: 1,
};

/** What kbuild gives a kernel, as far as it decides what code means. */
const FLAGS = [
  ...['-std=gnu11', '-Os', '-g', '-D_GNU_SOURCE', '-fno-strict-aliasing', '-fwrapv', '-funsigned-char'],
  ...['-fno-delete-null-pointer-checks', '-fms-extensions', '-I.', '-Iinclude', '-Iarch/x86/include'],
  '-Iscripts/dtc/libfdt',
];

/** They stop at the first wrong access; what arithmetic does is told, and it goes on as the machine has it. */
const SANITIZERS = [
  '-fsanitize=address,undefined',
  '-fno-sanitize=alignment,null',
  '-fno-omit-frame-pointer',
];

export interface CompileOptions {
  /** With AddressSanitizer and UndefinedBehaviorSanitizer. */
  readonly sanitize?: boolean;
  /** To tell which blocks ran. */
  readonly coverage?: boolean;
  /** Compiler, as in `--cc`. */
  readonly cc?: string | undefined;
}

/**
 * Compiles what of a kernel tree receives a handover, with stubs for the rest, into a program of this machine.
 * @throws KhoforgeError of layOut() and findCompiler(); `COMPILER_FAILED` (could not run)
 */
export function compileSimulator(
  tree: string,
  { sanitize = false, coverage = false, cc }: CompileOptions,
): Uint8Array {
  const compiler = findCompiler('x86_64', cc);
  using folder = temporaryFolder('simulator');
  const from = folder.path;
  const sources = layOut(resolve(tree), from);
  const flags = [
    ...FLAGS,
    ...(sanitize ? SANITIZERS : []),
    ...Object.entries(OPTIONS).map(([name, value]) => `-D${name}=${value}`),
    `-I${STUBS}`,
    `-ffile-prefix-map=${from}=.`,
    `-ffile-prefix-map=${STUBS}=`,
  ];
  const stubs = readdirSync(STUBS).filter((name) => name.endsWith('.c'));
  const run = (what: string, args: readonly string[]) => {
    const { ok, stderr } = compile(compiler, args, from);
    if (!ok) throw failure(what, stderr);
  };
  const objects = [
    ...sources.map((source) => ({
      source,
      more: [
        ...(coverage ? ['-fsanitize-coverage=trace-pc'] : []),
        '-w',
        '-include',
        'stub.h',
        `-DKBUILD_MODNAME="${moduleOf(source)}"`,
      ],
    })),
    ...stubs.map((name) => ({ source: join(STUBS, name), more: [] })),
  ].map(({ source, more }, index) => {
    const object = `${index}.o`;
    run(source, [...flags, ...more, '-c', source, '-o', object]);
    return object;
  });
  run('the simulator', [...flags, '-o', 'simulator', ...objects]);
  return readFileSync(join(from, 'simulator'));
}

/** What a line begins with (kernel/liveupdate/Makefile, 7.3). */
const moduleOf = (source: string): string =>
  /^kernel\/liveupdate\/(?:luo_|kho_block)/.test(source) ? 'luo' : basename(source, '.c');

function failure(what: string, stderr: string): KhoforgeError {
  const lines = stderr.trim().split('\n');
  const first = lines.find((line) => /error|undefined reference/.test(line)) ?? lines[0];
  return new KhoforgeError('COMPILER_FAILED', `cannot compile ${what} for user space: ${first}`, {
    hint: 'the stubs are made for Linux 7.2 and 7.3: docs/fuzz.md; --kernel asks a kernel that boots',
    exitCode: ExitCode.couldNotRun,
  });
}
