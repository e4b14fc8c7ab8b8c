import { ftruncateSync } from 'node:fs';
import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { KernelImage } from '../arch/x86_64/kernel-image.ts';
import { writeAll, writeParts } from '../base/files.ts';
import { alignUp, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { ET_CORE, PF_R, PF_RWX, PT_LOAD, PT_NOTE } from '../elf/format.ts';
import { noteBytes } from '../elf/notes.ts';
import { ownNote } from '../elf/own-note.ts';
import { headBytes, headSize, type ProgramHeader } from '../elf/write.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { type OutputOptions, writeFileWhole } from '../output/write.ts';
import { pageRegions, pageRuns } from './page-runs.ts';
import { ramNote } from './ram-note.ts';
import { vmcoreinfoOf } from './vmcoreinfo.ts';

/** Memory begins at a page of the file, so that it can be mapped. */
const FILE_PAGE = 4096;
/** A kernel runs at any multiple of it (x86_64: MIN_KERNEL_ALIGN, 7.3). */
const KERNEL_ALIGN = 2n << 20n;

/** One PT_LOAD. */
interface Load extends Region {
  /** p_vaddr. */
  readonly virt: bigint;
  /** What it holds, where that is not the image's memory. */
  readonly bytes?: Uint8Array;
}

/** How a core is written. */
export interface CoreOptions extends OutputOptions {
  /** Bytes of memory, in whole pages. */
  readonly onProgress?: (progress: ByteProgress) => void;
}

/**
 * Writes the image's memory as an ELF core: a PT_LOAD for each run of pages, a VMCOREINFO note where the image has
 * one, and ours. Addresses are physical, in p_vaddr too: without the dumped kernel there are no others, and gdb reads by p_vaddr
 * alone. Pages of zeroes are holes of the file.
 * @param kernel whose image is added, as it is before it runs, for debuggers that ask for it; then VMCOREINFO is of it
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeElfCore(
  image: Image,
  path: string,
  kernel?: KernelImage,
  { onProgress, ...options }: CoreOptions = {},
): void {
  const loads: Load[] = pageRegions(image).map((region) => ({ ...region, virt: region.start }));
  let info = image.vmcoreinfo;
  if (kernel !== undefined) {
    const moved = kernelDistance(kernel, loads);
    loads.push(...kernel.loads.map((load) => ({ ...load, start: load.phys + moved })));
    info = vmcoreinfoOf(kernel, moved);
  }
  // crash takes the first program header for the notes, whatever it is (8.0.2, netdump.c).
  const note = Buffer.concat([
    ...(info === undefined ? [] : [vmcoreinfoNote(info)]),
    ownNote('core'),
    ...(image.ramGuessed || image.ram.length === 0 ? [] : [ramNote(image.ram)]),
  ]);
  const { head, offsets, size } = coreHead(image.target.arch, loads, note);
  writeFileWhole(path, { ...options, form: 'core', mode: image.mode }, (descriptor) => {
    writeAll(descriptor, head, 0);
    let load = 0;
    for (const { start, parts } of pageRuns(image, { onProgress })) {
      while (regionEnd(loads[load] ?? { start, size: 1n }) <= start) load++;
      const within = toNumber(start - (loads[load]?.start ?? start), 'offset in memory');
      writeParts(descriptor, parts, (offsets[load] ?? 0) + within);
    }
    loads.forEach(({ bytes }, i) => {
      if (bytes !== undefined) writeAll(descriptor, bytes, offsets[i]);
    });
    ftruncateSync(descriptor, size);
  });
}

/** How far from its linked place the kernel's image is: behind all memory, unless its own place is free. */
function kernelDistance({ loads: kernel }: KernelImage, memory: readonly Region[]): bigint {
  const [first] = kernel;
  const last = memory.at(-1);
  const taken = memory.some((one) =>
    kernel.some(({ phys, size }) => one.start < phys + size && phys < regionEnd(one)),
  );
  if (!taken || first === undefined || last === undefined) return 0n;
  return alignUp(regionEnd(last), KERNEL_ALIGN) - first.phys;
}

interface CoreHead {
  readonly head: Buffer;
  /** Of each load, in the file. */
  readonly offsets: readonly number[];
  /** Bytes of the whole file. */
  readonly size: number;
}

/** Everything before the memory: headers and notes. */
function coreHead(arch: Arch, loads: readonly Load[], note: Buffer): CoreHead {
  const noteAt = headSize(loads.length + 1);
  const notes: ProgramHeader = {
    type: PT_NOTE,
    flags: PF_R,
    offset: noteAt,
    phys: 0n,
    virt: 0n,
    size: BigInt(note.length),
  };
  let end = inFilePages(noteAt + note.length);
  const memory = loads.map(({ start: phys, virt, size }): ProgramHeader => {
    const offset = end;
    end += inFilePages(toNumber(size, 'bytes of memory'));
    return { type: PT_LOAD, flags: PF_RWX, offset, virt, phys, size };
  });
  const head = Buffer.alloc(inFilePages(noteAt + note.length));
  const { elfMachine: machine } = ARCHITECTURES[arch];
  const programHeaders = [notes, ...memory];
  head.set(headBytes({ type: ET_CORE, machine, programHeaders }));
  head.set(note, noteAt);
  return { head, offsets: memory.map(({ offset }) => offset), size: end };
}

const inFilePages = (size: number): number => Math.ceil(size / FILE_PAGE) * FILE_PAGE;

/** Type 0, the way a kernel leaves it (7.3, kernel/vmcore_info.c: update_vmcoreinfo_note()). */
const vmcoreinfoNote = (text: string): Buffer =>
  noteBytes({ owner: 'VMCOREINFO', type: 0, desc: Buffer.from(text, 'latin1') });
