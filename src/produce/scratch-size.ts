import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignUp } from '../base/numbers.ts';
import type { Region } from '../memory/regions.ts';

/** Memory that the producing kernel had reserved when it laid out scratch. */
export interface Reserved extends Region {
  /** For its own use (MEMBLOCK_RSRV_KERN, include/linux/memblock.h, 7.3): counted by `kho_scratch=N%`. */
  readonly kernel: boolean;
  /** The node it was asked from, when it was asked from one. */
  readonly node?: number | undefined;
}

/** Value of the kernel parameter `kho_scratch=`: a share of what is reserved, or bytes. */
type ScratchParameter =
  | { readonly percent: bigint }
  | { readonly lowmem: bigint; readonly global: bigint; readonly node: bigint };

/**
 * Sizes of the scratch regions in the order of the array: lowmem, global, one per node
 * (scratch_size_update(), scratch_size_node(), kernel/liveupdate/kexec_handover.c, 6.19 and 7.3).
 * @throws KhoforgeError `SCRATCH_PARAMETER` for what the kernel refuses
 */
export function scratchSizes(
  target: Target,
  parameter: string,
  reserved: readonly Reserved[],
  { nodes, lowLimit }: { nodes: number; lowLimit: bigint },
): bigint[] {
  const parsed = parseParameter(parameter);
  const { scratchAlignment, verbatimScratch } = target.generation;
  const alignment = scratchAlignment(target);
  const rounded = (size: bigint) => alignUp(size > 0n ? size : 0n, alignment);
  const numbers = Array.from({ length: nodes }, (_, node) => node);
  if (!('percent' in parsed)) {
    const { lowmem, global, node } = parsed;
    const first = verbatimScratch ? [lowmem, global] : [rounded(lowmem), rounded(global)];
    return [...first, ...numbers.map(() => rounded(node))];
  }
  const share = (size: bigint) => (size * parsed.percent) / 100n;
  const lowmem = share(kernelBytes(reserved, lowLimit));
  const global = share(kernelBytes(reserved)) - (verbatimScratch ? rounded(lowmem) : lowmem);
  const perNode = numbers.map((node) => kernelBytes(reserved.filter((one) => one.node === node)));
  return [lowmem, global, ...perNode.map(share)].map(rounded);
}

/** memblock_reserved_kern_size() (mm/memblock.c, 7.3). */
function kernelBytes(reserved: readonly Reserved[], limit?: bigint): bigint {
  return reserved
    .filter(({ kernel, start }) => kernel && (limit === undefined || start <= limit))
    .map(({ start, size }) => (limit !== undefined && start + size > limit ? limit - start : size))
    .reduce((sum, size) => sum + size, 0n);
}

/** sizeof(struct page), of which every page of memory has one. */
export const PAGE_STRUCT = 64n;

/**
 * What a kernel has reserved for itself at the least: the struct pages of each node, which it puts at its upper end
 * (sparse_init(), mm/sparse.c, 7.3).
 * @param nodes RAM of each node
 */
export function pageStructs(target: Target, nodes: readonly (readonly Region[])[]): Reserved[] {
  return nodes.flatMap((regions, node): Reserved[] => {
    const bytes = regions.reduce((sum, { size }) => sum + size, 0n);
    const size = alignUp((bytes / BigInt(target.pageSize)) * PAGE_STRUCT, 2n << 20n);
    const room = regions.toReversed().find((region) => region.size >= size);
    return room ? [{ start: room.start + room.size - size, size, kernel: true, node }] : [];
  });
}

/** kho_parse_scratch_size() (kernel/liveupdate/kexec_handover.c, 7.3). */
function parseParameter(text: string): ScratchParameter {
  const percent = /^(\d{1,10})%$/.exec(text)?.[1];
  if (percent !== undefined && BigInt(percent) > 0n && BigInt(percent) < 1n << 32n)
    return { percent: BigInt(percent) };
  const [lowmem, global, node, ...more] = text.split(',').map(memparse);
  const all = lowmem !== undefined && global !== undefined && node !== undefined && more.length === 0;
  if (all && lowmem + global + node > 0n) return { lowmem, global, node };
  throw new KhoforgeError('SCRATCH_PARAMETER', `scratch: '${text}' is no value of kho_scratch=`, {
    where: { spec: 'scratch' },
    hint: "give '200%', or sizes for lowmem, global and each node such as '64M,32M,16M'; or a list of regions",
  });
}

/** memparse() (lib/cmdline.c, 7.3), without octal, for values below 2^64. */
function memparse(text: string): bigint | undefined {
  const [, digits, unit = ''] = /^(0x[0-9a-f]+|0|[1-9]\d*)([kmgtpe]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(digits) << BigInt(10 * ['', 'k', 'm', 'g', 't', 'p', 'e'].indexOf(unit.toLowerCase()));
  return value < 1n << 64n ? value : undefined;
}
