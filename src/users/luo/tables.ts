import { khoBlockCapacity } from '../../abi/blocks.ts';
import type { Struct, StructName } from '../../abi/declared.ts';
import type { Target } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { hex } from '../../base/numbers.ts';
import type { Producer } from '../../emit/producer.ts';
import { decodeEntries, walkBlocks } from '../../kernel/block-walk.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { blockPath } from './paths.ts';

/** @throws KhoforgeError `LUO_LIMIT` */
function checkLimit(path: string, count: number, limit: number): void {
  if (count <= limit) return;
  throw new KhoforgeError(
    'LUO_LIMIT',
    `${path}: ${count} are more than the ${limit} that a kernel can keep`,
    {
      where: { path },
    },
  );
}

/**
 * Entries in a chain of pages, as kho_block_set_grow() and kho_block_set_it_reserve_entry() lay them out
 * (kernel/liveupdate/kho_block.c, 7.2). Structures: `<path>/blocks[b]`, and `<path>[i]` for overrides.
 * @returns physical address of the first block, or 0n when there is no entry
 * @throws KhoforgeError `LUO_LIMIT`
 */
export function emitBlocks<N extends StructName>(
  producer: Producer,
  path: string,
  entry: N,
  values: readonly Struct<N>[],
): bigint {
  const capacity = khoBlockCapacity(producer.target, entry);
  checkLimit(path, values.length, capacity * producer.target.abi.number('KHO_MAX_BLOCKS'));
  const blocks = Array.from({ length: Math.ceil(values.length / capacity) }, (_, b) =>
    producer.allocateFolio(blockPath(path, b), 0),
  );
  blocks.forEach((block, b) => {
    const own = values.slice(b * capacity, (b + 1) * capacity);
    producer.memory.put(block, new Uint8Array(producer.target.pageSize));
    producer.writeStruct(blockPath(path, b), 'kho_block_header_ser', block, {
      next: blocks[b + 1] ?? 0n,
      count: BigInt(own.length),
    });
    const first = { phys: block + producer.sizeOf('kho_block_header_ser'), index: b * capacity };
    writeEntries(producer, path, entry, own, first);
  });
  return blocks[0] ?? 0n;
}

/** Fixed arrays, by the constants `…_PGCNT` and `…_MAX` of their pages and entries. */
export type Table = 'LUO_SESSION' | 'LUO_FILE' | 'LUO_FLB';

export interface ArrayHeader<H extends StructName> {
  readonly name: H;
  readonly values: Struct<H>;
}

/**
 * Entries behind a header, in one folio of a fixed size: sessions (6.19, 7.1) and FLBs (7.1 and later), and without a
 * header files (6.19, 7.1). Structures: `<path>`, its header's fields, and `<path>[i]`.
 * @throws KhoforgeError `LUO_LIMIT`
 */
export function emitArray<N extends StructName, H extends StructName>(
  producer: Producer,
  path: string,
  table: Table,
  { entry, values, header }: { entry: N; values: readonly Struct<N>[]; header?: ArrayHeader<H> },
): bigint {
  const { abi } = producer.target;
  const size = producer.pageSize * BigInt(abi.number(`${table}_PGCNT`));
  const skip = header ? producer.sizeOf(header.name) : 0n;
  const room = Number((size - skip) / producer.sizeOf(entry));
  checkLimit(path, values.length, Math.min(room, abi.number(`${table}_MAX`)));
  const phys = producer.allocateFolioFor(path, size);
  producer.memory.put(phys, new Uint8Array(Number(size)));
  if (header) producer.writeStruct(path, header.name, phys, header.values);
  writeEntries(producer, path, entry, values, { phys: phys + skip, index: 0 });
  return phys;
}

function writeEntries<N extends StructName>(
  { memory, overrides, target }: Producer,
  path: string,
  entry: N,
  values: readonly Struct<N>[],
  first: { phys: bigint; index: number },
): void {
  const codec = target.abi.struct(entry);
  values.forEach((value, i) => {
    const final = overrides.struct(`${path}[${first.index + i}]`, codec, value);
    memory.write(first.phys + BigInt(i * codec.size), codec.encode(final));
  });
}

/** Entries that are read of one image: a hostile one may lead to the same table again and again. */
const MAX_ENTRIES = 1 << 20;

/** Reads tables of an image that may hold anything: no block is entered twice, and the number of entries is bounded. */
export class LuoTables {
  readonly #memory: PhysicalMemory;
  readonly #target: Target;
  readonly #problems: string[];
  readonly #seen = new Set<bigint>();
  #left = MAX_ENTRIES;

  /** @param problems what is wrong is added here */
  constructor(memory: PhysicalMemory, target: Target, problems: string[]) {
    this.#memory = memory;
    this.#target = target;
    this.#problems = problems;
  }

  /** The entries of a chain of blocks, and the addresses of the blocks. */
  blocks<N extends StructName>(what: string, head: bigint, entry: N) {
    const entries: Struct<N>[] = [];
    const blocks: bigint[] = [];
    const { abi } = this.#target;
    const capacity = khoBlockCapacity(this.#target, entry);
    const most = abi.number('KHO_MAX_BLOCKS');
    const skip = abi.struct('kho_block_header_ser').size;
    let page: Uint8Array | undefined;
    for (const step of walkBlocks(this.#memory, this.#target, head)) {
      if (step.kind === 'block') {
        page = this.#page(`${what}: block`, step.phys, this.#target.pageSize);
        if (!page || blocks.length >= most) break;
        blocks.push(step.phys);
        continue;
      }
      if (step.count === 0n || step.count > BigInt(capacity)) {
        this.#problems.push(
          `${what}: the block at ${hex(step.phys)} tells ${step.count} entries, 1 to ${capacity} fit`,
        );
      }
      if (page) entries.push(...this.#entries(page.subarray(skip), entry, step.count));
    }
    return { entries, blocks };
  }

  /** The header of a fixed array, and as many entries as `countOf` tells from it. */
  array<N extends StructName, H extends StructName>(
    what: string,
    phys: bigint,
    table: Table,
    { entry, header, countOf }: { entry: N; header: H; countOf: (header: Struct<H>) => bigint },
  ): Struct<N>[] {
    const page = this.#page(what, phys, this.#target.pageSize * this.#target.abi.number(`${table}_PGCNT`));
    if (!page) return [];
    const skip = this.#target.abi.struct(header).size;
    const count = countOf(this.#target.abi.struct(header).decode(page));
    return this.#fitting(what, page.subarray(skip), entry, count);
  }

  /** `count` entries of a fixed array without a header. */
  list<N extends StructName>(what: string, phys: bigint, table: Table, entry: N, count: bigint): Struct<N>[] {
    const page = this.#page(what, phys, this.#target.pageSize * this.#target.abi.number(`${table}_PGCNT`));
    return page ? this.#fitting(what, page, entry, count) : [];
  }

  #fitting<N extends StructName>(what: string, bytes: Uint8Array, entry: N, count: bigint): Struct<N>[] {
    const room = Math.floor(bytes.length / this.#target.abi.struct(entry).size);
    if (count > BigInt(room)) this.#problems.push(`${what}: ${count} entries are recorded, ${room} fit`);
    return this.#entries(bytes, entry, count);
  }

  #entries<N extends StructName>(bytes: Uint8Array, entry: N, count: bigint): Struct<N>[] {
    const size = this.#target.abi.struct(entry).size;
    const room = Math.min(Math.floor(bytes.length / size), this.#left);
    const read = count < BigInt(room) ? Number(count) : room;
    this.#left -= read;
    return decodeEntries(this.#target, entry, bytes, read);
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
