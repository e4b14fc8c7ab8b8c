import { ftruncateSync } from 'node:fs';
import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { KernelImage } from '../arch/x86_64/kernel-image.ts';
import { writeAll, writeFileWhole } from '../base/files.ts';
import { alignUp, toNumber } from '../base/numbers.ts';
import { isElf } from '../elf/elf.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { pageRegions, pageRuns } from './page-runs.ts';
import { vmcoreinfoOf } from './vmcoreinfo.ts';

// Names and numbers of ELF are those of elf(5).
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SECTION_HEADER_SIZE = 64;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_R = 4;
const PF_RWX = 7;
const PN_XNUM = 0xffff;
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

/**
 * Writes the image's memory as an ELF core: a PT_LOAD for each run of pages, and a VMCOREINFO note where the image has
 * one. Addresses are physical, in p_vaddr too: without the dumped kernel there are no others, and gdb reads by p_vaddr
 * alone. Pages of zeroes are holes of the file.
 * @param kernel whose image is added, as it is before it runs, for debuggers that ask for it; then VMCOREINFO is of it
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_FAILED`
 */
export function writeElfCore(image: Image, path: string, kernel?: KernelImage): void {
  const loads: Load[] = pageRegions(image).map((region) => ({ ...region, virt: region.start }));
  let info = image.vmcoreinfo;
  if (kernel !== undefined) {
    const moved = kernelDistance(kernel, loads);
    loads.push(...kernel.loads.map((load) => ({ ...load, start: load.phys + moved })));
    info = vmcoreinfoOf(kernel, moved);
  }
  // crash takes the first program header for the notes, whatever it is (8.0.2, netdump.c).
  const note = info === undefined ? Buffer.alloc(0) : vmcoreinfoNote(info);
  const { head, offsets, size } = coreHead(image.target.arch, loads, note);
  writeFileWhole(path, isCore, (descriptor) => {
    writeAll(descriptor, head, 0);
    let load = 0;
    for (const { start, parts } of pageRuns(image)) {
      while (regionEnd(loads[load] ?? { start, size: 1n }) <= start) load++;
      const within = toNumber(start - (loads[load]?.start ?? start), 'offset in memory');
      writeAll(descriptor, Buffer.concat(parts), (offsets[load] ?? 0) + within);
    }
    loads.forEach(({ bytes }, i) => {
      if (bytes !== undefined) writeAll(descriptor, bytes, offsets[i]);
    });
    ftruncateSync(descriptor, size);
  });
}

const isCore = (head: Buffer) => isElf(head) && head.readUInt16LE(16) === ET_CORE;

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
  const notes = note.length > 0 ? 1 : 0;
  const count = loads.length + notes;
  // More than 65534 do not fit in e_phnum: then the count is in sh_info of section 0.
  const sectionAt = count < PN_XNUM ? 0 : HEADER_SIZE + PROGRAM_HEADER_SIZE * count;
  const noteAt = HEADER_SIZE + PROGRAM_HEADER_SIZE * count + (sectionAt > 0 ? SECTION_HEADER_SIZE : 0);
  const head = Buffer.alloc(Math.ceil((noteAt + note.length) / FILE_PAGE) * FILE_PAGE);
  head.write('\x7fELF\x02\x01\x01', 0, 'latin1'); // 64-bit, little-endian, version 1
  head.writeUInt16LE(ET_CORE, 16);
  head.writeUInt16LE(ARCHITECTURES[arch].elfMachine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BigInt(HEADER_SIZE), 32);
  head.writeBigUInt64LE(BigInt(sectionAt), 40);
  head.writeUInt16LE(HEADER_SIZE, 52);
  head.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  head.writeUInt16LE(Math.min(count, PN_XNUM), 56);
  if (sectionAt > 0) {
    head.writeUInt16LE(SECTION_HEADER_SIZE, 58);
    head.writeUInt16LE(1, 60);
    head.writeUInt32LE(count, sectionAt + 44);
  }
  head.set(note, noteAt);
  if (notes > 0) {
    const size = BigInt(note.length);
    writeProgramHeader(head, 0, { type: PT_NOTE, flags: PF_R, offset: noteAt, start: 0n, virt: 0n, size });
  }
  let end = head.length;
  const offsets = loads.map((load, i) => {
    const offset = end;
    end += Math.ceil(toNumber(load.size, 'bytes of memory') / FILE_PAGE) * FILE_PAGE;
    writeProgramHeader(head, notes + i, { ...load, type: PT_LOAD, flags: PF_RWX, offset });
    return offset;
  });
  return { head, offsets, size: end };
}

function writeProgramHeader(
  head: Buffer,
  index: number,
  header: Load & { type: number; flags: number; offset: number },
): void {
  const at = HEADER_SIZE + PROGRAM_HEADER_SIZE * index;
  head.writeUInt32LE(header.type, at);
  head.writeUInt32LE(header.flags, at + 4);
  head.writeBigUInt64LE(BigInt(header.offset), at + 8);
  head.writeBigUInt64LE(header.virt, at + 16);
  head.writeBigUInt64LE(header.start, at + 24);
  head.writeBigUInt64LE(header.size, at + 32);
  head.writeBigUInt64LE(header.size, at + 40);
}

/** Owner, type 0 and text, the way a kernel leaves it (7.3, kernel/vmcore_info.c: update_vmcoreinfo_note()). */
function vmcoreinfoNote(text: string): Buffer {
  const owner = Buffer.from('VMCOREINFO\0\0');
  const bytes = Buffer.from(text, 'latin1');
  const head = Buffer.alloc(12);
  head.writeUInt32LE('VMCOREINFO\0'.length, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, owner, bytes, Buffer.alloc(-bytes.length & 3)]);
}
