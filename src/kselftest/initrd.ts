import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { Elf } from '../elf/elf.ts';
import { isElf, PT_INTERP } from '../elf/format.ts';
import { memorySource } from '../elf/source.ts';
import { buildInitrd, planLine } from '../guest/initrd.ts';

export interface KselftestProgram {
  /** Path of the static program. */
  readonly test: string;
  /** Its arguments, such as `-s`, `2`. */
  readonly args: readonly string[];
  readonly arch: Arch;
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
}

/** Where the program is in the guest. */
export const TEST = '/test';

/**
 * An initrd that runs one test program and prints how it ended.
 * @throws KhoforgeError `FILE_UNREADABLE`, `TEST_UNUSABLE`, `ELF_INVALID`, `COMPILER_MISSING` (exit code 3)
 */
export function kselftestInitrd({ test, args, arch, cc }: KselftestProgram): Buffer {
  const program = testProgram({ test, args, arch });
  const plan = [planLine('run', TEST, ...args)];
  return buildInitrd({ arch, plan, files: { [TEST]: program }, cc });
}

/** @throws KhoforgeError `FILE_UNREADABLE`, `TEST_UNUSABLE`, `ELF_INVALID` */
export function testProgram({
  test,
  args,
  arch,
}: Pick<KselftestProgram, 'test' | 'args' | 'arch'>): Uint8Array {
  const program = readInput(test);
  checkProgram(test, program, arch);
  const nul = args.find((arg) => arg.includes('\0'));
  if (nul === undefined) return program;
  throw new KhoforgeError('TEST_UNUSABLE', `argument ${JSON.stringify(nul)} has a NUL byte in it`);
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
