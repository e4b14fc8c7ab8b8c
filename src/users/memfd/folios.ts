import type { Struct } from '../../abi/declared.ts';
import type { Target } from '../../abi/target.ts';
import { hex, minOf } from '../../base/numbers.ts';
import { offerBytes, overrideBytes } from '../../emit/override-bytes.ts';
import type { Row } from '../../emit/placer.ts';
import type { Producer } from '../../emit/producer.ts';
import { held } from '../../memory/contents.ts';
import type { HandlerImage } from '../handler.ts';
import { emitVmalloc, readVmalloc } from '../vmalloc/vmalloc.ts';
import { entriesHeld } from '../vmalloc/walk.ts';
import type { FolioRun } from './content.ts';
import type { ListedRun, MemfdBudget } from './hash.ts';
import { foliosPath } from './paths.ts';
import { walkFolios } from './walk.ts';

/** What a producer sets on each folio, whatever it was (memfd_luo_preserve_folios(), mm/memfd_luo.c, 7.3). */
export const folioFlags = ({ abi }: Target): number =>
  abi.number('MEMFD_LUO_FOLIO_DIRTY') | abi.number('MEMFD_LUO_FOLIO_UPTODATE');
/** Overrides are offered for each folio of a file that has no more. */
const FEW_FOLIOS = 64;

/** The folios, and the list of them in a vmalloc area; a file without folios has no list. */
export function emitFolios(producer: Producer, path: string, runs: readonly FolioRun[]) {
  const folios = foliosPath(path);
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  const list = Buffer.alloc(count * producer.target.abi.struct('memfd_luo_folio_ser').size);
  let first = 0;
  for (const run of runs) {
    for (const row of emitRun(producer, folios, first, run)) listRow(producer, list, row, { ...run, first });
    first += run.count;
  }
  overrideFolios(producer, folios, list);
  const none = { first: 0n, total_pages: 0, flags: 0, order: 0 };
  const area = count > 0 ? emitVmalloc(producer, folios, held(list)) : none;
  return {
    nr_folios: BigInt(count),
    'folios.first': area.first,
    'folios.total_pages': area.total_pages,
    'folios.flags': area.flags,
    'folios.order': area.order,
  };
}

function emitRun(
  producer: Producer,
  path: string,
  first: number,
  { order, count, contents }: FolioRun,
): Row[] {
  const folio = producer.pageSize << BigInt(order);
  const rows = producer.allocateRows(path, first, count, folio);
  for (const row of rows) {
    producer.preserveFolios(path, row.start, order, row.count, row.first);
    const from = Number(folio) * (row.first - first);
    producer.memory.fill(row.start, Number(folio) * row.count, contents, from);
  }
  return rows;
}

function listRow({ target }: Producer, list: Buffer, row: Row, run: FolioRun & { first: number }): void {
  const pages = (count: number) => BigInt(count) << BigInt(run.order);
  const folio = target.abi.struct('memfd_luo_folio_ser');
  const flags = folioFlags(target);
  for (let i = 0; i < row.count; i++) {
    folio.write(list, (row.first + i) * folio.size, {
      pfn: (row.start >> BigInt(target.pageShift)) + pages(i),
      flags,
      index: run.index + pages(row.first + i - run.first),
    });
  }
}

function overrideFolios(producer: Producer, path: string, list: Uint8Array): void {
  const { size } = producer.target.abi.struct('memfd_luo_folio_ser');
  const count = list.length / size;
  const few = count <= FEW_FOLIOS;
  if (!few && !producer.overrides.hasUnder(`${path}[`)) return;
  const override = few ? offerBytes : overrideBytes;
  for (let n = 0; n < count; n++) {
    override(producer, `${path}[${n}]`, 'memfd_luo_folio_ser', list, n * size);
  }
}

type Ser = Struct<'memfd_luo_ser'>;

/** The list of folios, those in a row together, and where it stands. @param problems what is wrong is added here */
export function readFolios(blob: HandlerImage, ser: Ser, budget: MemfdBudget, problems: string[]) {
  const { target, memory } = blob;
  if (ser.nr_folios === 0n) return { runs: [], pages: [], chunks: [] };
  const { size } = target.abi.struct('memfd_luo_folio_ser');
  const {
    blocks,
    chunks,
    problems: broken,
  } = readVmalloc(memory, target, {
    first: ser['folios.first'],
    total_pages: ser['folios.total_pages'],
    flags: ser['folios.flags'],
    order: ser['folios.order'],
  });
  problems.push(...broken.map((text) => `list of folios: ${text}`));
  const perBlock = Math.floor((target.pageSize << Math.min(ser['folios.order'], 10)) / size);
  if (ser.nr_folios > BigInt(blocks.length * perBlock)) {
    problems.push(`${ser.nr_folios} folios, the list has room for ${blocks.length * perBlock}`);
  }
  const runs = new Runs(blob, ser.size, problems);
  const list = { blocks, order: ser['folios.order'] };
  const held = BigInt(entriesHeld(memory, target, list, size));
  if (held < ser.nr_folios) problems.push(`${ser.nr_folios} folios, ${held} of them are in the image`);
  const count = budget.folios(minOf(ser.nr_folios, held), problems);
  for (const folio of walkFolios(memory, target, list, count)) runs.add(folio);
  return { runs: runs.all, pages: blocks, chunks };
}

/** Complaints about single folios of one file that are listed. */
const MAX_COMPLAINTS = 10;

type GrowingRun = Omit<ListedRun, 'count'> & { count: number };

/** Gathers folios into runs, and what is wrong with them. */
class Runs {
  readonly all: GrowingRun[] = [];
  readonly #blob: HandlerImage;
  /** Pages of the file. */
  readonly #end: bigint;
  readonly #shift: bigint;
  readonly #problems: string[];
  #complaints = 0;
  #number = 0;
  /** Where the folio after the last one would be. */
  readonly #next = { index: 0n, phys: 0n };

  constructor(blob: HandlerImage, size: bigint, problems: string[]) {
    this.#blob = blob;
    this.#shift = BigInt(blob.target.pageShift);
    this.#end = (size + BigInt(blob.target.pageSize) - 1n) >> BigInt(blob.target.pageShift);
    this.#problems = problems;
  }

  add({ pfn, flags, index }: Struct<'memfd_luo_folio_ser'>): void {
    const phys = pfn << this.#shift;
    const order = this.#blob.orderAt(phys) ?? null;
    if (pfn !== 0n && order === null)
      this.#complain(`at ${hex(phys)} is not preserved, or no block starts there`);
    if (index >= this.#end) this.#complain(`has page ${index} of the file, which has ${this.#end}`);
    if (index < this.#next.index) this.#complain(`has page ${index} of the file, which comes before`);
    this.#number++;
    const last = this.all.at(-1);
    const next = this.#next;
    if (last && last.order === order && last.flags === flags && next.phys === phys && next.index === index)
      last.count++;
    else this.all.push({ index, phys, order, count: 1, flags });
    const pages = 1n << BigInt(order ?? 0);
    next.index = index + pages;
    next.phys = phys + (pages << this.#shift);
  }

  #complain(text: string): void {
    this.#complaints++;
    if (this.#complaints <= MAX_COMPLAINTS) this.#problems.push(`folio ${this.#number} ${text}`);
  }
}
