import type { Generation } from '../abi/generations.ts';
import { hex } from '../base/numbers.ts';
import { getField, viewOf } from '../fdt/format.ts';
import { asU64Native } from '../fdt/values.ts';
import { canMap, EFAULT, EINVAL, ENOENT, mappedEnd, sayRefusal } from './boot-record.ts';
import type { VerifyCheck } from './checks.ts';
import type { Context } from './context.ts';
import { breaksAlignment, checkHeader, KernelFdt } from './libfdt.ts';

export interface RootFdt {
  readonly phys: bigint;
  /** Bytes up to the end of its last block. */
  readonly size: number;
  readonly fdt: KernelFdt;
  /** Address of the memory map, or in words why there is none (up to 6.18 that is no reason to refuse). */
  readonly map: bigint | string;
}

const WHERE = 'root-fdt';

/** The first half of kho_populate() (KH, 6.18 to 7.3). @returns undefined when the kernel refuses here */
export function verifyRootFdt(context: Context): RootFdt | undefined {
  const { fdtAddr: phys, fdtSize } = context.image.bootRecord;
  if (!canMap(phys, fdtSize, context.pageSize)) {
    return refuse(context, 'fdt-unmapped', EFAULT, {
      text: `the boot record tells ${fdtSize} bytes of FDT at ${hex(phys)}, which cannot be mapped: a kernel warning`,
      kernel: `KHO: setup: failed to memremap FDT (${hex(phys)})`,
      fate: 'broken',
    });
  }
  const mapped = Number(mappedEnd(phys, fdtSize, context.pageSize) - phys);
  const bytes = context.read(phys, mapped);
  if (!headerHolds(context, phys, bytes)) return undefined;
  checkExtent(context, phys, bytes);
  const fdt = new KernelFdt(bytes);
  if (!compatibleHolds(context, phys, fdt)) return undefined;
  const map = mapAddress(context, fdt);
  if (!mapHolds(context, map)) return undefined;
  checkStructure(context, fdt);
  checkLookAlike(context);
  return { phys, size: usedBytes(bytes), fdt, map };
}

function headerHolds(context: Context, phys: bigint, bytes: Uint8Array): boolean {
  const { headerAlignment, release } = context.receiver;
  if (bytes.length < 40) {
    const text = `only ${bytes.length} bytes of the FDT at ${hex(phys)} are mapped: the kernel faults as it reads the header`;
    context.found('fdt-beyond-record', { where: WHERE, text, fate: 'dies' });
    return false;
  }
  const error = checkHeader(bytes, phys, headerAlignment);
  if (error === 0) {
    if (!headerAlignment && breaksAlignment(bytes)) {
      const text = `the FDT's reserve map or structure block is not aligned: ${release} reads it, 7.1 and later refuse it`;
      context.found('fdt-header-alignment', { where: `${WHERE}/header`, text, severity: 'warning' });
    }
    return true;
  }
  const check = checkHeader(bytes, phys, false) === 0 ? 'fdt-header-alignment' : 'fdt-header';
  refuse(context, check, EINVAL, {
    text: `fdt_check_header() gives ${error} for the root FDT at ${hex(phys)}`,
    kernel: `KHO: setup: handover FDT (${hex(phys)}) is invalid: ${error}`,
  });
  return false;
}

/** What lies behind the mapping is not there for kho_populate(); later the kernel reads through its direct map. */
function checkExtent(context: Context, phys: bigint, bytes: Uint8Array): void {
  const { fdtSize } = context.image.bootRecord;
  const end = phys + BigInt(usedBytes(bytes));
  if (usedBytes(bytes) > bytes.length) {
    const text = `the FDT's blocks end after ${usedBytes(bytes)} bytes, ${bytes.length} are mapped: the kernel faults where it reads further`;
    context.found('fdt-beyond-record', { where: WHERE, text, fate: 'undefined' });
  }
  if (fdtSize !== context.pageSize) {
    const text = `the boot record tells ${fdtSize} bytes of FDT, every kernel the page size, ${context.pageSize}`;
    context.found('fdt-size', { where: WHERE, text });
  }
  if (getField(viewOf(bytes), 'totalsize') > context.target.pageSize - Number(phys % context.pageSize)) {
    const text = `the FDT at ${hex(phys)} is not inside one page: no kernel writes it so, and preserves the rest`;
    context.found('fdt-crosses-page', { where: WHERE, text });
  }
  if (context.inRam(phys, end)) return;
  const text = `the root FDT at ${hex(phys)}-${hex(end)} is not in RAM`;
  context.found('outside-ram', { where: WHERE, text, fate: 'undefined' });
}

