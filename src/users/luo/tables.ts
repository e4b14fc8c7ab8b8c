import { KHO_MAX_BLOCKS, kho_block_header_ser, khoBlockCapacity } from '../../abi/block.ts';
import {
  decodeStruct,
  encodeStruct,
  type Fields,
  layoutOf,
  type StructDef,
  type StructValues,
} from '../../abi/layout.ts';
import type { Target } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { hex } from '../../base/numbers.ts';
import type { Producer } from '../../emit/producer.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';

/** @throws KhoforgeError `LUO_LIMIT` */
function checkLimit(path: string, count: number, limit: number): void {
  if (count <= limit) return;
  throw new KhoforgeError(
    'LUO_LIMIT',
    `${path}: ${count} are more than the ${limit} that a kernel can keep`,
    {
      where: { spec: path },
    },
  );
}

/**
 * Entries in a chain of pages, as kho_block_set_grow() and kho_block_set_it_reserve_entry() lay them out
 * (kernel/liveupdate/kho_block.c, 7.2). Structures: `<path>/blocks[b]`, and `<path>[i]` for overrides.
 * @returns physical address of the first block, or 0n when there is no entry
 * @throws KhoforgeError `LUO_LIMIT`
 */
export function emitBlocks<F extends Fields>(
  producer: Producer,
  path: string,
  entry: StructDef<F>,
  values: readonly StructValues<F>[],
): bigint {
  const capacity = khoBlockCapacity(producer.target, entry);
  checkLimit(path, values.length, capacity * KHO_MAX_BLOCKS);
  const blocks = Array.from({ length: Math.ceil(values.length / capacity) }, (_, b) =>
    producer.allocateFolio(`${path}/blocks[${b}]`, 0),
  );
  blocks.forEach((block, b) => {
    const own = values.slice(b * capacity, (b + 1) * capacity);
    producer.memory.put(block, new Uint8Array(producer.target.pageSize));
    producer.writeStruct(`${path}/blocks[${b}]`, kho_block_header_ser, block, {
      next: blocks[b + 1] ?? 0n,
      count: BigInt(own.length),
    });
    const first = { phys: block + producer.sizeOf(kho_block_header_ser), index: b * capacity };
    writeEntries(producer, path, entry, own, first);
  });
  return blocks[0] ?? 0n;
}

export interface ArrayHeader<H extends Fields> {
  readonly def: StructDef<H>;
  readonly values: StructValues<H>;
}

/**
 * Entries behind a header, in one folio of a fixed size: sessions (6.19, 7.1) and FLBs (7.1 and later), and without a
 * header files (6.19, 7.1). Structures: `<path>`, its header's fields, and `<path>[i]`.
 * @throws KhoforgeError `LUO_LIMIT`
 */
export function emitArray<F extends Fields, H extends Fields>(
  producer: Producer,
  path: string,
  pages: number,
  {
    entry,
    values,
    header,
  }: { entry: StructDef<F>; values: readonly StructValues<F>[]; header?: ArrayHeader<H> },
): bigint {
  const size = producer.pageSize * BigInt(pages);
  const skip = header ? producer.sizeOf(header.def) : 0n;
  checkLimit(path, values.length, Number((size - skip) / producer.sizeOf(entry)));
  const phys = producer.allocateFolioFor(path, size);
  producer.memory.put(phys, new Uint8Array(Number(size)));
  if (header) producer.writeStruct(path, header.def, phys, header.values);
  writeEntries(producer, path, entry, values, { phys: phys + skip, index: 0 });
  return phys;
}

function writeEntries<F extends Fields>(
  { memory, overrides, target }: Producer,
  path: string,
  entry: StructDef<F>,
  values: readonly StructValues<F>[],
  first: { phys: bigint; index: number },
): void {
  const size = layoutOf(entry, target).size;
  values.forEach((value, i) => {
    const final = overrides.struct(`${path}[${first.index + i}]`, entry, target, value);
    memory.write(first.phys + BigInt(i * size), encodeStruct(entry, target, final));
  });
}

