import { radixGeometry } from '../abi/radix.ts';
import type { Region } from '../memory/regions.ts';
import { type Block, type Followed, MAX_BLOCKS, readAt, setBits } from './followed.ts';
import type { Kernel } from './kernel.ts';

const MAX_NODES = 1 << 14;
/** Blocks of KHO_SCRATCH_EXT_BLKSIZE that are marked one by one (KH, 7.3: kho_ext_walk_leaf): what passes, what never ends. */
const EXTENSION_SHIFT = 30n;
const [FEW_STEPS, ENDLESS_STEPS] = [1n << 20n, 1n << 30n];

/**
 * __kho_radix_walk_tree() (KH, 7.1 to 7.3), with what is called for each key: an entry is any address, aligned or not, and a
 * key any number.
 * @param unknown memory whose contents nobody knows when the map is read
 */
export function followRadixTree(kernel: Kernel, root: bigint, unknown: readonly Region[]): Followed {
  const walker = new Walker(kernel, unknown);
  const stopped = walker.walk(root);
  if (stopped) return stopped;
  return applyKeys(kernel, walker.keys);
}

class Walker {
  readonly keys: bigint[] = [];
  readonly #kernel: Kernel;
  readonly #unknown: readonly Region[];
  readonly #geometry: ReturnType<typeof radixGeometry>;
  #nodes = 0;

  constructor(kernel: Kernel, unknown: readonly Region[]) {
    this.#kernel = kernel;
    this.#unknown = unknown;
    this.#geometry = radixGeometry(kernel.target);
  }

  walk(root: bigint): Followed | undefined {
    return this.#node(root, this.#geometry.depth - 1, 0n);
  }

  /** In the order of the kernel, which is that of keys: the first that ends it is what ends it. */
  #node(phys: bigint, level: number, start: bigint): Followed | undefined {
    if (++this.#nodes > MAX_NODES) return { kind: 'open' };
    const page = readAt(this.#kernel, phys, this.#kernel.target.pageSize, this.#unknown);
    if ('kind' in page) return page;
    return level === 0 ? this.#leaf(page, start) : this.#table(page, level, start);
  }

  #table(page: Buffer, level: number, start: bigint): Followed | undefined {
    const { tableSizeLog2, bitmapSizeLog2 } = this.#geometry;
    const shift = BigInt((level - 1) * tableSizeLog2 + bitmapSizeLog2);
    for (let at = 0; at < page.length; at += 8) {
      const entry = page.readBigUInt64LE(at);
      if (entry === 0n) continue;
      const stopped = this.#node(entry, level - 1, start | (BigInt(at / 8) << shift));
      if (stopped) return stopped;
    }
    return undefined;
  }

  #leaf(page: Buffer, start: bigint): Followed | undefined {
    for (const bit of setBits(page)) {
      if (this.keys.push(start | bit) > MAX_BLOCKS) return { kind: 'open' };
    }
    return undefined;
  }
}

/** First the blocks that are no scratch (7.3), then those that are reserved. */
function applyKeys(kernel: Kernel, keys: readonly bigint[]): Followed {
  const blocks = keys.map((key) => decode(key, kernel.target.pageShift));
  if (kernel.receiver.extendsScratch) {
    const steps = blocks.reduce((sum, { size }) => sum + (size >> EXTENSION_SHIFT), 0n);
    if (steps > ENDLESS_STEPS) return { kind: 'endless' };
    if (steps > FEW_STEPS) return { kind: 'open' };
  }
  const outside = blocks.find(({ phys }) => !kernel.hasStructPages(phys, phys + 1n));
  return outside ? { kind: 'faults', phys: outside.phys } : { kind: 'read', blocks };
}

/**
 * kho_decode_radix_key() (KH, 7.1 to 7.3) as processors have it: the order is an unsigned int, fls64(0) - 1 is its highest,
 * and of the width of a shift the lower 6 bits count.
 */
function decode(key: bigint, pageShift: number): Block {
  const orderBit = key.toString(2).length - 1;
  const order = key === 0n ? 65 - pageShift : 64 - pageShift - orderBit;
  const shift = BigInt.asUintN(6, BigInt(pageShift + order));
  return { phys: BigInt.asUintN(64, key << shift), size: 1n << shift, order };
}
