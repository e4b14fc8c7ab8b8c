import { archOfElf } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { Elf, type ProgramHeader } from '../elf/elf.ts';
import { ET_CORE, PT_LOAD, PT_NOTE } from '../elf/format.ts';
import { notesIn } from '../elf/notes.ts';
import { type Dump, type FileSegment, type SourceNote, tidySegments } from './dump.ts';
import type { MappedFile } from './mapped-file.ts';

/** Bytes of notes that are read; VMCOREINFO is a page. */
const MAX_NOTE_BYTES = 1n << 20n;

/**
 * Reads the head of an ELF core: QEMU's dump-guest-memory, /proc/vmcore, or kdump's ELF. The memory stays in the file.
 * @throws KhoforgeError `ELF_INVALID`, `FILE_UNREADABLE`
 */
export function readElfCore(file: MappedFile): Dump {
  const { path, size } = file;
  const elf = new Elf({ file: path, size, read: (offset, length) => file.read(offset, length) });
  if (elf.type !== ET_CORE) throw noCore(path, elf.type);
  const { headers, missing } = elf.programHeaders();
  const loads = headers.filter(({ type }) => type === PT_LOAD);
  const { segments, notes } = tidySegments(loads.filter(({ fileSize }) => fileSize > 0n).map(segment), size);
  const empty = loads.filter(({ fileSize, memorySize }) => fileSize === 0n && memorySize > 0n);
  const text = vmcoreinfoText(file, elf, headers);
  const info = vmcoreinfoKeys(text);
  const pageSize = Number(info.get('PAGESIZE'));
  const release = info.get('OSRELEASE');
  const arch = archOfElf(elf.machine);
  return {
    kind: 'ELF core',
    file,
    segments,
    endian: elf.endian,
    ...(arch && { arch }),
    ...(pageSize > 0 && { pageSize }),
    ...(release !== undefined && { release }),
    ...(text !== '' && { vmcoreinfo: text }),
    notes: [
      ...missing.map((what) => ({ code: 'HEADERS_TRUNCATED', text: what })),
      ...notes,
      ...withoutBytes(empty.length),
    ],
  };
}

function withoutBytes(count: number): SourceNote[] {
  if (count === 0) return [];
  return [{ code: 'SEGMENT_EMPTY', text: `${count} segments have memory but no bytes in the file` }];
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

/** KEY=VALUE lines that a kernel leaves for those who read its dump (kernel/vmcore_info.c, 7.3). */
function vmcoreinfoText(file: MappedFile, { endian }: Elf, headers: readonly ProgramHeader[]): string {
  for (const { type, offset, fileSize } of headers) {
    if (type !== PT_NOTE) continue;
    const size = fileSize < MAX_NOTE_BYTES ? fileSize : MAX_NOTE_BYTES;
    for (const { owner, desc } of notesIn(file.read(bounded(offset), Number(size)), endian)) {
      if (owner === 'VMCOREINFO') return Buffer.from(desc).toString('latin1').split('\0')[0] ?? '';
    }
  }
  return '';
}

function vmcoreinfoKeys(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split('='));
  return new Map(lines.map(([key = '', value = '']): [string, string] => [key, value]));
}
