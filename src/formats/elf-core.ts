import { ARCHES } from '../abi/arch.ts';
import { archOfElf } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex, humanSize, maxOf, minOf } from '../base/numbers.ts';
import { Elf, type ProgramHeader } from '../elf/elf.ts';
import { ET_CORE, PT_LOAD, PT_NOTE } from '../elf/format.ts';
import { findNote } from '../elf/notes.ts';
import type { Source } from '../elf/source.ts';
import { unionOf, without } from '../memory/intervals.ts';
import type { Region } from '../memory/regions.ts';
import { type Dump, type FileSegment, type SourceNote, tidySegments } from './dump.ts';
import type { MappedFile } from './mapped-file.ts';
import { MAX_RAM_NOTE_SIZE, RAM_NOTE, ramIn } from './ram-note.ts';

/** Bytes of VMCOREINFO that are read; a kernel writes a page (7.3, include/linux/vmcore_info.h). */
const MAX_INFO_LENGTH = 1 << 16;
const INFO = { owner: 'VMCOREINFO', type: 0 } as const;

/**
 * Reads the head of an ELF core: QEMU's dump-guest-memory, /proc/vmcore, or kdump's ELF. The memory stays in the file.
 * @throws KhoforgeError `ELF_INVALID`, `FILE_UNREADABLE`
 */
export function readElfCore(file: MappedFile): Dump {
  const { path, size } = file;
  const source: Source = { file: path, size, read: (offset, length) => file.read(offset, length) };
  const elf = new Elf(source);
  if (elf.type !== ET_CORE) throw noCore(path, elf.type);
  const arch = archOfElf(elf.machine);
  if (arch === undefined) throw strangeMachine(path, elf.machine);
  const { headers, missing } = elf.programHeaders();
  const loads = headers.filter(({ type }) => type === PT_LOAD);
  refuseVirtual(path, loads);
  const inFile = loads.filter(({ fileSize }) => fileSize > 0n).map(segment);
  const { segments, notes } = tidySegments(inFile, file);
  const reach = unionOf(loads.map(inMemory));
  const absent = without(reach, segments.map(region));
  const places = headers
    .filter(({ type }) => type === PT_NOTE)
    .map(({ offset, fileSize }) => ({
      offset: bounded(offset),
      size: bounded(fileSize),
    }));
  const info = findNote(source, elf.endian, places, INFO, MAX_INFO_LENGTH);
  const text =
    Buffer.from(info.desc ?? [])
      .toString('latin1')
      .split('\0')[0] ?? '';
  const own = findNote(source, elf.endian, places, RAM_NOTE, MAX_RAM_NOTE_SIZE).desc;
  const ram = own && ramIn(own);
  const keys = vmcoreinfoKeys(text);
  const pageSize = Number(keys.get('PAGESIZE'));
  const release = keys.get('OSRELEASE');
  const cut = missing.length > 0 || notes.some(({ code }) => code === 'FILE_TRUNCATED');
  return {
    kind: 'ELF core',
    file,
    segments,
    reach,
    ...(ram && { ram }),
    ...(absent.length > 0 && { absent }),
    ...(cut && { cutShort: true }),
    arch,
    endian: elf.endian,
    ...(pageSize > 0 && { pageSize }),
    ...(release !== undefined && { release }),
    ...(text !== '' && { vmcoreinfo: text }),
    notes: [
      ...missing.map((what) => ({ code: 'HEADERS_TRUNCATED', text: what })),
      ...notes,
      ...withoutBytes(absent),
      ...(info.isCut
        ? [
            {
              code: 'NOTES_TRUNCATED',
              text: 'it has more notes than are looked at: VMCOREINFO may be behind them',
            },
          ]
        : []),
    ],
  };
}

function withoutBytes(absent: readonly Region[]): SourceNote[] {
  const [first] = absent;
  if (!first) return [];
  const bytes = absent.reduce((sum, { size }) => sum + size, 0n);
  const text = `${humanSize(bytes)} of the memory that it tells of has no bytes in the file, the first at ${hex(first.start)}`;
  return [{ code: 'SEGMENT_EMPTY', text }];
}

/** What others call the machines of kernels that have no KHO (elf(5), e_machine). */
const STRANGERS: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  243: 'riscv',
  258: 'loongarch',
};

function strangeMachine(file: string, machine: number): KhoforgeError {
  const name = STRANGERS[machine];
  return new KhoforgeError(
    'ELF_INVALID',
    `${file}: a core of ELF machine ${machine}${name === undefined ? '' : ` (${name})`}, KHO is on ${ARCHES.join(' and ')}`,
    { where: { file, offset: 18 }, hint: 'give the dump of a kernel with KHO' },
  );
}

/** gcore, and /proc/kcore of old kernels, leave p_paddr 0: what stands at which physical address is not said. */
function refuseVirtual(file: string, loads: readonly ProgramHeader[]): void {
  if (loads.length < 2 || loads.some(({ phys }) => phys !== 0n)) return;
  throw new KhoforgeError('ELF_INVALID', `${file}: all ${loads.length} segments have p_paddr 0`, {
    where: { file },
    hint: 'a core of virtual addresses, such as gcore writes, does not say where memory is: dump physical memory',
  });
}

function noCore(file: string, type: number): KhoforgeError {
  return new KhoforgeError(
    'ELF_INVALID',
    `${file}: an ELF file of type ${type}, expected a core (${ET_CORE})`,
    {
      where: { file, offset: 16 },
      hint: 'give the dump; a vmlinux goes to --vmlinux, a boot.elf to QEMU',
    },
  );
}

const segment = ({ phys, offset, fileSize }: ProgramHeader): FileSegment => ({
  start: phys,
  offset: bounded(offset),
  size: bounded(fileSize),
});

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
/** Half of it, so that an offset and a size add up to a safe integer. */
const bounded = (value: bigint): number => Number(value > LARGEST / 2n ? LARGEST / 2n : value);

/** What a segment tells of, in the file or not. */
const inMemory = ({ phys, fileSize, memorySize }: ProgramHeader): Region => {
  const size = maxOf(fileSize, memorySize);
  return { start: phys, size: minOf(size, (1n << 64n) - phys) };
};

const region = ({ start, size }: FileSegment): Region => ({ start, size: BigInt(size) });

/** KEY=VALUE lines that a kernel leaves for those who read its dump (kernel/vmcore_info.c, 7.3). */
function vmcoreinfoKeys(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split('='));
  return new Map(lines.map(([key = '', value = '']): [string, string] => [key, value]));
}
