import { chainBitmapBytes } from '../abi/chain.ts';
import { rootNames } from '../abi/root-names.ts';
import type { Target } from '../abi/target.ts';
import { hex } from '../base/numbers.ts';
import { getField, viewOf } from '../fdt/format.ts';
import { asU64Native } from '../fdt/values.ts';
import { EFAULT, EINVAL, ENOENT, giveUp } from './boot-record.ts';
import { type KernelCheck, report } from './checks.ts';
import { earlyMemremap, MAPPING_WARNING, readsOutside } from './early-memremap.ts';
import type { Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import { breaksAlignment, checkHeader, KernelFdt, usedBytes } from './libfdt.ts';
import type { Receiver } from './receivers.ts';

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
export function* readRootFdt(kernel: Kernel): Stage<RootFdt | undefined> {
  const { fdtAddr: phys, fdtSize } = kernel.image.bootRecord;
  const mapped = earlyMemremap(kernel, phys, fdtSize);
  if (mapped === undefined) {
    yield MAPPING_WARNING;
    return yield* refuse(kernel, 'fdt-unmapped', EFAULT, {
      text: `the boot record tells ${fdtSize} bytes of FDT at ${hex(phys)}, which cannot be mapped: a kernel warning`,
      line: `KHO: setup: failed to memremap FDT (${hex(phys)})`,
      outcome: 'broken',
    });
  }
  const bytes = kernel.read(phys, Number(mapped));
  if (!(yield* isThere(kernel, phys, mapped))) return undefined;
  if (!(yield* headerHolds(kernel, phys, bytes))) return undefined;
  yield* checkExtent(kernel, phys, bytes);
  const fdt = new KernelFdt(bytes, phys);
  if (!(yield* compatibleHolds(kernel, phys, fdt))) return undefined;
  const map = mapAddress(kernel, fdt);
  if (!(yield* mapHolds(kernel, map))) return undefined;
  yield* checkStructure(fdt);
  yield* checkLookAlike(kernel);
  return { phys, size: usedBytes(bytes), fdt, map };
}

/** Outside RAM a processor may read what nobody knows, or nothing. */
function* isThere(kernel: Kernel, phys: bigint, mapped: bigint): Stage<boolean> {
  if (kernel.inRam(phys, phys + mapped)) return true;
  if (readsOutside(kernel, phys)) return true;
  const text = `the root FDT at ${hex(phys)} is not in RAM: what the kernel reads there, if it reads, is not known`;
  yield report('outside-ram', { where: WHERE, text, outcome: 'undefined' });
  return false;
}

function* headerHolds(kernel: Kernel, phys: bigint, bytes: Uint8Array): Stage<boolean> {
  const { headerAlignment, release } = kernel.receiver;
  if (bytes.length < 40) {
    const text = `only ${bytes.length} bytes of the FDT at ${hex(phys)} are mapped: the kernel faults as it reads the header`;
    yield report('fdt-beyond-record', { where: WHERE, text, outcome: 'dies' });
    return false;
  }
  const error = checkHeader(bytes, phys, headerAlignment);
  if (error === 0) {
    if (!headerAlignment && breaksAlignment(bytes)) {
      const text = `the FDT's reserve map or structure block is not aligned: ${release} reads it, 7.1 and later refuse it`;
      yield report('fdt-header-alignment', { where: `${WHERE}/header`, text, severity: 'warning' });
    }
    return true;
  }
  const check = checkHeader(bytes, phys, false) === 0 ? 'fdt-header-alignment' : 'fdt-header';
  yield* refuse(kernel, check, EINVAL, {
    text: `fdt_check_header() gives ${error} for the root FDT at ${hex(phys)}`,
    line: `KHO: setup: handover FDT (${hex(phys)}) is invalid: ${error}`,
  });
  return false;
}

/** What lies behind the mapping is not there for kho_populate(); later the kernel reads through its direct map. */
function* checkExtent(kernel: Kernel, phys: bigint, bytes: Uint8Array): Stage {
  const { fdtSize } = kernel.image.bootRecord;
  const end = phys + BigInt(usedBytes(bytes));
  if (usedBytes(bytes) > bytes.length) {
    const text = `the FDT's blocks end after ${usedBytes(bytes)} bytes, ${bytes.length} are mapped: the kernel faults where it reads further`;
    yield report('fdt-beyond-record', { where: WHERE, text, outcome: 'undefined' });
  }
  if (fdtSize !== kernel.pageSize) {
    const text = `the boot record tells ${fdtSize} bytes of FDT, every kernel the page size, ${kernel.pageSize}`;
    yield report('fdt-size', { where: WHERE, text });
  }
  if (getField(viewOf(bytes), 'totalsize') > kernel.target.pageSize - Number(phys % kernel.pageSize)) {
    const text = `the FDT at ${hex(phys)} is not inside one page: no kernel writes it so, and preserves the rest`;
    yield report('fdt-crosses-page', { where: WHERE, text });
  }
  if (kernel.inRam(phys, end)) return;
  const text = `the root FDT at ${hex(phys)}-${hex(end)} is not in RAM`;
  yield report('outside-ram', { where: WHERE, text, outcome: 'undefined' });
}

function* compatibleHolds(kernel: Kernel, phys: bigint, fdt: KernelFdt): Stage<boolean> {
  const { compatible } = kernel.names;
  const error = fdt.checkCompatible(compatible);
  if (error === 0) return true;
  const has = fdt.property('compatible');
  const shown =
    typeof has === 'number' ? 'missing' : `'${Buffer.from(has).toString('latin1').replace(/\0.*$/s, '')}'`;
  yield* refuse(kernel, 'fdt-compatible', EINVAL, {
    text: `compatible is ${shown}, ${kernel.receiver.release} wants '${compatible}'`,
    line: `KHO: setup: handover FDT (${hex(phys)}) is incompatible with '${compatible}': ${error}`,
  });
  return false;
}

/** What the property of the memory map says: its address, or in words why there is none. */
function mapAddress({ names, target }: Kernel, fdt: KernelFdt): bigint | string {
  const property = names.memoryMap;
  const value = fdt.property(property);
  if (typeof value === 'number') return `${property} is missing`;
  return asU64Native(value, target.endian) ?? `${property} has ${value.length} bytes, not 8`;
}

/** kho_get_mem_map_phys() (6.19 and later); 6.18 reads the property only when it deserializes the map. */
function* mapHolds(kernel: Kernel, map: bigint | string): Stage<boolean> {
  if (kernel.receiver.mapReadBy !== 'kho_populate') return true;
  if (typeof map === 'string') {
    yield* refuse(kernel, 'memory-map-property', ENOENT, { text: map, line: mapLine(kernel.receiver) });
    return false;
  }
  if (map !== 0n) return true;
  const text =
    'the memory map is 0, since the kernel before was not finalized: refused without a reason on the console';
  yield* refuse(kernel, 'memory-map-zero', ENOENT, { text });
  return false;
}

export function mapLine({ mapName }: Receiver): string {
  return `KHO: failed to get preserved ${mapName}`;
}

interface Refusal {
  readonly text: string;
  readonly line?: string;
  readonly outcome?: 'broken';
}

/** The kernel says why, and that it goes on without KHO: it boots as after any kexec, and all state is lost. */
function* refuse(
  kernel: Kernel,
  check: KernelCheck,
  errno: number,
  { text, line, outcome }: Refusal,
): Stage<undefined> {
  yield report(check, {
    where: WHERE,
    text: `${text}; the kernel boots as if there were no KHO, all state is lost`,
    ...(outcome && { outcome }),
    errno: ERRNO_NAMES[errno] ?? String(errno),
    ...(line !== undefined && { line }),
  });
  yield* giveUp(kernel, errno);
  return undefined;
}

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  [EFAULT]: '-EFAULT',
  [EINVAL]: '-EINVAL',
  [ENOENT]: '-ENOENT',
};

