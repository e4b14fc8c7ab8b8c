import type { Struct } from '../../abi/declared.ts';
import { hex } from '../../base/numbers.ts';
import type { FindingEvent, Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Receiver } from '../../kernel/receivers.ts';
import type { Restorer } from '../../kernel/restore.ts';
import type { Incoming } from '../../kernel/stages.ts';
import { lowerBound } from '../../memory/intervals.ts';
import type { StateAt } from '../handler.ts';
import { type RestoredArea, restoreVmalloc } from '../vmalloc/receive.ts';
import { entriesHeld } from '../vmalloc/walk.ts';
import { report } from './checks.ts';
import { unknownSeals } from './memfd.ts';
import { SEALS } from './seals.ts';
import { walkFolios } from './walk.ts';

type Ser = Struct<'memfd_luo_ser'>;

/** memfd_luo_retrieve() (mm/memfd_luo.c, 6.19 to 7.3), when user space asks for the file. */
export function* retrieve(kernel: Kernel, state: StateAt, incoming: Incoming): Stage {
  yield* retrieveFile(kernel, state, incoming);
  incoming.restorer.restore(state.data); // to free it
}

function* retrieveFile(kernel: Kernel, { where, data }: StateAt, incoming: Incoming): Stage {
  const { target } = kernel;
  const codec = target.abi.struct('memfd_luo_ser');
  const ser = codec.decode(kernel.read(data, codec.size));
  const unknown = unknownSeals(target, ser.seals);
  if (unknown !== 0) {
    const text = `seals ${hex(unknown)} are not known: the file cannot be retrieved (-EOPNOTSUPP)`;
    yield finding('memfd-seals', where, text);
    return;
  }
  yield* checkFile(where, ser);
  if (ser.nr_folios !== 0n) yield* retrieveFolios(kernel, where, ser, incoming.restorer);
}

/** MAX_LFS_FILESIZE of 64-bit kernels is the largest loff_t. */
const MAX_SIZE = (1n << 63n) - 1n;

/** What the kernel takes, and a program sees otherwise. */
function* checkFile(where: string, { pos, size, seals }: Ser): Stage {
  const lost = SEALS.shrink | SEALS.grow | SEALS.write | SEALS.future_write;
  // memfd_add_seals() (mm/memfd.c, 7.1 to 7.3): a memfd is executable when it is made.
  if (seals !== undefined && (seals & SEALS.exec) !== 0 && (seals & lost) !== lost) {
    const text = `seals ${hex(seals)} come back as ${hex(seals | lost)}: sealed against writing as well`;
    yield finding('memfd-seal-exec', where, text);
  }
  if (size > MAX_SIZE) {
    const text = `the size is ${size}: fstat() tells ${BigInt.asIntN(64, size)}, and nothing can be read`;
    yield finding('memfd-size', where, text);
  }
  // vfs_setpos() (fs/read_write.c, 6.19 to 7.3)
  if (pos > MAX_SIZE) yield finding('memfd-position', where, `the position is ${pos}: it is 0 afterwards`);
}

/** All of it comes, if at all, when the file is retrieved. */
function finding(
  check: Parameters<typeof report>[0],
  where: string,
  text: string,
  line?: string,
): FindingEvent {
  const own = line === undefined ? {} : { line };
  return report(check, { where, text, conditional: true, ...own });
}

/** memfd_luo_retrieve_folios() */
function* retrieveFolios(kernel: Kernel, where: string, ser: Ser, restorer: Restorer): Stage {
  const area = restoreList(kernel, ser, restorer);
  if ('text' in area) {
    const text = `the list of folios is refused, ${area.text}: the file cannot be retrieved (-EINVAL)`;
    yield finding('memfd-list', where, text);
    return;
  }
  const entry = kernel.target.abi.struct('memfd_luo_folio_ser').size;
  const room = Math.floor((area.pages * kernel.target.pageSize) / entry);
  if (ser.nr_folios > BigInt(room)) {
    const text = `${ser.nr_folios} folios are recorded, the list has room for ${room}: the kernel faults`;
    yield finding('memfd-list', where, text);
    return;
  }
  yield* restoreFolios(kernel, where, { size: ser.size, count: Number(ser.nr_folios), area }, restorer);
}

function restoreList(kernel: Kernel, ser: Ser, restorer: Restorer) {
  const descriptor = kernel.target.abi.struct('kho_vmalloc').encode({
    first: ser['folios.first'],
    total_pages: ser['folios.total_pages'],
    flags: ser['folios.flags'],
    order: ser['folios.order'],
  });
  return restoreVmalloc(kernel, restorer, descriptor);
}

