import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ARCHES, type Arch, DEFAULT_ARCH } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { claimChildren, temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';

/** A compiler that makes code for one architecture. */
export interface Compiler {
  /** Program and the arguments it always takes. */
  readonly command: readonly [string, ...string[]];
  /** First line of its `--version`. */
  readonly version: string;
}

export interface CompilerRun {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const tripleOf = (arch: Arch): string => ARCHITECTURES[arch].toolchain.triple;

/** Architecture that this process runs on, where khoforge knows it. */
export const hostArch = (): Arch =>
  ARCHES.find((arch) => ARCHITECTURES[arch].toolchain.node === process.arch) ?? DEFAULT_ARCH;

/**
 * A compiler for `arch`: the one named, else the first that is installed of gcc, cross gcc and clang.
 * @param named as in `--cc`: a program, and arguments after spaces
 * @throws KhoforgeError `COMPILER_MISSING` (could not run), `COMPILER_ARCH` when it makes code for another one
 */
export function findCompiler(arch: Arch, named?: string): Compiler {
  for (const command of named === undefined ? candidates(arch) : [split(named)]) {
    const compiler = tryCompiler(withTarget(command, arch));
    if (compiler === undefined) continue;
    checkMachine(compiler, arch);
    return compiler;
  }
  const cross = arch === hostArch() ? 'gcc' : `gcc-${tripleOf(arch).replace('_', '-')}`;
  const what = named === undefined ? `no compiler for ${arch}` : `cannot run the compiler '${named}'`;
  throw new KhoforgeError('COMPILER_MISSING', what, {
    hint: `apt-get install ${cross}, or clang; --cc names another one`,
    exitCode: ExitCode.couldNotRun,
  });
}

/**
 * Runs the compiler; its messages are in English. What it leaves when it is killed goes with this process.
 * @param cwd what its paths are relative to
 */
export function compile(compiler: Compiler, args: readonly string[], cwd?: string): CompilerRun {
  const [program, ...always] = compiler.command;
  using folder = temporaryFolder('cc');
  // CPATH and the like would mix the machine's headers in.
  using children = claimChildren({ PATH: process.env.PATH, TMPDIR: folder.path, LC_ALL: 'C' });
  const run = spawnSync(program, [...always, ...args], {
    encoding: 'utf8',
    cwd,
    env: children.env,
    maxBuffer: 64 << 20,
    timeout: 120_000,
  });
  return { ok: run.status === 0, stdout: run.stdout ?? '', stderr: run.error?.message ?? run.stderr ?? '' };
}

/**
 * Builds a static program.
 * @param sources paths
 * @param cc compiler, as in `--cc`
 * @throws KhoforgeError of findCompiler(), `COMPILER_FAILED` (could not run)
 */
export function compileProgram(sources: readonly string[], arch: Arch, cc?: string): Uint8Array {
  using folder = temporaryFolder('program');
  const output = join(folder.path, 'program');
  const flags = ['-std=gnu11', '-Os', '-static', '-s'];
  const run = compile(findCompiler(arch, cc), [...flags, '-o', output, ...sources]);
  if (run.ok) return readFileSync(output);
  const names = sources.map((source) => basename(source)).join(', ');
  const message = `cannot build ${names}: ${run.stderr.trim().split('\n')[0]}`;
  throw new KhoforgeError('COMPILER_FAILED', message, {
    hint: `apt-get install ${arch === hostArch() ? 'libc6-dev' : `libc6-dev-${ARCHITECTURES[arch].toolchain.debian}-cross`}`,
    exitCode: ExitCode.couldNotRun,
  });
}

function candidates(arch: Arch): [string, ...string[]][] {
  const native: [string][] = arch === hostArch() ? [['gcc']] : [];
  return [...native, [`${tripleOf(arch)}-gcc`], ['clang']];
}

function split(named: string): [string, ...string[]] {
  const [program = named, ...args] = named.trim().split(/\s+/);
  return [program, ...args];
}

/** clang is a cross compiler already, and takes the architecture as an argument. */
function withTarget(command: [string, ...string[]], arch: Arch): [string, ...string[]] {
  const isClang = basename(command[0]).includes('clang');
  const hasTarget = command.some((arg) => arg.startsWith('--target'));
  return isClang && !hasTarget ? [...command, `--target=${tripleOf(arch)}`] : command;
}

function tryCompiler(command: [string, ...string[]]): Compiler | undefined {
  const run = compile({ command, version: '' }, ['--version']);
  return run.ok ? { command, version: run.stdout.split('\n')[0]?.trim() ?? '' } : undefined;
}

function checkMachine(compiler: Compiler, arch: Arch): void {
  const machine = compile(compiler, ['-dumpmachine']).stdout.trim();
  if (machine.split('-')[0] === tripleOf(arch).split('-')[0]) return;
  throw new KhoforgeError(
    'COMPILER_ARCH',
    `'${compiler.command.join(' ')}' makes code for ${machine}, not ${arch}`,
    {
      hint: `give --cc a compiler for ${arch}`,
    },
  );
}