/** Up to the end of the last block: the kernel reads no further, whatever totalsize is. */
function usedBytes(bytes: Uint8Array): number {
  const header = viewOf(bytes);
  const structure = getField(header, 'version') < 17 ? 0 : getField(header, 'size_dt_struct');
  const strings = getField(header, 'off_dt_strings') + getField(header, 'size_dt_strings');
  return Math.max(getField(header, 'off_dt_struct') + structure, strings);
}

function compatibleHolds(context: Context, phys: bigint, fdt: KernelFdt): boolean {
  const { compatible } = context.receiver.generation;
  const error = fdt.checkCompatible(compatible);
  if (error === 0) return true;
  const has = fdt.property('compatible');
  const shown =
    typeof has === 'number' ? 'missing' : `'${Buffer.from(has).toString('latin1').replace(/\0.*$/s, '')}'`;
  refuse(context, 'fdt-compatible', EINVAL, {
    text: `compatible is ${shown}, ${context.receiver.release} wants '${compatible}'`,
    kernel: `KHO: setup: handover FDT (${hex(phys)}) is incompatible with '${compatible}': ${error}`,
  });
  return false;
}

/** What the property of the memory map says: its address, or in words why there is none. */
function mapAddress(context: Context, fdt: KernelFdt): bigint | string {
  const property = context.receiver.generation.memoryMapProperty;
  const value = fdt.property(property);
  if (typeof value === 'number') return `${property} is missing`;
  return asU64Native(value, context.target.endian) ?? `${property} has ${value.length} bytes, not 8`;
}

/** kho_get_mem_map_phys() (6.19 and later); 6.18 reads the property only when it deserializes the map. */
function mapHolds(context: Context, map: bigint | string): boolean {
  if (context.receiver.mapReadBy !== 'kho_populate') return true;
  if (typeof map === 'string') {
    const kernel = mapLine(context);
    refuse(context, 'memory-map-property', ENOENT, { text: map, kernel });
    return false;
  }
  if (map !== 0n) return true;
  const text =
    'the memory map is 0, since the kernel before was not finalized: refused without a reason on the console';
  refuse(context, 'memory-map-zero', ENOENT, { text });
  return false;
}

export function mapLine({ receiver }: Context): string {
  return `KHO: failed to get preserved ${receiver.mapName}`;
}

interface Refusal {
  readonly text: string;
  readonly kernel?: string;
  readonly fate?: 'broken';
}

/** The kernel says why, and that it goes on without KHO: it boots as after any kexec, and all state is lost. */
function refuse(
  context: Context,
  check: VerifyCheck,
  errno: number,
  { text, kernel, fate }: Refusal,
): undefined {
  context.found(check, {
    where: WHERE,
    text: `${text}; the kernel boots as if there were no KHO, all state is lost`,
    fate: fate ?? 'rejected',
    errno: ERRNO_NAMES[errno] ?? String(errno),
    ...(kernel !== undefined && { kernel }),
  });
  sayRefusal(context, errno);
  return undefined;
}

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  [EFAULT]: '-EFAULT',
  [EINVAL]: '-EINVAL',
  [ENOENT]: '-ENOENT',
};

/** libfdt stops where it can read no further, without a word: what stands behind is not found. */
function checkStructure(context: Context, fdt: KernelFdt): void {
  const seen = new Set<string>();
  for (const { name } of fdt.children()) {
    if (seen.has(name)) {
      const text = `there are two subtrees '${name}': the second is never found`;
      context.found('fdt-duplicate-node', { where: `${WHERE}/${name}`, text });
    }
    seen.add(name);
  }
  const damage = fdt.damage();
  if (damage === undefined) return;
  const text = `${damage}: subtrees from there on are not found, and nothing says so`;
  context.found('fdt-structure', {
    where: WHERE,
    text,
    ...(seen.size === 0 && { fate: 'ignored' as const }),
  });
}

/** Up to 6.19 one compatible string stands for bitmaps of two lengths. */
function checkLookAlike(context: Context): void {
  const { generation } = context.image.target;
  const own = context.receiver.generation;
  if (generation === own || generation.compatible !== own.compatible) return;
  const bytes = (of: Generation) =>
    of.memoryMap.kind === 'bitmap-chain' ? of.memoryMap.bitmapBytes(context.target.pageSize) : 0;
  if (bytes(generation) === bytes(own)) return;
  context.found('generation-look-alike', {
    where: `${WHERE}/compatible`,
    text: `${generation.name} has bitmaps of ${bytes(generation)} bytes, ${context.receiver.release} reads ${bytes(own)}: it takes the map for its own and misreads it`,
    fate: 'undefined',
  });
}
