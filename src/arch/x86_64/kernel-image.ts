import { KhoforgeError } from '../../base/errors.ts';
import { humanSize } from '../../base/numbers.ts';
import { Elf } from '../../elf/elf.ts';
import { isElf, PT_LOAD } from '../../elf/format.ts';
import { notesIn } from '../../elf/notes.ts';
import { type Source, withFile } from '../../elf/source.ts';
import { symbolAddresses } from '../../elf/symbols.ts';

/** One part of a kernel's image, as it is before the kernel runs. */
export interface KernelLoad {
  /** Virtual address. */
  readonly virt: bigint;
  /** Physical address, as linked. */
  readonly phys: bigint;
  /** Bytes of memory; what `bytes` does not reach is zero. */
  readonly size: bigint;
  readonly bytes: Uint8Array;
}

/** The image of an x86_64 kernel, and what tells debuggers which one it is. */
export interface KernelImage {
  readonly loads: readonly KernelLoad[];
  /** `uname -r`. */
  readonly release: string;
  /** In hex, of the linker. */
  readonly buildId?: string;
  readonly stext: bigint;
  /** The page tables that swapper_pg_dir is another name for. */
  readonly initTopPgt: bigint;
}

/** Of elf(5). */
export const EM_X86_64 = 62;
const NT_GNU_BUILD_ID = 3;
const MAX_LOADS = 64;
/** Where the kernel's image is mapped (7.3, arch/x86/include/asm/page_64_types.h: __START_KERNEL_map). */
const START_KERNEL_MAP = 0xffffffff80000000n;
/** No kernel takes more (same file: KERNEL_IMAGE_SIZE). */
const LARGEST = 1n << 30n;
const MAX_BANNER_LENGTH = 512;

/**
 * Reads the parts of a vmlinux that a boot puts into memory.
 * @throws KhoforgeError `FILE_UNREADABLE`, `ELF_INVALID`, `VMLINUX_INVALID` when it is none of x86_64 with symbols
 */
export function readKernelImage(path: string): KernelImage {
  return withFile(path, (source) => {
    if (!isElf(source.read(0, Math.min(4, source.size)))) throw invalid(path, 'no ELF file');
    const elf = new Elf(source);
    if (elf.machine !== EM_X86_64)
      throw invalid(path, `ELF machine ${elf.machine}, expected x86_64 (${EM_X86_64})`);
    const symbols = symbolAddresses(elf, ['_stext', 'init_top_pgt', 'linux_banner']);
    const symbol = (name: string) => {
      const address = symbols.get(name);
      if (address === undefined) throw invalid(path, `no symbol ${name}`);
      return address;
    };
    const loads = kernelLoads(source, elf, path);
    const banner = textAt(loads, symbol('linux_banner'));
    const release = /^Linux version (\S+)/.exec(banner)?.[1];
    if (release === undefined) throw invalid(path, 'linux_banner has no text');
    const buildId = buildIdOf(elf);
    return {
      loads,
      release,
      stext: symbol('_stext'),
      initTopPgt: symbol('init_top_pgt'),
      ...(buildId !== undefined && { buildId }),
    };
  });
}

function kernelLoads(source: Source, elf: Elf, path: string): KernelLoad[] {
  const { headers, missing } = elf.programHeaders();
  const [problem = headers.length > MAX_LOADS ? `${headers.length} program headers` : undefined] = missing;
  if (problem !== undefined) throw invalid(path, problem);
  // Per-CPU data of older kernels is linked at 0.
  const loads = headers.filter(({ type, virt }) => type === PT_LOAD && virt >= START_KERNEL_MAP);
  return loads.map(({ offset, virt, phys, fileSize, memorySize: size }) => {
    if (fileSize > size || size > LARGEST || offset + fileSize > BigInt(source.size)) {
      throw invalid(path, `a PT_LOAD of ${humanSize(size)} with ${humanSize(fileSize)} in the file`);
    }
    return { virt, phys, size, bytes: source.read(Number(offset), Number(fileSize)) };
  });
}

function textAt(loads: readonly KernelLoad[], address: bigint): string {
  const load = loads.find(({ virt, bytes }) => virt <= address && address < virt + BigInt(bytes.length));
  if (load === undefined) return '';
  const at = Number(address - load.virt);
  return Buffer.from(load.bytes.subarray(at, at + MAX_BANNER_LENGTH)).toString('latin1');
}

/** The note of the linker among the kernel's own. */
function buildIdOf(elf: Elf): string | undefined {
  const section = elf.section('.notes') ?? elf.section('.note.gnu.build-id');
  for (const { owner, type, desc } of section ? notesIn(elf.bytesOf(section), elf.endian) : []) {
    if (owner === 'GNU' && type === NT_GNU_BUILD_ID) return Buffer.from(desc).toString('hex');
  }
  return undefined;
}

function invalid(file: string, why: string): KhoforgeError {
  return new KhoforgeError('VMLINUX_INVALID', `${file}: ${why}`, {
    where: { file },
    hint: 'give the vmlinux of an x86_64 build with its symbols',
  });
}
