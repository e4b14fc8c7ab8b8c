import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_ARCH, PAGE_SIZES } from '../abi/arch.ts';
import { rootNames } from '../abi/root-names.ts';
import { makeTarget } from '../abi/target.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { getProperty } from '../fdt/reader.ts';
import { asU64Native } from '../fdt/values.ts';
import { type Dump, NO_HITS, type SourceNote, scanDump, withFacts } from '../formats/dump.ts';
import { readElfCore } from '../formats/elf-core.ts';
import { MappedFile } from '../formats/mapped-file.ts';
import { FetchedMemory } from '../memory/fetched-memory.ts';
import { mapPages } from '../memory/map-pages.ts';
import { alignedInside, type Region, regionEnd } from '../memory/regions.ts';
import { kernelsWith, rootFdtAt } from './candidates.ts';
import { debugfsHandover } from './debugfs.ts';
import { type LocateOptions, locate } from './locate.ts';
import { type FoundHandover, type OpenedSource, type OpenOptions, opened } from './opened.ts';

/**
 * The handover of the running kernel, out of /proc/kcore: an ELF core that can be read but not mapped. RAM is what
 * /proc/iomem says. Needs root.
 * @param root folder that `proc` is in
 * @throws KhoforgeError `LIVE_UNREADABLE` (exit code 3), `HANDOVER_NOT_FOUND`
 */
export function openLive(
  root: string,
  options: LocateOptions & Pick<OpenOptions, 'onScan'> = {},
): OpenedSource {
  const path = join(root, 'proc/kcore');
  if (!existsSync(path)) throw unreadable(path, 'it does not exist: the kernel has no CONFIG_PROC_KCORE');
  const ram = systemRam(join(root, 'proc/iomem'));
  // Stays open: memory is read when it is asked for.
  const file = new MappedFile(path);
  try {
    return opened(findLive(root, file, ram, options), file);
  } catch (error) {
    file.close();
    throw error;
  }
}

function findLive(
  root: string,
  file: MappedFile,
  ram: readonly Region[],
  options: LocateOptions & Pick<OpenOptions, 'onScan'>,
): FoundHandover {
  const core = readElfCore(file);
  // /proc/kcore tells of memory that is no RAM, and its size of no end.
  const { absent: _absent, cutShort: _cut, ...live } = core;
  const dump: Dump = {
    ...live,
    segments: core.segments.filter(({ start, size }) => overlapsRam(ram, start, size)),
  };
  const memory = fetched(dump);
  const found = options.fdtPhys === undefined ? debugfsHandover(root, memory, options.own) : undefined;
  const { arch, endian } = core;
  const hints = { ...(arch && { arch }), ...(endian && { endian }), ram, ...found, ...options };
  // All of RAM is read only where nothing tells the place.
  const hits = hints.fdtPhys === undefined ? scanDump(dump, options.onScan) : NO_HITS;
  const roots = hints.fdtPhys === undefined ? hits.fdts : [hints.fdtPhys];
  for (const phys of roots) fetchMaps(memory, phys, hints);
  const located = locate(memory, hits, hints);
  const searched: SourceNote[] =
    hints.fdtPhys === undefined
      ? [{ code: 'RAM_SEARCHED', text: 'debugfs does not lead to the root FDT: all RAM was searched' }]
      : [];
  const kind = `live host, ${dump.segments.length} ranges of /proc/kcore`;
  return {
    kind,
    ...located,
    notes: [...searched, ...located.notes.filter(({ code }) => code !== 'RAM')],
    image: { ...withFacts(located.image, live), ram },
  };
}

function fetched({ file, segments }: Dump): FetchedMemory {
  const regions = segments.map(({ start, size }) => ({ start, size: BigInt(size) }));
  return new FetchedMemory(regions, (start, length) => {
    const segment = segments.find((one) => one.start <= start && start < one.start + BigInt(one.size));
    if (!segment) return new Uint8Array(length);
    const bytes = file.read(segment.offset + Number(start - segment.start), length);
    return bytes.length === length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
  });
}

/** A walk of the addon reads only what is there already: the pages of each map that a root FDT may mean. */
function fetchMaps(
  memory: FetchedMemory,
  phys: bigint,
  { arch = DEFAULT_ARCH, pageSize, own }: LocateOptions,
): void {
  const found = rootFdtAt(memory, phys, own);
  if (!found) return;
  for (const kernel of kernelsWith(found.compatible, own)) {
    for (const size of pageSize === undefined ? PAGE_SIZES[arch] : [pageSize]) {
      const target = makeTarget({ ...kernel, arch, pageSize: size });
      const value = getProperty(found.tree.root, rootNames(target.abi).memoryMap)?.value;
      const map = value && asU64Native(value, 'little');
      if (map) mapPages(target, memory, map);
    }
  }
}

/** Lines such as `00100000-0ffdffff : System RAM`; a user without rights sees zeroes. */
function systemRam(path: string): Region[] {
  const text = new TextDecoder().decode(readInput(path));
  const lines = text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) : System RAM$/gm);
  const ram = [...lines].map(([, first = '0', last = '0']) => {
    const start = BigInt(`0x${first}`);
    return alignedInside({ start, size: BigInt(`0x${last}`) + 1n - start }, 4096n);
  });
  const real = ram.filter(({ size }) => size > 0n);
  if (real.length > 0) return real;
  throw unreadable(path, 'it shows no System RAM');
}

function overlapsRam(ram: readonly Region[], start: bigint, size: number): boolean {
  return ram.some((region) => start < regionEnd(region) && region.start < start + BigInt(size));
}

function unreadable(path: string, text: string): KhoforgeError {
  return new KhoforgeError('LIVE_UNREADABLE', `${path}: ${text}`, {
    where: { file: path },
    hint: 'a live host is read as root, on a kernel that is not locked down',
    exitCode: ExitCode.couldNotRun,
  });
}
