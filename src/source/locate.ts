import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import type { ScanHits, SourceNote } from '../formats/dump.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';
import type { BootRecord, Image } from '../model/image.ts';
import { archOfRecord, type FoundRecord, findRecords } from './boot-records.ts';
import { type Candidate, makeCandidate, rootFdtAt, type TargetHints } from './candidates.ts';
import { MapBudget } from './map-budget.ts';
import { ramOf } from './ram.ts';
import { explainChoice, rankCandidates } from './ranking.ts';
import { type FoundScratch, findScratch, scratchArrayBytes, scratchArrayPlace } from './scratch-array.ts';

/** A handover found in memory, ready for everything that takes an image. */
export interface Located {
  readonly image: Image;
  /** The chosen one first. */
  readonly candidates: readonly Candidate[];
  /** Why the first is chosen. */
  readonly choice: string;
  readonly notes: readonly SourceNote[];
}

export interface LocateOptions extends TargetHints {
  /** Address of the root FDT, when the user knows. */
  readonly fdtPhys?: bigint;
  /** Who named `fdtPhys`; default `--fdt-phys`. */
  readonly namedBy?: string;
  /** RAM, where the source tells. */
  readonly ram?: readonly Region[];
  /** What the source tells of as memory, whether it has it or not; default: what it has. */
  readonly reach?: readonly Region[];
  /** The scratch regions, when `namedBy` tells them too. */
  readonly scratch?: readonly Region[];
}

/** FDTs of other kinds, such as overlays of firmware, can be many: no more are looked at. */
const MAX_CANDIDATES = 256;
/** Boot records of one root FDT whose scratch array is looked for: what older boots left, and copies. */
const MAX_RECORDS = 16;
/** More was there than is looked at. */
const CUT = 'SCAN_TRUNCATED';

/**
 * Finds the handover in the memory of a machine: by address, from boot records, or by its root FDT.
 * The scratch array is put where the jump will put it, so that the image is as the receiver will see it.
 * @throws KhoforgeError `HANDOVER_NOT_FOUND`
 */
export function locate(memory: PhysicalMemory, hits: ScanHits, options: LocateOptions = {}): Located {
  const records = findRecords(memory, hits, hits.fdts.slice(0, MAX_CANDIDATES));
  const arch =
    options.arch ?? (records[0] && archOfRecord(records[0].kind)) ?? archOfBootParams(memory, hits);
  const hints: LocateOptions = { ...options, ...(arch && { arch }) };
  const found = findCandidates(memory, hits, records, hints);
  const candidates = rankCandidates(found.candidates);
  const [chosen] = candidates;
  if (!chosen) throw notFound(records.length);
  const notes: SourceNote[] =
    hits.truncated || found.isCut
      ? [{ code: CUT, text: 'more places look like a handover than were looked at' }]
      : [];
  const image = assemble(memory, hits, chosen, notes, options);
  return { image, candidates, choice: explainChoice(candidates), notes };
}

/** boot_params lead to setup_data. */
function archOfBootParams(memory: PhysicalMemory, hits: ScanHits): Arch | undefined {
  return hits.bootParams.length > 0 && memory.pieces.length > 0 ? archOfRecord('setup_data') : undefined;
}

function findCandidates(
  memory: PhysicalMemory,
  hits: ScanHits,
  records: readonly FoundRecord[],
  { fdtPhys, namedBy = '--fdt-phys', ...hints }: LocateOptions,
): { candidates: Candidate[]; isCut: boolean } {
  const named = fdtPhys === undefined ? [] : [fdtPhys];
  const recorded = records.map(({ fdtAddr }) => fdtAddr);
  const places = new Set(named);
  // Where there are too many, the last are left out: what only looks like a root FDT, and records that lead to none.
  for (const phys of [...recorded, ...hits.fdts]) {
    if (places.size > MAX_CANDIDATES) break;
    if (rootFdtAt(memory, phys, hints.own)) places.add(phys);
  }
  for (const phys of recorded) places.add(phys);
  const budget = new MapBudget();
  const candidates = [...places].slice(0, MAX_CANDIDATES).map((phys) => {
    const own = records.filter(({ fdtAddr }) => fdtAddr === phys);
    return makeCandidate({ memory, budget }, phys, own, hints, phys === fdtPhys ? namedBy : null);
  });
  return { candidates, isCut: places.size > MAX_CANDIDATES || budget.isSpent };
}