/** libfdt stops where it can read no further, without a word: what stands behind is not found. */
function* checkStructure(fdt: KernelFdt): Stage {
  const seen = new Set<string>();
  for (const { name } of fdt.children()) {
    if (seen.has(name)) {
      const text = `there are two subtrees '${name}': the second is never found`;
      yield report('fdt-duplicate-node', { where: `${WHERE}/${name}`, text });
    }
    seen.add(name);
  }
  const damage = fdt.damage();
  if (damage === undefined) return;
  const text = `${damage}: subtrees from there on are not found, and nothing says so`;
  yield report('fdt-structure', {
    where: WHERE,
    text,
  });
}

/** Up to 6.19 one compatible string stands for bitmaps of two lengths. */
function* checkLookAlike(kernel: Kernel): Stage {
  const { generation, abi } = kernel.image.target;
  const { compatible } = rootNames(abi);
  if (generation === kernel.receiver.generation || compatible !== kernel.names.compatible) return;
  const bytes = (target: Target) =>
    target.generation.memoryMap.kind === 'bitmap-chain' ? chainBitmapBytes(target) : 0;
  const [theirs, ours] = [bytes(kernel.image.target), bytes(kernel.target)];
  if (theirs === ours) return;
  yield report('generation-look-alike', {
    where: `${WHERE}/compatible`,
    text: `${generation.name} has bitmaps of ${theirs} bytes, ${kernel.receiver.release} reads ${ours}: it takes the map for its own and misreads it`,
    outcome: 'undefined',
  });
}
