import { constantOf } from '../abi/constants.ts';
import { alignUp, hex } from '../base/numbers.ts';
import { FDT_MAGIC } from '../fdt/format.ts';
import type { FdtToken } from '../fdt/tokens.ts';
import { asU64Native } from '../fdt/values.ts';
import type { Preserved } from '../memory/preserved.ts';
import { KHO_METADATA_NODE_NAME } from '../users/kexec-metadata/abi.ts';
import { KHO_TEST_FDT } from '../users/kho-test/abi.ts';
import { LUO_KHO_ENTRY_NAME } from '../users/luo/abi.ts';
import { MEMBLOCK_KHO_FDT } from '../users/reserve-mem/abi.ts';
import type { Context } from './context.ts';
import type { Receiver } from './receivers.ts';
import type { RootFdt } from './root-fdt.ts';

/** A subtree as its node in the root FDT tells it. */
export interface SubtreeBlob {
  readonly phys: bigint;
  /** Bytes; null up to 6.19, which do not record it. */
  readonly size: bigint | null;
}

/** Who asks for a subtree in a receiver. */
export function clientsOf(receiver: Receiver): readonly string[] {
  const all: Record<string, string>[] = [{ KHO_TEST_FDT }, { MEMBLOCK_KHO_FDT }];
  if (receiver.generation.luo !== undefined) all.push({ LUO_KHO_ENTRY_NAME });
  if (receiver.generation.kexecMetadataVersion !== undefined) all.push({ KHO_METADATA_NODE_NAME });
  return all.map((name) => constantOf(receiver, name));
}

const whereOf = (name: string) => `root-fdt/${name}`;

/**
 * kho_retrieve_subtree() (KH).
 * @param refusal what the asking function then prints
 * @returns undefined when the subtree is not there, or was refused, which is then told
 */
export function retrieve(
  context: Context,
  root: RootFdt,
  name: string,
  refusal?: { readonly line: string; readonly fate?: 'broken'; readonly conditional?: boolean },
): SubtreeBlob | undefined {
  const node = root.fdt.child(name);
  if (typeof node === 'number') return undefined;
  const { receiver } = context;
  const { blobProperty, blobSizeProperty } = receiver.generation;
  const phys = u64(context, root, node, blobProperty);
  const details = {
    where: whereOf(name),
    errno: '-EINVAL',
    ...(refusal && { kernel: refusal.line }),
    ...(refusal?.fate && { fate: refusal.fate }),
    ...(refusal?.conditional && { conditional: true }),
  };
  if (phys === undefined) {
    const text = `${blobProperty} of '${name}' is missing or not 8 bytes: its state is lost, the rest goes on`;
    context.found('subtree-address', { ...details, text });
    return undefined;
  }
  if (blobSizeProperty === undefined) return { phys, size: null };
  const size = u64(context, root, node, blobSizeProperty);
  if (size !== undefined) return { phys, size };
  const line = `KHO: broken KHO subnode '${name}': missing or invalid blob-size property`;
  const text = `${blobSizeProperty} of '${name}' is missing or not 8 bytes: its state is lost, the rest goes on`;
  context.found('subtree-blob-size', { ...details, text, kernel: line });
  if (refusal && !refusal.conditional) context.say(refusal.line);
  return undefined;
}

/** kho_in_debugfs_init(): a file for each subtree (kernel/liveupdate/kexec_handover_debugfs.c; to 6.18 KH). */
export function exposeSubtrees(context: Context, root: RootFdt): void {
  const known = clientsOf(context.receiver);
  const { blobProperty, blobSizeProperty } = context.receiver.generation;
  for (const { name, node } of root.fdt.children()) {
    const where = whereOf(name);
    const value = root.fdt.property(blobProperty, node);
    const told = known.includes(name);
    const report = (
      check: 'subtree-address' | 'subtree-blob-size',
      text: string,
      line: string | undefined,
    ) => {
      if (!told) context.found(check, { where, text, ...(line !== undefined && { kernel: line }) });
      else if (line !== undefined) context.say(line);
    };
    if (typeof value === 'number') {
      report('subtree-address', `'${name}' has no ${blobProperty}`, undefined);
    } else if (value.length !== 8) {
      const line = invalidLength(context.receiver, name, value.length);
      report('subtree-address', `${blobProperty} of '${name}' has ${value.length} bytes, not 8`, line);
    } else if (blobSizeProperty !== undefined && u64(context, root, node, blobSizeProperty) === undefined) {
      const line = `KHO: node ${name} missing or invalid ${blobSizeProperty} property`;
      report('subtree-blob-size', `${blobSizeProperty} of '${name}' is missing or not 8 bytes`, line);
    }
  }
}

