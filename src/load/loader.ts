import { fileURLToPath } from 'node:url';
import type { Arch } from '../abi/target.ts';
import { compileProgram } from '../toolchain/compiler.ts';

/** Beside the sources and beside dist/ alike. */
const LOADER = fileURLToPath(new URL('../../src/load/loader.c', import.meta.url));

/**
 * The static program that hands a kexec.img to kexec_load(2) and jumps.
 * @param cc as in `--cc`
 * @throws KhoforgeError of compileProgram()
 */
export const buildLoader = (arch: Arch, cc?: string): Uint8Array => compileProgram([LOADER], arch, { cc });
