import { fileURLToPath } from 'node:url';
import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { Elf } from '../elf/elf.ts';
import { isElf, PT_INTERP } from '../elf/format.ts';
import { memorySource } from '../elf/source.ts';
import { cpioArchive } from '../guest/cpio.ts';
import { compileProgram } from '../toolchain/compiler.ts';

export interface KselftestProgram {
  /** Path of the static program. */
  readonly test: string;
  /** Its arguments, such as `-s`, `2`. */
  readonly args: readonly string[];
  readonly arch: Arch;
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
}

/** Beside the sources and beside dist/ alike. */
const INIT = fileURLToPath(new URL('../../src/kselftest/init.c', import.meta.url));
const LONGEST_ARGUMENT = 255;
const MOST_ARGUMENTS = 64;

/**
 * An initrd that runs one test program and tells how it ended.
 * @throws KhoforgeError `FILE_UNREADABLE`, `TEST_UNUSABLE`, `ELF_INVALID`, `COMPILER_MISSING` (exit code 3)
 */
export function kselftestInitrd({ test, args, arch, cc }: KselftestProgram): Buffer {
  const program = readInput(test);
  checkProgram(test, program, arch);
  const bad = args.find((arg) => arg.length > LONGEST_ARGUMENT || /[\n\0]/.test(arg));
  if (bad !== undefined || args.length > MOST_ARGUMENTS) {
    throw new KhoforgeError(
      'TEST_UNUSABLE',
      `arguments: at most ${MOST_ARGUMENTS} of ${LONGEST_ARGUMENT} characters, in one line each`,
    );
  }
  return cpioArchive([
    ...['dev', 'proc', 'sys', 'tmp'].map((path) => ({ path })),
    { path: 'init', bytes: compileProgram(INIT, arch, cc) },
    { path: 'test', bytes: program },
    { path: 'arguments', bytes: Buffer.from(args.map((arg) => `${arg}\n`).join('')) },
  ]);
}

/** There is nothing else in the initrd: no loader, no libraries, no shell. */
function checkProgram(file: string, program: Uint8Array, arch: Arch): void {
  if (!isElf(program)) throw unusable(file, 'no 64-bit ELF program');
  const elf = new Elf(memorySource(program, file));
  if (elf.machine !== ARCHITECTURES[arch].elfMachine) throw unusable(file, `no program for ${arch}`);
  if (elf.programHeaders().headers.some(({ type }) => type === PT_INTERP))
    throw unusable(file, 'linked dynamically');
}

function unusable(file: string, why: string): KhoforgeError {
  return new KhoforgeError('TEST_UNUSABLE', `${file} is ${why}`, {
    where: { file },
    hint: 'build it static: make -C tools/testing/selftests TARGETS=liveupdate LDFLAGS=-static',
  });
}
