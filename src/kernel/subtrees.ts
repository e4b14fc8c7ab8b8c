import type { Target } from '../abi/target.ts';
import { alignUp, hex } from '../base/numbers.ts';
import { fdtSize } from '../fdt/header.ts';
import type { FdtToken } from '../fdt/tokens.ts';
import { asU64Native } from '../fdt/values.ts';
import { report } from './checks.ts';
import { DEATH, log, type ReportDetails, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import type { Receiver } from './receivers.ts';
import type { RootFdt } from './root-fdt.ts';
import { whereTaken } from './scratch.ts';
import type { Incoming } from './stages.ts';

/** A subtree as its node in the root FDT records it. */
export interface SubtreeBlob {
  readonly phys: bigint;
  /** Bytes; null up to 6.19, which do not record it. */
  readonly size: bigint | null;
}

const FDT_HEADER_BYTES = 40;
/** Offset of totalsize. */
const TOTALSIZE = 4n;

const whereOf = (name: string) => `root-fdt/${name}`;

/** What the function that asks for a subtree prints when it is refused. */
type Refusal = Required<Pick<ReportDetails, 'line'>> & Pick<ReportDetails, 'outcome' | 'conditional'>;

/** kho_retrieve_subtree() (KH). */
export function* retrieve(
  { names, target }: Kernel,
  root: RootFdt,
  name: string,
  refusal?: Refusal,
): Stage<SubtreeBlob | 'absent' | 'refused'> {
  const node = root.fdt.child(name);
  if (typeof node === 'number') return 'absent';
  const { blob, blobSize } = names;
  const details = { where: whereOf(name), errno: '-EINVAL', ...refusal };
  const lost = `of '${name}' is missing or not 8 bytes: its state is lost, the rest goes on`;
  const phys = u64(target, root, node, blob);
  if (phys === undefined) {
    yield report('subtree-address', { ...details, text: `${blob} ${lost}` });
    return 'refused';
  }
  if (blobSize === undefined) return { phys, size: null };
  const size = u64(target, root, node, blobSize);
  if (size !== undefined) return { phys, size };
  const line = `KHO: broken KHO subnode '${name}': missing or invalid blob-size property`;
  yield report('subtree-blob-size', { ...details, text: `${blobSize} ${lost}`, line });
  if (refusal && !refusal.conditional) yield log(refusal.line);
  return 'refused';
}

/** Who reads memory. @returns whether the kernel survives it */
export function* survives(kernel: Kernel, start: bigint, length: number): Stage<boolean> {
  const dies = kernel.faultsAt(start, start + BigInt(length));
  if (dies) yield DEATH;
  return !dies;
}

/**
 * Who reads an FDT: at an address that is not aligned libfdt reads totalsize and no more (fdt_ro_probe_(), as kernels are
 * compiled). Behind the highest address comes the lowest.
 */
export function* survivesFdt(kernel: Kernel, start: bigint): Stage<boolean> {
  if (start % 8n === 0n) return yield* survives(kernel, start, FDT_HEADER_BYTES);
  return yield* survives(kernel, BigInt.asUintN(64, start + TOTALSIZE), 4);
}

/**
 * kho_in_debugfs_init(): a file for each subtree (kernel/liveupdate/kexec_handover_debugfs.c; to 6.18 KH).
 * @param clients names of subtrees that are asked for: what is wrong with those is reported where they are
 */
export function* exposeSubtrees(kernel: Kernel, root: RootFdt, clients: readonly string[]): Stage {
  const { names, receiver, target } = kernel;
  const { blob, blobSize } = names;
  const shown = new Set<string>();
  for (const { name, node } of root.fdt.children()) {
    const where = whereOf(name);
    const value = root.fdt.property(blob, node);
    const isReported = clients.includes(name);
    if (typeof value === 'number') {
      if (!isReported) yield report('subtree-address', { where, text: `'${name}' has no ${blob}` });
    } else if (value.length !== 8) {
      const line = invalidLength(receiver, name, blob, value.length);
      const text = `${blob} of '${name}' has ${value.length} bytes, not 8`;
      yield isReported ? log(line) : report('subtree-address', { where, text, line });
    } else if (blobSize !== undefined && u64(target, root, node, blobSize) === undefined) {
      const line = `KHO: node ${name} missing or invalid ${blobSize} property`;
      const text = `${blobSize} of '${name}' is missing or not 8 bytes`;
      yield isReported ? log(line) : report('subtree-blob-size', { where, text, line });
    } else if (blobSize === undefined && !(yield* survives(kernel, u64(target, root, node, blob) ?? 0n, 8))) {
      return; // without a recorded size it reads the blob's own
    } else if (isFileName(name) && !shown.has(name)) shown.add(name);
    else {
      const quoted = receiver.debugfsStyle === 'quoted' ? `\`${name}\`` : name;
      const line = `KHO: failed to add ${blobSize === undefined ? 'fdt' : 'blob'} ${quoted} to debugfs: -`;
      const why = shown.has(name) ? 'there is a file of that name' : 'no file can have that name';
      yield report('subtree-name', { where, text: `debugfs does not show '${name}': ${why}`, line });
    }
  }
}

/** lookup_noperm_common() (fs/namei.c, 7.3), NAME_MAX (include/uapi/linux/limits.h). */
const isFileName = (name: string): boolean => !/^(?:|\.\.?|.*\/.*)$/s.test(name) && name.length <= 255;

function invalidLength({ debugfsStyle }: Receiver, name: string, blob: string, length: number): string {
  return debugfsStyle === 'quoted'
    ? `KHO: node \`${name}\`'s prop \`fdt\` has invalid length: ${length}`
    : `KHO: node ${name} prop ${blob} has invalid length: ${length}`;
}

/** What kernels rely on for every subtree's memory. @param clients names of subtrees that are asked for */
export function* checkBlobs(kernel: Kernel, incoming: Incoming, clients: readonly string[]): Stage {
  const { names, receiver, target } = kernel;
  const { root } = incoming;
  const { blob, blobSize } = names;
  for (const { name, node } of root.fdt.children()) {
    const isAskedFor = clients.includes(name);
    if (!isAskedFor) {
      const text = `nobody in ${receiver.release} asks for '${name}': its memory stays reserved until the next reboot`;
      yield report('subtree-unknown', { where: whereOf(name), text });
    }
    const phys = u64(target, root, node, blob);
    if (phys === undefined) continue;
    const size = blobSize === undefined ? null : (u64(target, root, node, blobSize) ?? null);
    yield* checkBlob(kernel, incoming, name, { phys, size }, isAskedFor);
  }
}

function* checkBlob(
  kernel: Kernel,
  { scratch, preserved }: Incoming,
  name: string,
  { phys, size }: SubtreeBlob,
  isRead: boolean,
): Stage {
  const where = whereOf(name);
  const outcome = isRead ? ({ outcome: 'undefined' } as const) : {};
  const bytes = size ?? fdtSize(kernel.read(phys, 8));
  const end = phys + BigInt(bytes ?? 1);
  const range = `the blob of '${name}' at ${hex(phys)}-${hex(end)}`;
  if (size === 0n) yield report('subtree-size', { where, text: `the blob of '${name}' is empty` });
  if (phys % kernel.pageSize !== 0n) {
    const text = `${range} does not start a page, so no folio is its own`;
    yield report('subtree-alignment', { where, text });
  }
  const index = scratch.indexAt(phys, end);
  if (!kernel.inRam(phys, end > phys ? end : phys + 1n)) {
    const text = `${range} is not in RAM: the kernel faults where it reads it`;
    yield report('outside-ram', { where, text });
  } else if (index >= 0) {
    const isKept = preserved.contains(phys, end) || !scratch.isMostOfRam(kernel);
    const text = `${range} is in scratch[${index}]: the receiver allocates there`;
    const taken = isKept ? whereTaken(scratch, phys, end) : outcome;
    yield report('scratch-overlap', { where, text, ...(isRead && taken) });
  } else if (!preserved.contains(phys, phys + 1n)) {
    const text = `${range} is not preserved: its memory is free, and may be overwritten before it is read`;
    yield report('subtree-not-preserved', { where, text, ...outcome });
  } else if (!preserved.contains(phys, end)) {
    const text = `${range} is longer than the memory preserved there: the rest may be overwritten`;
    yield report('subtree-size', { where, text, ...outcome });
  } else if (bytes !== undefined) yield* checkTail(kernel, name, end);
}

/** A producer's memory is zeroed; libfdt's sequential writer leaves a copy of its strings at the page's end. */
function* checkTail(kernel: Kernel, name: string, end: bigint): Stage {
  const pageEnd = alignUp(end, kernel.pageSize);
  const tail = kernel.read(end, Number(pageEnd - end));
  const index = tail.findIndex((byte) => byte !== 0);
  if (index < 0) return;
  const first = end + BigInt(index);
  const text = `bytes follow the blob of '${name}' at ${hex(first)}, in its last page: they are handed over with it`;
  yield report('stale-bytes', { where: whereOf(name), text });
}

function u64({ endian }: Target, { fdt }: RootFdt, node: FdtToken, name: string): bigint | undefined {
  const value = fdt.property(name, node);
  return typeof value === 'number' ? undefined : asU64Native(value, endian);
}
