import { z } from 'zod';
import { getOrder, maxPageOrder } from '../../abi/page-order.ts';
import type { Target } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { hex, humanSize } from '../../base/numbers.ts';
import { integer, seed, size } from '../../base/spec-values.ts';
import { emitFdt, overrideHeader } from '../../emit/emit-fdt.ts';
import type { Producer } from '../../emit/producer.ts';
import { SeededBytes, seedContents } from '../../emit/random.ts';
import { cString, u32Native, u64Native } from '../../fdt/values.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import { held } from '../../memory/contents.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { Blob, DecodedSubtree } from '../user.ts';
import { emitVmalloc, readVmalloc } from '../vmalloc/vmalloc.ts';
import { entriesHeld } from '../vmalloc/walk.ts';
import { csumPartial, folioParts } from './checksum.ts';
import { isInline } from './list-form.ts';
import { FDT_PATH, folioPath, LIST_PATH } from './paths.ts';
import { FOLIO_ENTRY_BYTES, type ListedFolio, listedFolio, readTestFdt, walkFolios } from './walk.ts';

export const schema = z.strictObject({
  seed: seed.default('kho_test'),
  // With 0 a kernel hands over nothing: its list would be of no bytes, which vmalloc() refuses (kho_test_save(), 7.3).
  max_mem: size
    .refine((bytes) => bytes > 0n, { error: 'a size above 0: no kernel hands over a test of no bytes' })
    .optional()
    .meta({ description: 'bytes of test data; default two blocks of the largest order, as the module' }),
  orders: z
    .array(integer(0, 63, 'folio order'))
    .optional()
    .meta({ description: 'orders of the folios, instead of random ones that fill max_mem' }),
});

type Spec = z.output<typeof schema>;

interface TestFolio {
  phys: bigint;
  order: number;
  /** Bytes. */
  size: number;
}

/** In the order of kho_test_save(): data, FDT folio, list of folios (lib/test_kho.c, 7.3). */
export function emit(producer: Producer, spec: Spec): void {
  const { target } = producer;
  const folios = emitFolios(producer, spec);

  const fdtLimit = BigInt(folios.length * 8 + target.pageSize);
  const phys = producer.allocateFolioFor(FDT_PATH, fdtLimit);
  const list = emitFolioList(producer, folioList(target, folios));
  for (const [i, folio] of folios.entries()) {
    producer.preserveFolio(folioPath(i), folio.phys, folio.order);
  }
  // Which takes as long as there is data: not while only sizes are wanted.
  const csum = producer.measuring ? 0 : dataChecksum(producer, folios);
  const blob = emitFdt(producer, FDT_PATH, Number(fdtLimit), (fdt) => {
    fdt.property('compatible', cString(target.abi.text('KHO_TEST_COMPAT')));
    fdt.property(
      target.abi.text('kho_test:magic'),
      u32Native(target.abi.number('KHO_TEST_MAGIC'), target.endian),
    );
    fdt.node(target.abi.text('kho_test:data'), () => {
      fdt.property(target.abi.text('kho_test:nr_folios'), u32Native(folios.length, target.endian));
      fdt.property(target.abi.text('kho_test:folios_info'), list);
      fdt.property(target.abi.text('kho_test:csum'), u32Native(csum, target.endian));
    });
  });
  overrideHeader(producer.overrides, FDT_PATH, blob);
  producer.memory.write(phys, blob);
  producer.addSubtree({ name: target.abi.text('KHO_TEST_FDT'), phys, size: BigInt(blob.length) });
}

/** Up to 6.17 the list itself is the property; later it is the descriptor of a vmalloc area that holds the list. */
function emitFolioList(producer: Producer, list: Uint8Array): Uint8Array {
  const { target, overrides } = producer;
  if (isInline(target)) return list;
  const descriptor = emitVmalloc(producer, LIST_PATH, held(list));
  const codec = target.abi.struct('kho_vmalloc');
  return codec.encode(overrides.struct(LIST_PATH, codec, descriptor));
}

/** Reads what kho_test_restore() reads, and adds up the checksum as it does (7.3). */
export function decode({ target, memory, bytes }: Blob): DecodedSubtree {
  const format = 'FDT of lib/test_kho.c';
  const { magic, count: nrFolios, csum, info } = readTestFdt(target, KernelFdt.whole(bytes));
  if (nrFolios === undefined || csum === undefined || info === undefined) {
    return {
      format,
      fields: { magic: word(magic) },
      problems: ['nr_folios, folios_info or csum is missing'],
    };
  }
  const { folios, problems } = readFolioList(target, memory, info, nrFolios);
  const sum = checksum(target, memory, folios);
  const wanted = target.abi.number('KHO_TEST_MAGIC');
  if (magic !== wanted) problems.push(`magic ${hex(magic ?? 0)}, expected ${hex(wanted)}`);
  if (folios.length !== nrFolios) problems.push(`${folios.length} folios listed, nr_folios is ${nrFolios}`);
  if (sum !== undefined && sum !== csum)
    problems.push(`the folios add up to ${hex(sum)}, csum is ${hex(csum)}`);
  const contents = sum === undefined ? 'not in the image' : sum === csum ? 'match the checksum' : 'differ';
  return {
    format,
    fields: { magic: word(magic), nr_folios: nrFolios, csum: word(csum), contents, folios },
    problems,
  };
}

