import type { KernelImage } from '../arch/x86_64/kernel-image.ts';
import { KhoforgeError } from '../base/errors.ts';
import { isElf } from '../elf/format.ts';
import { readElfCore } from './elf-core.ts';
import { MappedFile } from './mapped-file.ts';

/** A kernel writes a page of it (7.3, include/linux/vmcore_info.h: VMCOREINFO_BYTES). */
const LONGEST = 65536;

/**
 * The KEY=VALUE lines of VMCOREINFO: from a file that holds them, or from the note of an ELF core.
 * @throws KhoforgeError `FILE_UNREADABLE`, `ELF_INVALID`, `VMCOREINFO_INVALID`
 */
export function readVmcoreinfo(path: string): string {
  const text = textOf(path);
  // Debuggers tell a kernel's dump by it, and drgn refuses a note without it.
  if (text.length <= LONGEST && /^OSRELEASE=\S+$/m.test(text) && !text.includes('\0')) return text;
  throw new KhoforgeError('VMCOREINFO_INVALID', `${path} has no VMCOREINFO: no line OSRELEASE=…`, {
    where: { file: path },
    hint: 'give its text, or an ELF core with the note, such as /proc/kcore or a kdump',
  });
}

function textOf(path: string): string {
  const file = new MappedFile(path);
  try {
    if (isElf(file.read(0, 4))) return readElfCore(file).vmcoreinfo ?? '';
    return file.read(0, LONGEST + 1).toString('latin1');
  } finally {
    file.close();
  }
}

/**
 * What a kernel would write that was loaded without KASLR, as far as debuggers ask for it: drgn for OSRELEASE, PAGESIZE
 * and swapper_pg_dir, crash for phys_base (tried with drgn 0.0.22 and crash 8.0.2).
 * @param physBase how far the image is from where it was linked for; negative below
 */
export function vmcoreinfoOf({ release, buildId, stext, initTopPgt }: KernelImage, physBase: bigint): string {
  const lines = [
    `OSRELEASE=${release}`,
    ...(buildId === undefined ? [] : [`BUILD-ID=${buildId}`]),
    'PAGESIZE=4096',
    `SYMBOL(_stext)=${stext.toString(16)}`,
    `SYMBOL(swapper_pg_dir)=${initTopPgt.toString(16)}`,
    `NUMBER(phys_base)=${physBase}`,
    'NUMBER(pgtable_l5_enabled)=0',
    'KERNELOFFSET=0',
  ];
  return `${lines.join('\n')}\n`;
}