interface FolioList {
  /** Bytes of the file. */
  readonly size: bigint;
  readonly count: number;
  readonly area: RestoredArea;
}

function* restoreFolios(
  kernel: Kernel,
  where: string,
  { size, count, area }: FolioList,
  restorer: Restorer,
): Stage {
  const shift = BigInt(kernel.target.pageShift);
  const end = (size + kernel.pageSize - 1n) >> shift;
  const used = new IndexSet();
  let large = 0;
  let i = -1;
  const { size: entry } = kernel.target.abi.struct('memfd_luo_folio_ser');
  // Behind what the image holds there are zeroes, which the kernel takes for holes.
  const held = entriesHeld(kernel.image.memory, kernel.target, area, entry);
  for (const { pfn, flags, index } of walkFolios(kernel, kernel.target, area, Math.min(count, held))) {
    i++;
    if (pfn === 0n) continue;
    const phys = pfn << shift;
    const order = restorer.restore(phys);
    if (typeof order !== 'number') {
      const line = `memfd_luo: Unable to restore folio at physical address: ${phys.toString(16)}`;
      const end = isHandedOut(kernel.receiver, i)
        ? 'the file is handed out all the same, without it and what comes after'
        : 'the file cannot be retrieved (-EIO)';
      const warns = order.warns ? ', and the kernel warns' : '';
      const text = `folio ${i}: ${order.text}: ${end}${warns}`;
      yield finding('memfd-folio', where, text, line);
      return;
    }
    const pages = 1n << BigInt(order);
    if (!used.add(index, pages)) {
      const line = `memfd_luo: shmem: failed to add to page cache folio index ${i}: -17`;
      const text = `folio ${i} has page ${index} of the file, which is there already: -EEXIST`;
      yield finding('memfd-index-twice', where, text, line);
      return;
    }
    if (index >= end) {
      const text = `folio ${i} has page ${index} of the file, which has ${end}: nobody can read it`;
      yield finding('memfd-index', where, text);
    } else if (index % pages !== 0n) {
      const text = `folio ${i} of order ${order} has page ${index} of the file, not a multiple of ${pages}`;
      yield finding('memfd-index', where, text);
    }
    const { abi } = kernel.target;
    if ((flags & abi.number('MEMFD_LUO_FOLIO_UPTODATE')) === 0) {
      yield finding('memfd-folio-flags', where, `folio ${i} is not up to date: it reads as zeroes`);
    } else if ((flags & abi.number('MEMFD_LUO_FOLIO_DIRTY')) === 0) {
      const text = `folio ${i} is not dirty: its content goes when memory is short, or caches are dropped`;
      yield finding('memfd-folio-flags', where, text);
    }
    if (order > 0) large++;
  }
  const option = 'CONFIG_TRANSPARENT_HUGEPAGE';
  const known = kernel.boot.knows(option);
  if (large === 0 || known) return;
  const text = `${large} folios are larger than a page: without ${option} the kernel dies when the file is retrieved`;
  const event = finding('memfd-large-folio', where, text);
  yield known === undefined ? event : { ...event, severity: 'error' };
}

/** Receivers that give a file of which a folio could not be restored to a program (mm/memfd_luo.c, 0fb1daf0b78d). */
const HANDED_OUT: ReadonlySet<string> = new Set(['6.19']);

/** The error is that of the folio before: the first has none. */
const isHandedOut = ({ release, tree }: Receiver, folio: number): boolean =>
  HANDED_OUT.has(tree?.base ?? release) && folio > 0;

/** The pages of a file that are in use. Lists are mostly ascending: what is beyond all others is only counted. */
class IndexSet {
  #end = 0n;
  readonly #starts: bigint[] = [];
  readonly #ends: bigint[] = [];

  /** False where one of the pages is in use already. */
  add(index: bigint, pages: bigint): boolean {
    if (index >= this.#end) {
      this.#starts.push(index);
      this.#ends.push(index + pages);
      this.#end = index + pages;
      return true;
    }
    const at = lowerBound(this.#ends.length, (i) => (this.#ends[i] ?? 0n) > index);
    const next = this.#starts[at];
    if (next !== undefined && next < index + pages) return false;
    this.#starts.splice(at, 0, index);
    this.#ends.splice(at, 0, index + pages);
    return true;
  }
}
