import { isDeepStrictEqual } from 'node:util';
import type { Endian } from '../abi/target.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { Elf } from '../elf/elf.ts';
import { isElf } from '../elf/format.ts';
import type { ElfSection } from '../elf/sections.ts';
import { memorySource, type Source, withFile } from '../elf/source.ts';
import { type BtfEnum, enumOf } from './enums.ts';
import { btfEndian, readSections } from './header.ts';
import { isAggregate, strip } from './resolve.ts';
import { type Inside, type StructLayout, structLayout } from './struct-layout.ts';
import { type BtfType, Kind, TypeTable } from './types.ts';

/** That of a distribution's kernel is 5 to 10 MiB. */
const MAX_BTF_SIZE = 256 << 20;

/** A tag has one definition, or some that agree; more is no kernel's BTF. */
const MAX_DEFINITIONS = 16;

/** The names that C allows for `long`: of its size are the pointers of a kernel. Which one depends on the encoder. */
const LONG_NAMES = ['long int', 'long unsigned int', 'long', 'unsigned long'];

/** The types of a kernel, as its BTF has them. Nothing is decoded before it is asked for. */
export class Btf {
  readonly endian: Endian;
  /** Bytes: that of the ELF file, else of `long`; undefined when nothing tells. */
  readonly pointerSize: 4 | 8 | undefined;
  /** e_machine of the ELF file; undefined for a raw blob, which does not tell. */
  readonly machine: number | undefined;
  /** Series of the kernel, such as `7.3`, by the banner in its ELF file; undefined where there is none. */
  readonly release: string | undefined;
  readonly #types: TypeTable;

  /** Use readBtf or openBtf. */
  constructor(types: TypeTable, endian: Endian, machine?: number, release?: string) {
    this.#types = types;
    this.endian = endian;
    this.machine = machine;
    this.release = release;
    // Elf reads ELF64 alone.
    this.pointerSize = machine === undefined ? pointerSizeOf(types) : 8;
  }

  /** Number of types. */
  get typeCount(): number {
    return this.#types.count;
  }

  /**
   * The layout of the struct or union with that tag, else of the typedef with that name.
   * @param inside which members get `fields`
   * @returns undefined when there is none, or it is only declared
   * @throws KhoforgeError `BTF_INVALID`; `BTF_AMBIGUOUS` when there are definitions that differ
   */
  structLayout(name: string, inside: Inside = 'unnamed'): StructLayout | undefined {
    const found = this.#structs(name);
    return this.#agreed(name, found, (type) =>
      structLayout(this.#types, type, name, inside, () => this.#needPointers()),
    );
  }

  /** Whether a struct or union with that tag is defined. */
  findStruct(name: string): boolean {
    return this.#structs(name).length > 0;
  }

  /** Whether a struct or union with that tag is declared somewhere. It may be defined as well. */
  isForward(name: string): boolean {
    return !this.#types.named(name, [Kind.fwd]).next().done;
  }

  /**
   * The constants of the enum with that tag.
   * @returns undefined when there is none: BTF has only the types that compiled code or data refers to
   * @throws KhoforgeError `BTF_INVALID`; `BTF_AMBIGUOUS` when there are definitions that differ
   */
  enumOf(name: string): BtfEnum | undefined {
    const found = this.#take(name, [Kind.enum, Kind.enum64]);
    return this.#agreed(name, found, (type) => enumOf(this.#types, type, name));
  }

  #structs(name: string): BtfType[] {
    const tagged = this.#take(name, [Kind.struct, Kind.union]);
    if (tagged.length > 0) return tagged;
    return this.#take(name, [Kind.typedef]).flatMap(({ id, at }) => {
      const type = strip(this.#types, id, at);
      return type !== undefined && isAggregate(type) ? [type] : [];
    });
  }

  #take(name: string, kinds: readonly number[]): BtfType[] {
    const found: BtfType[] = [];
    for (const type of this.#types.named(name, kinds)) {
      if (found.push(type) > MAX_DEFINITIONS)
        throw ambiguous(`more than ${MAX_DEFINITIONS} definitions of '${name}'`);
    }
    return found;
  }

  #agreed<T>(name: string, found: readonly BtfType[], read: (type: BtfType) => T): T | undefined {
    const [first, ...others] = found.map(read);
    if (others.every((other) => isDeepStrictEqual(other, first))) return first;
    throw ambiguous(`${found.length} definitions of '${name}', which differ`);
  }

  #needPointers(): number {
    if (this.pointerSize !== undefined) return this.pointerSize;
    throw this.#types.view.error(0, "no type 'long' tells how big a pointer is", 'give the vmlinux itself');
  }
}

