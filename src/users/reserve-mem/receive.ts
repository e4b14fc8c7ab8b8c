import { constantOf } from '../../abi/constants.ts';
import { hex } from '../../base/numbers.ts';
import type { FdtToken } from '../../fdt/tokens.ts';
import { asU64Native } from '../../fdt/values.ts';
import type { VerifyCheck } from '../../kernel/checks.ts';
import type { Context } from '../../kernel/context.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import type { RootFdt } from '../../kernel/root-fdt.ts';
import { retrieve } from '../../kernel/subtrees.ts';
import type { Preserved } from '../../memory/preserved.ts';
import {
  MEMBLOCK_KHO_FDT,
  MEMBLOCK_KHO_NODE_COMPATIBLE,
  RESERVE_MEM_KHO_NODE_COMPATIBLE,
  RESERVE_MEM_SIZE,
  RESERVE_MEM_START,
} from './abi.ts';

const WHERE = MEMBLOCK_KHO_FDT;
const LARGEST_FDT = 256 << 10;
const WHEN = 'a kernel booted with reserve_mem= allocates anew, what was kept there is lost';

/**
 * reserve_mem_kho_revive() (mm/memblock.c, 6.18 to 7.3) for each region that is there. A kernel looks only for those that
 * its own command line names, with reserve_mem=size:align:name; it also compares their size and alignment.
 */
export function verifyMemblock(context: Context, root: RootFdt, preserved: Preserved): void {
  const line = `failed to retrieve FDT '${MEMBLOCK_KHO_FDT}' from KHO: -22`;
  const blob = retrieve(context, root, MEMBLOCK_KHO_FDT, { line, conditional: true });
  if (!blob || !context.inRam(blob.phys, blob.phys + 40n)) return;
  const fdt = new KernelFdt(context.read(blob.phys, LARGEST_FDT));
  const wanted = constantOf(context.target, { MEMBLOCK_KHO_NODE_COMPATIBLE });
  const error = fdt.checkCompatible(wanted);
  if (error !== 0) {
    const text = `compatible is not '${wanted}'`;
    const incompatible = `FDT '${MEMBLOCK_KHO_FDT}' is incompatible with '${wanted}': ${error}`;
    refuse(context, 'memblock-format', WHERE, text, incompatible);
    return;
  }
  for (const { name, node } of fdt.children()) verifyRegion(context, fdt, name, node, preserved);
}

function verifyRegion(
  context: Context,
  fdt: KernelFdt,
  name: string,
  node: FdtToken,
  preserved: Preserved,
): void {
  const where = `${WHERE}/${name}`;
  const error = fdt.checkCompatible(RESERVE_MEM_KHO_NODE_COMPATIBLE, node);
  if (error !== 0) {
    const line = `Node '${name}' is incompatible with '${RESERVE_MEM_KHO_NODE_COMPATIBLE}': ${error}`;
    refuse(context, 'memblock-region', where, `'${name}' is not '${RESERVE_MEM_KHO_NODE_COMPATIBLE}'`, line);
    return;
  }
  const start = u64(context, fdt.property(RESERVE_MEM_START, node));
  const size = u64(context, fdt.property(RESERVE_MEM_SIZE, node));
  if (start === undefined || size === undefined) {
    refuse(context, 'memblock-region', where, `start or size of '${name}' is missing or not 8 bytes`);
    return;
  }
  if (size > 0n && preserved.contains(start, start + size)) return;
  const text = `the region '${name}' at ${hex(start)}-${hex(start + size)} is not preserved: it is free memory`;
  context.found('memblock-not-preserved', { where, text });
}

/** The kernel looks only with a command line that asks for it: its lines are not among those it prints for sure. */
function refuse(context: Context, check: VerifyCheck, where: string, text: string, kernel?: string): void {
  context.found(check, {
    where,
    text: `${text}: ${WHEN}`,
    conditional: true,
    ...(kernel !== undefined && { kernel }),
  });
}

function u64(context: Context, value: Uint8Array | number): bigint | undefined {
  return typeof value === 'number' ? undefined : asU64Native(value, context.target.endian);
}
