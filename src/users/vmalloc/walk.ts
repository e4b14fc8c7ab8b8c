import type { Target } from '../../abi/target.ts';
import type { PhysicalMemory, Readable } from '../../memory/physical-memory.ts';

/** What a descriptor's chain of chunks leads to, step by step. */
export interface VmallocStep {
  /** `chunk`: before it is read, so that whoever cannot go there stops. `block`: an entry. `end`: of the chunk. */
  readonly kind: 'chunk' | 'block' | 'end';
  /** Address of the chunk, or of the first page of the block. */
  readonly phys: bigint;
}

/**
 * Follows a chain of chunks as kho_restore_vmalloc() does (KH, 6.18 to 7.3): entries of a chunk up to the first zero. It
 * has no end where a chunk is in its own chain: those who follow it stop.
 */
export function* walkVmalloc(memory: Readable, target: Target, first: bigint): Generator<VmallocStep, void> {
  const codec = target.abi.struct('kho_vmalloc_chunk');
  for (let chunk = first; chunk !== 0n; ) {
    yield { kind: 'chunk', phys: chunk };
    const { next, phys } = codec.decode(memory.read(chunk, target.pageSize));
    for (const block of phys) {
      if (block === 0n) break;
      yield { kind: 'block', phys: block };
    }
    yield { kind: 'end', phys: chunk };
    chunk = next;
  }
}

export interface VmallocPages {
  /** First page of each block of `1 << order` pages. */
  readonly blocks: readonly bigint[];
  readonly order: number;
}

/**
 * How many entries of `size` bytes the blocks hold, up to the first page that is not in the image or was there before:
 * a block may be listed a hundred times, and as larger than any machine. What is not in the image reads as zeroes.
 */
export function entriesHeld(
  memory: PhysicalMemory,
  { pageSize }: Target,
  { blocks, order }: VmallocPages,
  size: number,
): number {
  const seen = new Set<bigint>();
  const pages = 2 ** order;
  for (const block of blocks) {
    for (let page = 0; page < pages; page++) {
      const start = block + BigInt(page) * BigInt(pageSize);
      // Of a page that is held in part the rest is zeroes.
      if (seen.has(start) || !memory.covers(start, 1)) return Math.floor((seen.size * pageSize) / size);
      seen.add(start);
    }
  }
  return Math.floor((seen.size * pageSize) / size);
}

/**
 * The entries of an array in a vmalloc area, where its blocks are one after the other.
 * @param size bytes of an entry
 * @param count how many; fewer come where the area has no room for them
 */
export function* walkEntries<T>(
  memory: Readable,
  { pageSize }: Target,
  { blocks, order }: VmallocPages,
  { size, count, entry }: { size: number; count: number; entry: (bytes: Buffer, at: number) => T },
): Generator<T, void> {
  let left = count;
  let rest = Buffer.alloc(0);
  for (const block of blocks) {
    for (let page = 0; page < 2 ** order; page++) {
      const bytes = Buffer.concat([rest, memory.read(block + BigInt(page * pageSize), pageSize)]);
      let at = 0;
      for (; left > 0 && at + size <= bytes.length; at += size, left--) yield entry(bytes, at);
      if (left === 0) return;
      rest = bytes.subarray(at);
    }
  }
}
