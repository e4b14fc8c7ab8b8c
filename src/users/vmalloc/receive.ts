import { hex } from '../../base/numbers.ts';
import { type Stage, warn } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Restorer } from '../../kernel/restore.ts';
import { type VmallocPages, walkVmalloc } from './walk.ts';

export interface VmallocRefusal {
  readonly text: string;
  /** The kernel prints a warning of kho_restore_page(), or the one of these lines. */
  readonly warns: boolean | string;
  /** Nobody survives it, or nobody can tell. */
  readonly outcome?: 'dies' | 'undefined';
}

/** An area whose pages the receiver has. */
export interface RestoredArea extends VmallocPages {
  readonly pages: number;
}

const INT_MAX = 0x7fffffff;

/**
 * kho_restore_vmalloc() (KH, 6.18 to 7.3), which restores every page of the area and of its chain of chunks.
 * @returns the area, or why the kernel refuses it
 */
export function restoreVmalloc(
  kernel: Kernel,
  restorer: Restorer,
  descriptor: Uint8Array,
): RestoredArea | VmallocRefusal {
  const { first, total_pages: total, order } = kernel.target.abi.struct('kho_vmalloc').decode(descriptor);
  if (total * 8 > INT_MAX) {
    const text = `a list of ${total} pages is larger than kvmalloc() gives`;
    return refusal(text, { warns: '__kvmalloc_node_noprof+0x' });
  }
  // __vmalloc_node_range_noprof() gives no more than there is (mm/vmalloc.c, 7.2, 7.3).
  const ram = kernel.ram.reduce((bytes, region) => bytes + region.size, 0n);
  if (ram > 0n && BigInt(total * 8) > ram) return refusal(`a list of ${total} pages is larger than all RAM`);
  // 1 << order in an int (x86 takes the lower five bits): the sign bit makes it more than any total.
  const size = order % 32 === 31 ? Number.MAX_SAFE_INTEGER : 2 ** (order % 32);
  const blocks: bigint[] = [];
  for (const { kind, phys } of walkVmalloc(kernel, kernel.target, first)) {
    if (kind === 'chunk' && faultsAtChunk(kernel, phys)) {
      const text = `chunk ${hex(phys)} is not in RAM: the kernel faults as it reads it`;
      return refusal(text, { outcome: 'dies' });
    }
    if (kind === 'block') {
      if (blocks.length * size + size > total)
        return refusal(`more pages are listed than total_pages, ${total}`);
      const lost = restorer.restorePages(phys, size);
      if (lost !== undefined) return refusal(`page ${lost.text}`, lost);
      blocks.push(phys & ~(kernel.pageSize - 1n));
    }
    if (kind === 'end') {
      const lost = restorer.restorePages(phys, 1);
      if (lost !== undefined) return refusal(`chunk ${lost.text}`, lost);
    }
  }
  const pages = blocks.length * size;
  if (pages !== total) return refusal(`${pages} pages are listed, total_pages is ${total}`);
  if (order > 30) return refusal(`order ${order} is beyond an int`, { outcome: 'undefined' });
  if (total === 0) return refusal('there is no area of no pages');
  return { blocks, order, pages };
}

/** A chunk two bytes below the end of 64 bits has its entries at the beginning of memory: they are read first. */
function faultsAtChunk(kernel: Kernel, phys: bigint): boolean {
  const header = BigInt(kernel.target.abi.struct('kho_vmalloc_hdr').size);
  const entries = BigInt.asUintN(64, phys + header);
  if (entries < phys) return kernel.faultsAt(entries, entries + header);
  return kernel.faultsAt(phys, phys + kernel.pageSize);
}

function refusal(
  text: string,
  { warns = false, outcome }: Partial<Omit<VmallocRefusal, 'text'>> = {},
): VmallocRefusal {
  return { text, warns, ...(outcome && { outcome }) };
}

/** What the kernel prints of it. */
export function* warnings({ warns }: VmallocRefusal, restorer: Restorer): Stage {
  if (typeof warns === 'string') yield warn(warns);
  else yield* restorer.warn({ warns });
}
