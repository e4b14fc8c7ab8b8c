import { hex } from '../../base/numbers.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Restorer } from '../../kernel/restore.ts';
import { type VmallocPages, walkVmalloc } from './walk.ts';

export interface VmallocRefusal {
  readonly text: string;
  /** The kernel prints a warning of kho_restore_page(). */
  readonly warns: boolean;
  /** The kernel does not survive it. */
  readonly faults: boolean;
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
  if (order > 30) return refusal(`order ${order} is beyond an int`, { faults: true });
  if (total * 8 > INT_MAX) return refusal(`a list of ${total} pages is larger than kvmalloc() gives`);
  const blocks: bigint[] = [];
  for (const { kind, phys } of walkVmalloc(kernel, kernel.target, first)) {
    if (kind === 'chunk' && !kernel.inRam(phys, phys + kernel.pageSize)) {
      return refusal(`chunk ${hex(phys)} is not in RAM: the kernel faults as it reads it`, { faults: true });
    }
    if (kind === 'block') {
      if ((blocks.length + 1) * 2 ** order > total)
        return refusal(`more pages are listed than total_pages, ${total}`);
      const lost = restorer.restorePages(phys, 2 ** order);
      if (lost !== undefined) return refusal(`page ${lost}`, { warns: true });
      blocks.push(phys);
    }
    if (kind === 'end') {
      const lost = restorer.restorePages(phys, 1);
      if (lost !== undefined) return refusal(`chunk ${lost}`, { warns: true });
    }
  }
  const pages = blocks.length * 2 ** order;
  if (pages === total) return { blocks, order, pages };
  return refusal(`${pages} pages are listed, total_pages is ${total}`);
}

function refusal(text: string, { warns = false, faults = false } = {}): VmallocRefusal {
  return { text, warns, faults };
}
