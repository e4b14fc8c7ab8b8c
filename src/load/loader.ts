import type { Arch } from '../abi/target.ts';
import { packageFile } from '../base/package.ts';
import { compileProgram } from '../toolchain/compiler.ts';

/** Beside the sources and beside dist/ alike. */
const LOADER = packageFile('src/load/loader.c');

/**
 * The static program that hands a kexec.img to kexec_load(2) and jumps.
 * @param cc as in `--cc`
 * @throws KhoforgeError of compileProgram()
 */
export const buildLoader = (arch: Arch, cc?: string): Uint8Array => compileProgram([LOADER], arch, cc);