function invalidLength({ debugfsStyle, generation }: Receiver, name: string, length: number): string {
  return debugfsStyle === 'quoted'
    ? `KHO: node \`${name}\`'s prop \`fdt\` has invalid length: ${length}`
    : `KHO: node ${name} prop ${generation.blobProperty} has invalid length: ${length}`;
}

/** What kernels rely on for every subtree's memory. */
export function checkBlobs(context: Context, root: RootFdt, preserved: Preserved): void {
  const known = clientsOf(context.receiver);
  const { blobProperty, blobSizeProperty } = context.receiver.generation;
  for (const { name, node } of root.fdt.children()) {
    if (!known.includes(name)) {
      const text = `nobody in ${context.receiver.release} asks for '${name}': its memory stays reserved until the next reboot`;
      context.found('subtree-unknown', { where: whereOf(name), text });
    }
    const phys = u64(context, root, node, blobProperty);
    const size = blobSizeProperty === undefined ? null : (u64(context, root, node, blobSizeProperty) ?? null);
    if (phys !== undefined) checkBlob(context, name, { phys, size }, preserved);
  }
}

function checkBlob(context: Context, name: string, { phys, size }: SubtreeBlob, preserved: Preserved): void {
  const where = whereOf(name);
  // Up to 6.19 debugfs reads each blob's head at once; later only who asks for it does.
  const fate = isRead(context, name) ? ({ fate: 'undefined' } as const) : {};
  const bytes = size ?? BigInt(fdtSize(context, phys) ?? 1);
  const end = phys + bytes;
  const range = `the blob of '${name}' at ${hex(phys)}-${hex(end)}`;
  if (size === 0n) context.found('subtree-size', { where, text: `the blob of '${name}' is empty` });
  if (phys % context.pageSize !== 0n) {
    context.found('subtree-alignment', {
      where,
      text: `${range} does not start a page, so no folio is its own`,
    });
  }
  const scratch = context.scratchAt(phys, end);
  if (!context.inRam(phys, end > phys ? end : phys + 1n)) {
    const text = `${range} is not in RAM: the kernel faults as it reads it`;
    context.found('outside-ram', { where, text, ...fate });
  } else if (scratch >= 0) {
    const text = `${range} is in scratch[${scratch}]: the receiver allocates there`;
    context.found('scratch-overlap', { where, text, ...fate });
  } else if (!preserved.contains(phys, phys + 1n)) {
    const text = `${range} is not preserved: its memory is free, and may be overwritten before it is read`;
    context.found('subtree-not-preserved', { where, text, ...fate });
  } else if (!preserved.contains(phys, end)) {
    const text = `${range} is longer than the memory preserved there: the rest may be overwritten`;
    context.found('subtree-size', { where, text, ...fate });
  } else checkTail(context, name, end);
}

function isRead({ receiver }: Context, name: string): boolean {
  return receiver.generation.blobSizeProperty === undefined || clientsOf(receiver).includes(name);
}

/** A producer's memory is zeroed; libfdt's sequential writer leaves a copy of its strings at the page's end. */
function checkTail(context: Context, name: string, end: bigint): void {
  const pageEnd = alignUp(end, context.pageSize);
  const tail = context.read(end, Number(pageEnd - end));
  const index = tail.findIndex((byte) => byte !== 0);
  if (index < 0) return;
  const first = end + BigInt(index);
  const text = `bytes follow the blob of '${name}' at ${hex(first)}, in its last page: they are handed over with it`;
  context.found('stale-bytes', { where: whereOf(name), text });
}

function fdtSize(context: Context, phys: bigint): number | undefined {
  const head = Buffer.from(context.read(phys, 8));
  return head.readUInt32BE(0) === FDT_MAGIC ? head.readUInt32BE(4) : undefined;
}

function u64(context: Context, { fdt }: RootFdt, node: FdtToken, name: string): bigint | undefined {
  const value = fdt.property(name, node);
  return typeof value === 'number' ? undefined : asU64Native(value, context.target.endian);
}
