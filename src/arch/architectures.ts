import { ARCHES, type Arch } from '../abi/arch.ts';
import type { Architecture } from './architecture.ts';
import { arm64 } from './arm64.ts';
import { x86_64 } from './x86_64.ts';

export const ARCHITECTURES: Readonly<Record<Arch, Architecture>> = { x86_64, arm64 };

/** The architecture of an ELF file, by its e_machine. */
export const archOfElf = (machine: number): Arch | undefined =>
  ARCHES.find((arch) => ARCHITECTURES[arch].elfMachine === machine);