/** Entries that are read of one image: a hostile one may lead to the same table again and again. */
const MOST_ENTRIES = 1 << 20;

/** Reads tables of an image that may hold anything: no block is entered twice, and the number of entries is bounded. */
export class LuoTables {
  readonly #memory: PhysicalMemory;
  readonly #target: Target;
  readonly #problems: string[];
  readonly #seen = new Set<bigint>();
  #left = MOST_ENTRIES;

  /** @param problems what is wrong is added here */
  constructor(memory: PhysicalMemory, target: Target, problems: string[]) {
    this.#memory = memory;
    this.#target = target;
    this.#problems = problems;
  }

  /** The entries of a chain of blocks, and the addresses of the blocks. */
  blocks<F extends Fields>(what: string, head: bigint, entry: StructDef<F>) {
    const entries: StructValues<F>[] = [];
    const blocks: bigint[] = [];
    const capacity = khoBlockCapacity(this.#target, entry);
    const skip = layoutOf(kho_block_header_ser, this.#target).size;
    for (let phys = head; phys !== 0n; ) {
      const page = this.#page(`${what}: block`, phys, this.#target.pageSize);
      if (!page || blocks.length >= KHO_MAX_BLOCKS) break;
      blocks.push(phys);
      const { next, count } = decodeStruct(kho_block_header_ser, this.#target, page);
      if (count === 0n || count > BigInt(capacity)) {
        this.#problems.push(
          `${what}: the block at ${hex(phys)} tells ${count} entries, 1 to ${capacity} fit`,
        );
      }
      entries.push(...this.#entries(page.subarray(skip), entry, count));
      phys = next;
    }
    return { entries, blocks };
  }

  /** The header of a fixed array, and as many entries as `countOf` tells from it. */
  array<F extends Fields, H extends Fields>(
    what: string,
    phys: bigint,
    pages: number,
    {
      entry,
      header,
      countOf,
    }: { entry: StructDef<F>; header: StructDef<H>; countOf: (header: StructValues<H>) => bigint },
  ): StructValues<F>[] {
    const page = this.#page(what, phys, this.#target.pageSize * pages);
    if (!page) return [];
    const skip = layoutOf(header, this.#target).size;
    const count = countOf(decodeStruct(header, this.#target, page));
    return this.#fitting(what, page.subarray(skip), entry, count);
  }

  /** `count` entries of a fixed array without a header. */
  list<F extends Fields>(
    what: string,
    phys: bigint,
    pages: number,
    entry: StructDef<F>,
    count: bigint,
  ): StructValues<F>[] {
    const page = this.#page(what, phys, this.#target.pageSize * pages);
    return page ? this.#fitting(what, page, entry, count) : [];
  }

  #fitting<F extends Fields>(
    what: string,
    bytes: Uint8Array,
    entry: StructDef<F>,
    count: bigint,
  ): StructValues<F>[] {
    const room = Math.floor(bytes.length / layoutOf(entry, this.#target).size);
    if (count > BigInt(room)) this.#problems.push(`${what}: ${count} entries are told, ${room} fit`);
    return this.#entries(bytes, entry, count);
  }

  #entries<F extends Fields>(bytes: Uint8Array, entry: StructDef<F>, count: bigint): StructValues<F>[] {
    const size = layoutOf(entry, this.#target).size;
    const room = Math.min(Math.floor(bytes.length / size), this.#left);
    const read = count < BigInt(room) ? Number(count) : room;
    this.#left -= read;
    return Array.from({ length: read }, (_, i) =>
      decodeStruct(entry, this.#target, bytes.subarray(i * size)),
    );
  }

  #page(what: string, phys: bigint, length: number): Uint8Array | undefined {
    const wrong = this.#seen.has(phys) ? 'was there before' : 'is not in the image';
    if (!this.#seen.has(phys) && this.#memory.covers(phys, length)) {
      this.#seen.add(phys);
      return this.#memory.read(phys, length);
    }
    this.#problems.push(`${what} at ${hex(phys)} ${wrong}`);
    return undefined;
  }
}
