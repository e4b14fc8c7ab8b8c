import { kho_vmalloc } from '../../abi/kexec_handover.ts';
import { decodeStruct, encodeStruct, layoutOf, type StructValues } from '../../abi/layout.ts';
import { hex } from '../../base/numbers.ts';
import type { VerifyCheck } from '../../kernel/checks.ts';
import type { Context } from '../../kernel/context.ts';
import type { Restorer } from '../../kernel/restore.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { restoreVmalloc, type VmallocArea } from '../vmalloc/receive.ts';
import {
  MEMFD_FOLIO_BYTES,
  MEMFD_LUO_ALL_SEALS,
  memfd_luo_ser_v1,
  memfd_luo_ser_v2,
  readMemfdFolio,
} from './abi.ts';

interface MemfdAt {
  /** Path of the file. */
  readonly where: string;
  /** Address of struct memfd_luo_ser. */
  readonly phys: bigint;
}

type Ser = StructValues<typeof memfd_luo_ser_v1.fields>;

/** memfd_luo_retrieve() (mm/memfd_luo.c, 6.19 to 7.3), when user space asks for the file. */
export function verifyMemfd(context: Context, file: MemfdAt, preserved: Preserved, restorer: Restorer): void {
  const found = (check: VerifyCheck, text: string, line?: string) => {
    const kernel = line === undefined ? {} : { kernel: `memfd_luo: ${line}` };
    context.found(check, { where: file.where, text, conditional: true, ...kernel });
  };
  const { target } = context;
  const def = target.generation.memfd === 'memfd-v1' ? memfd_luo_ser_v1 : memfd_luo_ser_v2;
  const size = layoutOf(def, target).size;
  if (!context.inRam(file.phys, file.phys + BigInt(size))) {
    found(
      'outside-ram',
      `struct memfd_luo_ser at ${hex(file.phys)} is not in RAM: the kernel faults as it reads it`,
    );
    return;
  }
  if (!preserved.contains(file.phys, file.phys + BigInt(size))) {
    found(
      'luo-not-preserved',
      `struct memfd_luo_ser at ${hex(file.phys)} is not preserved: the file is garbage`,
    );
  }
  const ser: Ser & { seals?: number } = decodeStruct(def, target, context.read(file.phys, size));
  const unknown = ((ser.seals ?? 0) & ~MEMFD_LUO_ALL_SEALS) >>> 0;
  if (unknown !== 0) {
    found('memfd-seals', `seals ${hex(unknown)} are not known: the file cannot be retrieved (-EOPNOTSUPP)`);
    return;
  }
  if (ser.nr_folios === 0n) return;
  const area = restoreList(context, ser, restorer);
  if ('text' in area) {
    found(
      'memfd-list',
      `the list of folios is refused, ${area.text}: the file cannot be retrieved (-EINVAL)`,
    );
    return;
  }
  const room = Math.floor((area.pages * target.pageSize) / MEMFD_FOLIO_BYTES);
  if (ser.nr_folios > BigInt(room)) {
    found('memfd-list', `${ser.nr_folios} folios are told, the list has room for ${room}: the kernel faults`);
    return;
  }
  restoreFolios(context, { size: ser.size, count: Number(ser.nr_folios), area }, restorer, found);
}

function restoreList(context: Context, ser: Ser, restorer: Restorer) {
  const descriptor = encodeStruct(kho_vmalloc, context.target, {
    first: ser['folios.first'],
    total_pages: ser['folios.total_pages'],
    flags: ser['folios.flags'],
    order: ser['folios.order'],
  });
  return restoreVmalloc(context, restorer, descriptor);
}

interface FolioList {
  /** Bytes of the file. */
  readonly size: bigint;
  readonly count: number;
  readonly area: VmallocArea;
}

type Found = (check: VerifyCheck, text: string, line?: string) => void;

/** memfd_luo_retrieve_folios() */
function restoreFolios(
  context: Context,
  { size, count, area }: FolioList,
  restorer: Restorer,
  found: Found,
): void {
  const shift = BigInt(context.target.pageShift);
  const end = (size + context.pageSize - 1n) >> shift;
  const taken = new IndexSet();
  let large = 0;
  for (const [i, { pfn, index }] of folios(context, area, count)) {
    if (pfn === 0n) continue;
    const phys = pfn << shift;
    const order = restorer.restore(phys);
    if (typeof order === 'string') {
      const line = `Unable to restore folio at physical address: ${phys.toString(16)}`;
      found(
        'memfd-folio',
        `folio ${i}: ${order}: the file cannot be retrieved (-EIO), and the kernel warns`,
        line,
      );
      return;
    }
    const pages = 1n << BigInt(order);
    if (!taken.add(index, pages)) {
      const line = `shmem: failed to add to page cache folio index ${i}: -17`;
      found(
        'memfd-index-twice',
        `folio ${i} has page ${index} of the file, which is there already: -EEXIST`,
        line,
      );
      return;
    }
    if (index >= end) {
      found('memfd-index', `folio ${i} has page ${index} of the file, which has ${end}: nobody can read it`);
    } else if (index % pages !== 0n) {
      found(
        'memfd-index',
        `folio ${i} of order ${order} has page ${index} of the file, not a multiple of ${pages}`,
      );
    }
    if (order > 0) large++;
  }
  if (large === 0) return;
  const text = `${large} folios are larger than a page: without CONFIG_TRANSPARENT_HUGEPAGE the kernel dies when the file is retrieved`;
  found('memfd-large-folio', text);
}

function* folios(context: Context, { blocks, order }: VmallocArea, count: number) {
  const bytes = context.target.pageSize * 2 ** order;
  const perBlock = Math.floor(bytes / MEMFD_FOLIO_BYTES);
  for (const [b, block] of blocks.entries()) {
    const list = Buffer.from(context.read(block, bytes));
    for (let i = 0; i < perBlock && b * perBlock + i < count; i++) {
      yield [b * perBlock + i, readMemfdFolio(list, i * MEMFD_FOLIO_BYTES)] as const;
    }
  }
}

/** The pages of a file that are taken. Lists are mostly ascending: what is beyond all others is only counted. */
class IndexSet {
  #end = 0n;
  readonly #starts: bigint[] = [];
  readonly #ends: bigint[] = [];

  /** False where one of the pages is taken. */
  add(index: bigint, pages: bigint): boolean {
    if (index >= this.#end) {
      this.#starts.push(index);
      this.#ends.push(index + pages);
      this.#end = index + pages;
      return true;
    }
    const at = this.#firstEndingAfter(index);
    const next = this.#starts[at];
    if (next !== undefined && next < index + pages) return false;
    this.#starts.splice(at, 0, index);
    this.#ends.splice(at, 0, index + pages);
    return true;
  }

  #firstEndingAfter(index: bigint): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0n) > index) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
