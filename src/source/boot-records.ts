import { LINUX_KHO_FDT, LINUX_KHO_SCRATCH } from '../abi/chosen.ts';
import { decodeStruct } from '../abi/layout.ts';
import { kho_data, SETUP_KEXEC_KHO, setup_data } from '../abi/setup_data.ts';
import { makeTarget } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type FdtNode, findNode, getProperty, readFdt } from '../fdt/reader.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { BootRecord } from '../model/image.ts';

/** A boot record somewhere in memory: the one a receiver will get, or what an older boot left. */
export interface FoundRecord extends BootRecord {
  readonly by: 'setup_data' | 'chosen';
  /** Where it stands: of the setup_data record, or of the device tree. */
  readonly phys: bigint;
}

/** Longest device tree that is looked at; Linux maps 2 MiB (arm64, Documentation/arch/arm64/booting.rst). */
const LARGEST_TREE = 2 << 20;
const X86 = makeTarget({ arch: 'x86_64' });

/** x86: the record as add_kho() reads it (arch/x86/kernel/setup.c, 7.3). */
export function readSetupData(memory: PhysicalMemory, phys: bigint): FoundRecord {
  const { type, len } = decodeStruct(setup_data, X86, memory.read(phys, 16));
  const data = decodeStruct(kho_data, X86, memory.read(phys + 16n, 32));
  return {
    by: 'setup_data',
    phys,
    fdtAddr: data.fdt_addr,
    fdtSize: data.fdt_size,
    scratchAddr: data.scratch_addr,
    scratchSize: data.scratch_size,
    setupDataType: type,
    setupDataLen: len,
  };
}

/** arm64: the record in a device tree's /chosen (drivers/of/fdt.c: early_init_dt_check_kho(), 7.3). */
export function readChosen(memory: PhysicalMemory, phys: bigint): FoundRecord | undefined {
  const root = treeAt(memory, phys);
  const chosen = root && findNode(root, '/chosen');
  if (!chosen) return undefined;
  const cells = { address: cellCount(root, '#address-cells'), size: cellCount(root, '#size-cells') };
  const fdt = range(chosen, LINUX_KHO_FDT, cells);
  const scratch = range(chosen, LINUX_KHO_SCRATCH, cells);
  if (!fdt || !scratch) return undefined;
  return {
    by: 'chosen',
    phys,
    fdtAddr: fdt.start,
    fdtSize: fdt.size,
    scratchAddr: scratch.start,
    scratchSize: scratch.size,
    setupDataType: SETUP_KEXEC_KHO,
    setupDataLen: 32,
  };
}

/** The tree at an address where one may begin. */
export function treeAt(memory: PhysicalMemory, phys: bigint): FdtNode | undefined {
  const size = Buffer.from(memory.read(phys, 8)).readUInt32BE(4);
  if (size > LARGEST_TREE) return undefined;
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
  return { start: cellsOf(bytes.subarray(0, split)), size: cellsOf(bytes.subarray(split)) };
}

const cellsOf = (bytes: Buffer): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`));

/** The architecture that has this kind of record. */
export const RECORD_ARCH = { setup_data: 'x86_64', chosen: 'arm64' } as const;
