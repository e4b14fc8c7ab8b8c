import type { Struct } from '../../abi/declared.ts';
import { hex } from '../../base/numbers.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Restorer } from '../../kernel/restore.ts';

export interface VmallocRefusal {
  readonly text: string;
  /** The kernel prints a warning of kho_restore_page(). */
  readonly warns: boolean;
  /** The kernel does not survive it. */
  readonly faults: boolean;
}

export interface VmallocArea {
  /** First page of each block of `1 << order` pages. */
  readonly blocks: readonly bigint[];
  readonly order: number;
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
): VmallocArea | VmallocRefusal {
  const { first, total_pages: total, order } = kernel.target.abi.struct('kho_vmalloc').decode(descriptor);
  if (order > 30) return refusal(`order ${order} is beyond an int`, { faults: true });
  if (total * 8 > INT_MAX) return refusal(`a list of ${total} pages is larger than kvmalloc() gives`);
  const blocks: bigint[] = [];
  for (let chunk = first; chunk !== 0n; ) {
    if (!kernel.inRam(chunk, chunk + kernel.pageSize)) {
      return refusal(`chunk ${hex(chunk)} is not in RAM: the kernel faults as it reads it`, { faults: true });
    }
    const { next, phys } = readChunk(kernel, chunk);
    const wrong = restoreChunk(restorer, phys, { order, total }, blocks);
    if (wrong) return wrong;
    const lost = restorer.restorePages(chunk, 1);
    if (lost !== undefined) return refusal(`chunk ${lost}`, { warns: true });
    chunk = next;
  }
  const pages = blocks.length * 2 ** order;
  if (pages === total) return { blocks, order, pages };
  return refusal(`${pages} pages are listed, total_pages is ${total}`);
}

function readChunk(kernel: Kernel, chunk: bigint): Struct<'kho_vmalloc_chunk'> {
  return kernel.target.abi.struct('kho_vmalloc_chunk').decode(kernel.read(chunk, kernel.target.pageSize));
}

/** Entries up to the first zero. */
function restoreChunk(
  restorer: Restorer,
  entries: readonly bigint[],
  { order, total }: { order: number; total: number },
  blocks: bigint[],
): VmallocRefusal | undefined {
  const count = 2 ** order;
  for (const phys of entries) {
    if (phys === 0n) return undefined;
    if ((blocks.length + 1) * count > total)
      return refusal(`more pages are listed than total_pages, ${total}`);
    const lost = restorer.restorePages(phys, count);
    if (lost !== undefined) return refusal(`page ${lost}`, { warns: true });
    blocks.push(phys);
  }
  return undefined;
}

function refusal(text: string, { warns = false, faults = false } = {}): VmallocRefusal {
  return { text, warns, faults };
}