/** What kho_test_restore() reads, as far as it is there. */
export function readTestData(target: Target, memory: PhysicalMemory, bytes: Uint8Array) {
  const { magic, count, csum, info } = readTestFdt(target, KernelFdt.whole(bytes));
  const isWhole = count !== undefined && info !== undefined;
  return { magic, csum, folios: isWhole ? readFolioList(target, memory, info, count).folios : [] };
}

/** A number that people read in hex. */
const word = (value: number | undefined) => (value === undefined ? null : BigInt(value));

interface FolioList {
  readonly folios: ListedFolio[];
  readonly problems: string[];
}

/** The list in the form that the generation's receiver takes; in the other form it is refused, as there. */
function readFolioList(target: Target, memory: PhysicalMemory, info: Uint8Array, count: number): FolioList {
  const expected = isInline(target) ? count * FOLIO_ENTRY_BYTES : target.abi.struct('kho_vmalloc').size;
  if (info.length !== expected) {
    return { folios: [], problems: [`folios_info has ${info.length} bytes, expected ${expected}`] };
  }
  if (isInline(target)) {
    const list = Buffer.from(info);
    const folios = Array.from({ length: count }, (_, i) => listedFolio(target, list, i * FOLIO_ENTRY_BYTES));
    return { folios, problems: [] };
  }
  const descriptor = target.abi.struct('kho_vmalloc').decode(info);
  const { blocks, problems } = readVmalloc(memory, target, descriptor);
  const list = { ...descriptor, blocks };
  const held = Math.min(count, entriesHeld(memory, target, list, FOLIO_ENTRY_BYTES));
  return {
    folios: [...walkFolios(memory, target, list, held)],
    problems: [...problems],
  };
}

/** The sum over all folios; undefined when the image does not have their contents. */
function checksum(
  target: Target,
  memory: PhysicalMemory,
  folios: readonly ListedFolio[],
): number | undefined {
  // Each folio is there once: no more is added up than the image has.
  if (new Set(folios.map(({ phys }) => phys)).size < folios.length) return undefined;
  let sum = 0;
  for (const { phys, order } of folios) {
    if (order > maxPageOrder(target)) return undefined;
    const size = target.pageSize * 2 ** order;
    if (!memory.hasContents(phys, size)) return undefined;
    sum = csumPartial(target.arch, folioParts(memory, phys, size), sum);
  }
  return sum;
}

function emitFolios(producer: Producer, spec: Spec): TestFolio[] {
  if (spec.max_mem !== undefined && spec.max_mem > producer.ramBytes) {
    const [wanted, ram] = [spec.max_mem, producer.ramBytes].map(humanSize);
    throw new KhoforgeError('NO_ROOM', `max_mem is ${wanted}, RAM is ${ram}`, {
      hint: 'give the spec more ram or less test data',
    });
  }
  const random = new SeededBytes(spec.seed);
  const orders = spec.orders ?? randomOrders(producer.target, random, spec.max_mem);
  const size = (order: number) => Number(producer.pageSize) * 2 ** order;
  const total = orders.reduce((sum, order) => sum + size(order), 0);
  const data = seedContents(spec.seed, total, random.position);
  let from = 0;
  return orders.map((order, i) => {
    const folio = {
      phys: producer.allocate(folioPath(i), BigInt(size(order)), BigInt(size(order))),
      order,
      size: size(order),
    };
    producer.memory.fill(folio.phys, folio.size, data, from);
    from += folio.size;
    return folio;
  });
}

function dataChecksum({ target, memory, onProgress }: Producer, folios: readonly TestFolio[]): number {
  const total = folios.reduce((bytes, { size }) => bytes + BigInt(size), 0n);
  let done = 0n;
  return folios.reduce((sum, { phys, size }) => {
    done += BigInt(size);
    onProgress?.({ done, total });
    return csumPartial(target.arch, folioParts(memory, phys, size), sum);
  }, 0);
}

/** As kho_test_generate_data(): any order, and towards the end none that passes max_mem (lib/test_kho.c, 7.3). */
function randomOrders(target: Target, random: SeededBytes, maxMem: bigint | undefined): number[] {
  const page = BigInt(target.pageSize);
  const max = maxMem ?? (page << BigInt(maxPageOrder(target))) * 2n;
  const orders: number[] = [];
  for (let used = 0n; used < max; ) {
    let order = random.u32() % (maxPageOrder(target) + 1);
    if (used + (page << BigInt(order)) > max) order = Math.max(0, getOrder(max - used, target) - 1);
    orders.push(order);
    used += page << BigInt(order);
  }
  return orders;
}

/** One phys_addr_t per folio, its order in the bits below the page. */
function folioList(target: Target, folios: readonly TestFolio[]): Uint8Array {
  return Buffer.concat(folios.map(({ phys, order }) => u64Native(phys | BigInt(order), target.endian)));
}