/**
 * Reads the BTF in an ELF64 file (its .BTF section) or in a raw blob, of either byte order.
 * @param file what errors call it
 * @throws KhoforgeError `BTF_INVALID`, `ELF_INVALID`, `BTF_MISSING`
 */
export function readBtf(bytes: Uint8Array, file?: string): Btf {
  return fromSource(memorySource(bytes, file));
}

/**
 * As readBtf, for a vmlinux, a raw .BTF or /sys/kernel/btf/vmlinux. Of an ELF file only the section is read.
 * @throws KhoforgeError as readBtf, and `FILE_UNREADABLE`
 */
export function openBtf(path: string): Btf {
  return withFile(path, fromSource);
}

function fromSource(source: Source): Btf {
  const start = source.read(0, Math.min(4, source.size));
  if (isElf(start)) return fromElf(source);
  const endian = btfEndian(start);
  if (endian !== undefined) return fromBlob(source, { address: 0n, offset: 0, size: source.size }, endian);
  throw problem(
    'BTF_INVALID',
    source,
    `starts with 0x${Buffer.from(start).toString('hex')}: neither ELF nor BTF`,
    {
      hint: 'give a vmlinux (not the bzImage or Image made of it), its .BTF section, or /sys/kernel/btf/vmlinux',
    },
  );
}

/** The BTF of an ELF file that is open; undefined when it has none. @throws KhoforgeError as readBtf */
export function readBtfOf(source: Source, elf: Elf): Btf | undefined {
  return elf.section('.BTF') === undefined ? undefined : fromElf(source, elf);
}

function fromElf(source: Source, elf = new Elf(source)): Btf {
  const section = elf.section('.BTF');
  if (section === undefined) {
    throw problem('BTF_MISSING', source, 'no .BTF section', {
      hint: 'build with CONFIG_DEBUG_INFO_BTF=y and pahole installed',
      exitCode: ExitCode.couldNotRun,
    });
  }
  if (elf.section('.BTF.base') !== undefined) {
    throw problem('BTF_INVALID', source, 'split BTF with a .BTF.base section, as in a kernel module', {
      hint: 'give the vmlinux; the structures that KHO hands over are never in a module',
    });
  }
  return fromBlob(source, section, elf.endian, elf);
}

function fromBlob(source: Source, section: ElfSection, endian: Endian, elf?: Elf): Btf {
  if (section.size > MAX_BTF_SIZE) {
    throw problem(
      'BTF_INVALID',
      source,
      `${section.size} bytes of BTF: at most ${MAX_BTF_SIZE} are read`,
      {},
    );
  }
  const bytes = source.read(section.offset, section.size);
  const origin = { code: 'BTF_INVALID', file: source.file, base: section.offset } as const;
  const types = new TypeTable(readSections(bytes, endian, origin));
  return new Btf(types, endian, elf?.machine, elf && bannerRelease(source, elf));
}

/** linux_banner is in .rodata (init/version-timestamp.c, 7.3). */
function bannerRelease(source: Source, elf: Elf): string | undefined {
  const section = elf.section('.rodata');
  if (section === undefined || section.size > MAX_BTF_SIZE) return undefined;
  const bytes = Buffer.from(source.read(section.offset, section.size));
  const at = bytes.indexOf('Linux version ');
  return at < 0 ? undefined : /^Linux version (\d+\.\d+)/.exec(bytes.toString('latin1', at, at + 64))?.[1];
}

function pointerSizeOf(types: TypeTable): 4 | 8 | undefined {
  for (const name of LONG_NAMES) {
    for (const { sizeOrType } of types.named(name, [Kind.int])) {
      if (sizeOrType === 4 || sizeOrType === 8) return sizeOrType;
    }
  }
  return undefined;
}

function problem(
  code: string,
  { file }: Source,
  message: string,
  options: { hint?: string; exitCode?: ExitCode },
): KhoforgeError {
  if (file === undefined) return new KhoforgeError(code, message, options);
  return new KhoforgeError(code, `${file}: ${message}`, { ...options, where: { file, offset: 0 } });
}

function ambiguous(message: string): KhoforgeError {
  return new KhoforgeError('BTF_AMBIGUOUS', message);
}