function assemble(
  memory: PhysicalMemory,
  hits: ScanHits,
  chosen: Candidate,
  notes: SourceNote[],
  options: LocateOptions,
): Image {
  const { target, phys } = chosen;
  const { scratch = toldScratch(options), record } = scratchOf(memory, hits, chosen);
  if (!record) {
    const text =
      'no boot record leads to the root FDT: no kexec image is loaded; the one it would have is made up';
    notes.push({ code: 'NO_BOOT_RECORD', text });
  }
  if (!scratch && chosen.records.length > MAX_RECORDS && !notes.some(({ code }) => code === CUT)) {
    const text = `${chosen.records.length} boot records lead to the root FDT: of the first ${MAX_RECORDS} the scratch array was looked for, and not found`;
    notes.push({ code: CUT, text });
  }
  const bootRecord = completeRecord(chosen, record, scratch);
  noteScratch(notes, bootRecord, scratch);
  const regions = scratch?.regions ?? [];
  if (scratch && !scratch.inPlace && bootRecord.scratchSize > 0n) {
    memory.write(bootRecord.scratchAddr, scratchArrayBytes(regions, target));
  }
  const needed = [
    phys,
    ...regions.filter(({ size }) => size > 0n).map(({ start, size }) => start + size - 1n),
  ];
  const { ram, from, isGuess } = ramOf(memory, target, hits.bootParams, needed, options);
  notes.push(
    ram.length > 0
      ? { code: 'RAM', text: `RAM is what ${from} tells: ${ramText(ram)}` }
      : { code: 'RAM', text: `RAM is not known: ${from} leaves out what the handover needs` },
  );
  return {
    target,
    ram,
    ...(isGuess && ram.length > 0 && { ramGuessed: true }),
    bootRecord,
    scratch: regions,
    memory,
    placements: [],
    expect: { verdict: 'revived', lines: [], absent: [] },
  };
}

function toldScratch({ scratch = [], namedBy = '' }: LocateOptions): FoundScratch | undefined {
  return scratch.length === 0 ? undefined : { regions: scratch, from: namedBy, inPlace: false };
}

/** Of several records the first whose array is found. */
function scratchOf(
  memory: PhysicalMemory,
  hits: ScanHits,
  { target, records }: Candidate,
): { scratch: FoundScratch | undefined; record: FoundRecord | undefined } {
  for (const record of records.slice(0, MAX_RECORDS)) {
    const scratch = findScratch(memory, target, record, hits.scratchArrays);
    if (scratch) return { scratch, record };
  }
  const [record] = records;
  return { scratch: record ? undefined : findScratch(memory, target, undefined, hits.scratchArrays), record };
}

/** Without a record, what kexec_file_load() would write (kho_fill_kimage(), 7.3). */
function completeRecord(
  { phys, target }: Candidate,
  record: FoundRecord | undefined,
  scratch: FoundScratch | undefined,
): BootRecord {
  if (record) {
    const { phys: _, ...own } = record;
    return own;
  }
  const place = scratch && scratchArrayPlace(scratch.regions, target);
  return ARCHITECTURES[target.arch].bootRecord(target, {
    fdtAddr: phys,
    fdtSize: BigInt(target.pageSize),
    scratchAddr: place ?? 0n,
    scratchSize:
      place === undefined || !scratch
        ? 0n
        : BigInt(scratch.regions.length * target.abi.struct('kho_scratch').size),
  });
}

function noteScratch(notes: SourceNote[], record: BootRecord, scratch: FoundScratch | undefined): void {
  if (!scratch) {
    notes.push({ code: 'SCRATCH_ABSENT', text: 'the scratch array is nowhere in memory' });
  } else if (!scratch.inPlace && scratch.from !== record.scratchAddr) {
    const text = `the scratch array is not at ${hex(record.scratchAddr)} before the jump; read from ${typeof scratch.from === 'string' ? scratch.from : hex(scratch.from)}`;
    notes.push({ code: 'SCRATCH_ELSEWHERE', text });
  }
}

function ramText(ram: readonly Region[]): string {
  return ram.map(({ start, size }) => `${hex(start)}-${hex(start + size)}`).join(', ') || 'nothing';
}

function notFound(records: number): KhoforgeError {
  return new KhoforgeError(
    'HANDOVER_NOT_FOUND',
    `no root FDT of a handover is in memory (boot records: ${records})`,
    {
      exitCode: ExitCode.badInput,
      hint: 'a kernel up to 6.18 has none before `echo 1 > /sys/kernel/debug/kho/out/finalize`, one without kho=on never; \
--fdt-phys ADDRESS names the root FDT, --base ADDRESS where a raw dump begins, --target or --target-tree a kernel with an \
ABI of its own',
    },
  );
}
