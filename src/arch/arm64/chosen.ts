import { makeTarget } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { type FdtNode, findNode, getProperty, readFdt } from '../../fdt/reader.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { ChosenRecord } from '../../model/image.ts';

/** Longest device tree that is looked at; Linux maps 2 MiB (Documentation/arch/arm64/booting.rst, 7.3). */
const MAX_TREE_SIZE = 2 << 20;
const ARM64 = makeTarget({ arch: 'arm64' });

/** The record of the device tree at an address, where there is one (drivers/of/fdt.c: early_init_dt_check_kho(), 7.3). */
export function readChosen(memory: PhysicalMemory, phys: bigint): ChosenRecord | undefined {
  const root = treeAt(memory, phys);
  const chosen = root && findNode(root, '/chosen');
  if (!chosen) return undefined;
  const cells = { address: cellCount(root, '#address-cells'), size: cellCount(root, '#size-cells') };
  const fdt = range(chosen, ARM64.abi.text('chosen:linux,kho-fdt'), cells);
  const scratch = range(chosen, ARM64.abi.text('chosen:linux,kho-scratch'), cells);
  if (!fdt || !scratch) return undefined;
  return {
    kind: 'chosen',
    fdtAddr: fdt.start,
    fdtSize: fdt.size,
    scratchAddr: scratch.start,
    scratchSize: scratch.size,
  };
}

/** The tree at an address where one may begin. */
function treeAt(memory: PhysicalMemory, phys: bigint): FdtNode | undefined {
  const size = Buffer.from(memory.read(phys, 8)).readUInt32BE(4);
  if (size > MAX_TREE_SIZE) return undefined;
  try {
    return readFdt(memory.read(phys, size)).root;
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}

interface Cells {
  address: number;
  size: number;
}

/** One by default, as of_fdt has it (drivers/of/fdt.c: early_init_dt_scan_root(), 7.3). */
function cellCount(root: FdtNode, name: string): number {
  const value = getProperty(root, name)?.value;
  return value?.length === 4 ? Buffer.from(value).readUInt32BE() : 1;
}

function range(node: FdtNode, name: string, cells: Cells): { start: bigint; size: bigint } | undefined {
  const value = getProperty(node, name)?.value;
  if (!value || value.length !== 4 * (cells.address + cells.size)) return undefined;
  const bytes = Buffer.from(value);
  const split = 4 * cells.address;
  return { start: numberOf(bytes.subarray(0, split)), size: numberOf(bytes.subarray(split)) };
}

const numberOf = (bytes: Buffer): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`));
