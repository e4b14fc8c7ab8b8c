import { KHO_MAX_BLOCKS, kho_block_header_ser, khoBlockCapacity } from '../abi/block.ts';
import { decodeStruct, type Fields, layoutOf, type StructDef, type StructValues } from '../abi/layout.ts';
import { hex } from '../base/numbers.ts';
import type { Kernel } from './kernel.ts';

/** A chain of blocks as a receiver reads it. */
export interface BlockSet<F extends Fields> {
  /** Addresses, up to where the chain is wrong. */
  readonly blocks: readonly bigint[];
  readonly entries: readonly StructValues<F>[];
  /** Why the kernel refuses it, in words, and its own line. */
  readonly refused?: { readonly text: string; readonly line: string };
  /** A block outside RAM: the kernel faults as it reads it. */
  readonly outside?: bigint;
}

/**
 * kho_block_set_restore() (kernel/liveupdate/kho_block.c, 7.2 and 7.3): first the chain, then each count.
 * @param what of blocks, such as `session`
 */
export function restoreBlockSet<F extends Fields>(
  kernel: Kernel,
  head: bigint,
  entry: StructDef<F>,
  what: string,
): BlockSet<F> {
  const { target } = kernel;
  const headerSize = layoutOf(kho_block_header_ser, target).size;
  const entrySize = layoutOf(entry, target).size;
  const most = khoBlockCapacity(target, entry);
  const counts = new Map<bigint, bigint>();
  const set = (more: Partial<BlockSet<F>> = {}) => ({ blocks: [...counts.keys()], entries: [], ...more });
  for (let phys = head; phys !== 0n; ) {
    if (counts.has(phys) || counts.size >= KHO_MAX_BLOCKS) {
      const fault = counts.has(phys) ? `comes back to ${hex(phys)}` : 'is too long';
      return set({
        refused: { text: `the chain of ${what} blocks ${fault}`, line: 'Block set is corrupted' },
      });
    }
    if (!kernel.inRam(phys, phys + kernel.pageSize)) return set({ outside: phys });
    const { next, count } = decodeStruct(kho_block_header_ser, target, kernel.read(phys, headerSize));
    counts.set(phys, count);
    phys = next;
  }
  for (const [phys, count] of counts) {
    if (count > 0n && count <= BigInt(most)) continue;
    const text = `the ${what} block at ${hex(phys)} tells ${count} entries, 1 to ${most} fit`;
    return set({ refused: { text, line: `Block contains invalid entry count: ${count}` } });
  }
  const entries = [...counts].flatMap(([phys, count]) => {
    const bytes = kernel.read(phys + BigInt(headerSize), Number(count) * entrySize);
    return Array.from({ length: Number(count) }, (_, i) =>
      decodeStruct(entry, target, bytes.subarray(i * entrySize)),
    );
  });
  return set({ entries });
}
