import { KhoforgeError } from '../../base/errors.ts';
import { humanSize } from '../../base/numbers.ts';
import { Elf, isElf } from '../../elf/elf.ts';
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

// Names and numbers of ELF are those of elf(5).
const PROGRAM_HEADER_SIZE = 56;
export const EM_X86_64 = 62;
const PT_LOAD = 1;
const NT_GNU_BUILD_ID = 3;
const MOST_LOADS = 64;
/** Where the kernel's image is mapped (7.3, arch/x86/include/asm/page_64_types.h: __START_KERNEL_map). */
const START_KERNEL_MAP = 0xffffffff80000000n;
/** No kernel takes more (same file: KERNEL_IMAGE_SIZE). */
const LARGEST = 1n << 30n;
const LONGEST_BANNER = 512;

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
    const symbols = symbolAddresses(source, elf, ['_stext', 'init_top_pgt', 'linux_banner']);
    const symbol = (name: string) => {
      const address = symbols.get(name);
      if (address === undefined) throw invalid(path, `no symbol ${name}`);
      return address;
    };
    const loads = kernelLoads(source, path);
    const banner = textAt(loads, symbol('linux_banner'));
    const release = /^Linux version (\S+)/.exec(banner)?.[1];
    if (release === undefined) throw invalid(path, 'linux_banner has no text');
    const buildId = buildIdOf(source, elf);
    return {
      loads,
      release,
      stext: symbol('_stext'),
      initTopPgt: symbol('init_top_pgt'),
      ...(buildId !== undefined && { buildId }),
    };
  });
}

function kernelLoads(source: Source, path: string): KernelLoad[] {
  const header = Buffer.from(source.read(0, 64));
  const table = header.readBigUInt64LE(32);
  const count = header.readUInt16LE(56);
  if (table + BigInt(count * PROGRAM_HEADER_SIZE) > BigInt(source.size) || count > MOST_LOADS) {
    throw invalid(path, `${count} program headers at ${table}, in a file of ${source.size} bytes`);
  }
  const raw = Buffer.from(source.read(Number(table), count * PROGRAM_HEADER_SIZE));
  const loads: KernelLoad[] = [];
  for (let at = 0; at < raw.length; at += PROGRAM_HEADER_SIZE) {
    const [offset, virt, phys, inFile, size] = [8, 16, 24, 32, 40].map((field) =>
      raw.readBigUInt64LE(at + field),
    );
    // Per-CPU data of older kernels is linked at 0.
    if (raw.readUInt32LE(at) !== PT_LOAD || virt === undefined || virt < START_KERNEL_MAP) continue;
    if (offset === undefined || phys === undefined || inFile === undefined || size === undefined) continue;
    if (inFile > size || size > LARGEST || offset + inFile > BigInt(source.size)) {
      throw invalid(path, `a PT_LOAD of ${humanSize(size)} with ${humanSize(inFile)} in the file`);
    }
    loads.push({ virt, phys, size, bytes: source.read(Number(offset), Number(inFile)) });
  }
  return loads;
}

function textAt(loads: readonly KernelLoad[], address: bigint): string {
  const load = loads.find(({ virt, bytes }) => virt <= address && address < virt + BigInt(bytes.length));
  if (load === undefined) return '';
  const at = Number(address - load.virt);
  return Buffer.from(load.bytes.subarray(at, at + LONGEST_BANNER)).toString('latin1');
}

/** The note of the linker among the kernel's own. */
function buildIdOf(source: Source, elf: Elf): string | undefined {
  const section = elf.section('.notes') ?? elf.section('.note.gnu.build-id');
  if (section === undefined) return undefined;
  const raw = Buffer.from(source.read(section.offset, section.size));
  for (let at = 0; at + 12 <= raw.length; ) {
    const [nameSize, size, type] = [raw.readUInt32LE(at), raw.readUInt32LE(at + 4), raw.readUInt32LE(at + 8)];
    const desc = at + 12 + Math.ceil(nameSize / 4) * 4;
    const isId = type === NT_GNU_BUILD_ID && raw.toString('latin1', at + 12, at + 12 + nameSize) === 'GNU\0';
    if (isId && desc + size <= raw.length) return raw.toString('hex', desc, desc + size);
    at = desc + Math.ceil(size / 4) * 4;
  }
  return undefined;
}

function invalid(file: string, why: string): KhoforgeError {
  return new KhoforgeError('VMLINUX_INVALID', `${file}: ${why}`, {
    where: { file },
    hint: 'give the vmlinux of an x86_64 build with its symbols',
  });
}
