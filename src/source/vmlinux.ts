import { ARCHES, type Arch } from '../abi/arch.ts';
import { findGeneration } from '../abi/generations.ts';
import { ARCHITECTURES, archOfElf } from '../arch/architectures.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { type Btf, readBtfOf } from '../btf/btf.ts';
import { Elf } from '../elf/elf.ts';
import { type Source, withFile } from '../elf/source.ts';
import { symbolAddresses } from '../elf/symbols.ts';

const SYMBOLS = [
  '_text',
  'linux_banner',
  'kho_in',
  'kho_out',
  'kho_scratch',
  ...ARCHES.flatMap((arch) => ARCHITECTURES[arch].directMap.variables),
];

/** Offsets in structures that no header has (kernel/kexec_handover.c to 6.18, kernel/liveupdate/kexec_handover.c). */
export interface KhoOffsets {
  /** `kho_in.fdt_phys`: a physical address. */
  readonly inFdt: number;
  /** `kho_out.fdt`: a virtual one; undefined up to 6.18, which have a struct page there. */
  readonly outFdt?: number;
}

/** What is read of a vmlinux to find a handover in a dump of that kernel. */
export interface Vmlinux {
  readonly file: string;
  readonly arch: Arch;
  /** Bytes from `_text`, where the kernel's image begins. */
  readonly symbols: ReadonlyMap<string, bigint>;
  /** The text of linux_banner with its NUL: it names version, compiler and build. */
  readonly banner: Uint8Array;
  readonly release: string;
  readonly offsets: KhoOffsets;
}

const MAX_BANNER_LENGTH = 512;

/**
 * @throws KhoforgeError `FILE_UNREADABLE`, `ELF_INVALID`, `BTF_INVALID`, `VMLINUX_INVALID` when it is none with KHO and
 *   symbols
 */
export function readVmlinux(path: string): Vmlinux {
  return withFile(path, (source) => fromSource(source, path));
}

function fromSource(source: Source, file: string): Vmlinux {
  const elf = new Elf(source);
  const arch = archOfElf(elf.machine);
  if (arch === undefined)
    throw invalid(file, `ELF machine ${elf.machine}: KHO is on ${ARCHES.join(' and ')}`);
  const found = symbolAddresses(elf, SYMBOLS);
  const start = needed(found, '_text', file);
  const banner = bannerOf(source, elf, needed(found, 'linux_banner', file), file);
  if (!found.has('kho_in')) {
    throw invalid(file, 'no symbol kho_in', 'KHO is in Linux 6.16 and later, with CONFIG_KEXEC_HANDOVER=y');
  }
  const symbols = new Map([...found].map(([name, address]) => [name, address - start]));
  const release = /^Linux version (\d+\.\d+)/.exec(Buffer.from(banner).toString('latin1'))?.[1] ?? '';
  return { file, arch, symbols, banner, release, offsets: offsetsOf(source, elf, release) };
}

function needed(found: ReadonlyMap<string, bigint>, name: string, file: string): bigint {
  const address = found.get(name);
  if (address !== undefined) return address;
  throw invalid(file, `no symbol ${name}`, 'give the vmlinux of the build, not a stripped one');
}

function bannerOf(source: Source, elf: Elf, address: bigint, file: string): Uint8Array {
  const section = elf.section('.rodata');
  const at = section === undefined ? -1n : address - section.address;
  if (section === undefined || at < 0n || at >= BigInt(section.size))
    throw invalid(file, 'linux_banner is not in .rodata');
  const bytes = source.read(
    section.offset + Number(at),
    Math.min(MAX_BANNER_LENGTH, section.size - Number(at)),
  );
  const end = bytes.indexOf(0);
  if (end < 20) throw invalid(file, 'linux_banner has no text');
  return bytes.subarray(0, end + 1);
}

/**
 * By BTF; else they are at the start of their structures from 6.19 on, and behind a pointer before, whatever the
 * configuration (6.17 to 7.3).
 */
function offsetsOf(source: Source, elf: Elf, release: string): KhoOffsets {
  const btf = readBtfOf(source, elf);
  const inFdt = btf && offsetIn(btf, 'kho_in', 'fdt_phys');
  if (btf && inFdt !== undefined) {
    const outFdt = offsetIn(btf, 'kho_out', 'fdt');
    return { inFdt, ...(outFdt !== undefined && { outFdt }) };
  }
  const offset = findGeneration(release)?.fdtPhysOffset;
  return offset === undefined ? { inFdt: 0, outFdt: 0 } : { inFdt: offset };
}

function offsetIn(btf: Btf, struct: string, field: string): number | undefined {
  return btf.structLayout(struct)?.fields.find(({ name }) => name === field)?.offset;
}

function invalid(
  file: string,
  why: string,
  hint = 'give the vmlinux of the kernel that was dumped',
): KhoforgeError {
  return new KhoforgeError('VMLINUX_INVALID', `${file}: ${why}`, {
    where: { file },
    hint,
    exitCode: ExitCode.badInput,
  });
}
