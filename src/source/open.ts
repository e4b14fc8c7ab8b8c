import { statSync } from 'node:fs';
import { needAddress, needPath } from '../base/arguments.ts';
import { KhoforgeError } from '../base/errors.ts';
import { humanSize } from '../base/numbers.ts';
import { FDT_MAGIC } from '../fdt/format.ts';
import { isImageDirectory, openImageDirectory } from '../formats/directory.ts';
import { type Dump, dumpMemory, NO_HITS, type ScanHits, scanDump, withFacts } from '../formats/dump.ts';
import { readElfCore } from '../formats/elf-core.ts';
import { MappedFile } from '../formats/mapped-file.ts';
import { readRaw } from '../formats/raw.ts';
import { readFdtAlone } from './fdt-alone.ts';
import { refuseForeign } from './foreign.ts';
import { openLive } from './live.ts';
import { locate } from './locate.ts';
import { type FoundHandover, type OpenedSource, type OpenOptions, opened } from './opened.ts';
import { findBySymbols, symbolText } from './symbols.ts';
import { readVmlinux } from './vmlinux.ts';

/** The source that is the running kernel. */
const LIVE = 'live';
/** FDTs that are read as such: a page, or a device tree. */
const MAX_FDT_SIZE = 2 << 20;
/**
 * Opens whatever holds a handover: an image directory, an ELF core, a raw dump (with `base`), a root FDT alone, or
 * `live`, the running kernel.
 * Files are mapped, so that their size does not matter. Close it when its image is of no more use.
 * @throws KhoforgeError `USAGE`, `FILE_UNREADABLE`, `SOURCE_UNKNOWN`, `SOURCE_COMPRESSED`, `SOURCE_FOREIGN`, `ELF_INVALID`, `FDT_INVALID`,
 *   `HANDOVER_NOT_FOUND`, or one of readImageDirectory()
 */
export function openSource(path: string, options: OpenOptions = {}): OpenedSource {
  needPath('the source', path);
  needAddress('base', options.base);
  needAddress('fdtPhys', options.fdtPhys);
  if (path === LIVE) {
    if (options.vmlinux === undefined) return openLive('/', options);
    throw new KhoforgeError('USAGE', '--vmlinux goes with a dump: of this host debugfs tells the root FDT');
  }
  if (isImageDirectory(path)) {
    const { image, file } = openImageDirectory(path);
    return opened({ kind: 'image directory', image, candidates: [], choice: '', notes: [] }, file);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw unknown(path, 'a directory without an image');
  const file = new MappedFile(path);
  try {
    const found = openFile(file, options);
    file.settle();
    return opened(found, file);
  } catch (error) {
    file.close();
    throw error;
  }
}

function openFile(file: MappedFile, options: OpenOptions): FoundHandover {
  const head = file.read(0, 64);
  refuseForeign(file, head, options.base !== undefined);
  if (head.toString('latin1', 0, 4) === '\x7fELF') return openDump(readElfCore(file), options);
  if (options.base !== undefined) return openDump(readRaw(file, options.base), options);
  if (head.length >= 4 && head.readUInt32BE(0) === FDT_MAGIC && file.size <= MAX_FDT_SIZE) {
    const { arch, pageSize, own } = options;
    const target = {
      ...(arch && { arch }),
      ...(pageSize !== undefined && { pageSize }),
      ...(own && { own }),
    };
    return {
      kind: 'root FDT alone',
      ...readFdtAlone(file.read(0, file.size), target),
      candidates: [],
      choice: '',
    };
  }
  throw unknown(file.path, 'neither an ELF core nor a root FDT');
}

function openDump(dump: Dump, options: OpenOptions): FoundHandover {
  const memory = dumpMemory(dump);
  const { arch, endian, pageSize } = dump;
  const bySymbols =
    options.vmlinux === undefined ? undefined : findBySymbols(memory, readVmlinux(options.vmlinux));
  const fdtPhys = options.fdtPhys ?? bySymbols?.out ?? bySymbols?.in;
  const hits = withArray(
    memory.pieces.length > 0 ? scanDump(dump, options.onScan) : NO_HITS,
    bySymbols?.scratch,
  );
  const located = locate(memory, hits, {
    ...options,
    ...(arch && { arch }),
    ...(endian && { endian }),
    ...(pageSize !== undefined && { pageSize }),
    reach: dump.reach,
    ...(dump.ram && { ram: dump.ram }),
    ...(fdtPhys !== undefined && { fdtPhys }),
    ...(options.fdtPhys === undefined && { namedBy: "the kernel's kho_out or kho_in" }),
  });
  const symbols = bySymbols ? [{ code: 'SYMBOLS', text: symbolText(bySymbols) }] : [];
  const notes = [...dump.notes, ...symbols, ...located.notes];
  return { kind: describe(dump), ...located, image: withFacts(located.image, dump), notes };
}

/** The kernel's own scratch array before what only looks like one. */
function withArray(hits: ScanHits, scratch: bigint | undefined): ScanHits {
  return scratch === undefined ? hits : { ...hits, scratchArrays: [scratch, ...hits.scratchArrays] };
}

function describe({ kind, segments, release }: Dump): string {
  const bytes = segments.reduce((sum, { size }) => sum + size, 0);
  const of = release === undefined ? '' : ` of ${release}`;
  return `${kind}${of}, ${segments.length} segments, ${humanSize(BigInt(bytes))}`;
}

function unknown(path: string, what: string): KhoforgeError {
  return new KhoforgeError('SOURCE_UNKNOWN', `${path} is ${what}`, {
    where: { file: path },
    hint: 'give an image directory, an ELF core, a root FDT such as kho.dtb, or a raw dump with --base ADDRESS',
  });
}
