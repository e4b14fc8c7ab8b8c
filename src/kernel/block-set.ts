import { khoBlockCapacity } from '../abi/blocks.ts';
import type { Struct, StructName } from '../abi/declared.ts';
import { hex } from '../base/numbers.ts';
import { decodeEntries, walkBlocks } from './block-walk.ts';
import type { Kernel } from './kernel.ts';

/** A chain of blocks as a receiver reads it. */
export interface BlockSet<N extends StructName> {
  /** Addresses, up to where the chain is wrong. */
  readonly blocks: readonly bigint[];
  readonly entries: readonly Struct<N>[];
  /** Why the kernel refuses it, in words, and its own line. */
  readonly refused?: { readonly text: string; readonly line: string };
  /** A block that another chain led to before: what comes after it was read there. */
  readonly shared?: bigint;
  /** A block outside RAM: the kernel faults as it reads it. */
  readonly outside?: bigint;
}

/**
 * kho_block_set_restore() (kernel/liveupdate/kho_block.c, 7.2 and 7.3): first the chain, then each count.
 * @param what of blocks, such as `session`
 * @param others blocks of other chains; those of this one are added
 */
export function restoreBlockSet<N extends StructName>(
  kernel: Kernel,
  head: bigint,
  entry: N,
  what: string,
  others: Set<bigint> = new Set(),
): BlockSet<N> {
  const { target } = kernel;
  const { abi } = target;
  const headerSize = abi.struct('kho_block_header_ser').size;
  const entrySize = abi.struct(entry).size;
  const most = khoBlockCapacity(target, entry);
  const counts = new Map<bigint, bigint>();
  const set = (more: Partial<BlockSet<N>> = {}) => ({ blocks: [...counts.keys()], entries: [], ...more });
  for (const step of walkBlocks(kernel, target, head)) {
    const { phys } = step;
    if (step.kind === 'header') counts.set(phys, step.count);
    else if (counts.has(phys) || counts.size >= abi.number('KHO_MAX_BLOCKS')) {
      const fault = counts.has(phys) ? `comes back to ${hex(phys)}` : 'is too long';
      const text = `the chain of ${what} blocks ${fault}`;
      return set({ refused: { text, line: 'Block set is corrupted' } });
    } else if (others.has(phys)) return set({ shared: phys });
    else if (kernel.faultsAt(phys, phys + kernel.pageSize)) return set({ outside: phys });
  }
  for (const phys of counts.keys()) others.add(phys);
  for (const [phys, count] of counts) {
    if (count > 0n && count <= BigInt(most)) continue;
    const text = `the ${what} block at ${hex(phys)} tells ${count} entries, 1 to ${most} fit`;
    return set({ refused: { text, line: `Block contains invalid entry count: ${count}` } });
  }
  const entries = [...counts].flatMap(([phys, count]) => {
    const bytes = kernel.read(phys + BigInt(headerSize), Number(count) * entrySize);
    return decodeEntries(target, entry, bytes, Number(count));
  });
  return set({ entries });
}
