import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { readInput } from '../base/files.ts';
import { cpioArchive } from '../guest/cpio.ts';
import { buildInitrd, planLine } from '../guest/initrd.ts';
import { FINALIZE } from '../guest/kexec-chain.ts';
import type { Stage } from './stage.ts';
import { NEXT } from './steps.ts';

export interface FirstInitrd {
  readonly arch: Arch;
  readonly stage: Stage;
  /** Path of the user's own. */
  readonly initrd?: string;
  readonly cc?: string;
}

/** What the first kernel starts: khoforge's init with a stage, or the user's, each with a kernel that stops. */
export function firstInitrd({ arch, stage, initrd, cc }: FirstInitrd): Buffer {
  const next = ARCHITECTURES[arch].stopKernel();
  if (initrd !== undefined) return Buffer.concat([padded(readInput(initrd)), nextArchive(next)]);
  const plan = [...stage.plan, FINALIZE, planLine('kexec_file_load', NEXT, '', ''), planLine('kexec')];
  return buildInitrd({
    arch,
    plan,
    files: { ...stage.files, [NEXT]: next },
    ...(cc !== undefined && { cc }),
  });
}

/** An archive behind another one, whatever that is packed with (Documentation/driver-api/early-userspace/buffer-format.rst, 7.3). */
function nextArchive(next: Uint8Array): Buffer {
  return cpioArchive([{ path: NEXT.slice(1, NEXT.lastIndexOf('/')) }, { path: NEXT.slice(1), bytes: next }]);
}

/** An archive begins at a multiple of 4 bytes; zeroes between two are skipped (init/initramfs.c: unpack_to_rootfs(), 7.3). */
const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
