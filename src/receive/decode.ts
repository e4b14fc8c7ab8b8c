import { rootNames } from '../abi/root-names.ts';
import type { Target } from '../abi/target.ts';
import { needMembers } from '../base/arguments.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import { fdtSize } from '../fdt/header.ts';
import { type FdtNode, type FdtTree, getProperty, readFdt } from '../fdt/reader.ts';
import { asCString, asU64Native } from '../fdt/values.ts';
import type { MapWalk } from '../memory/map-walk.ts';
import type { Region } from '../memory/regions.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Image } from '../model/image.ts';
import { type BitmapEvidence, bitmapEvidence } from '../source/bitmap-evidence.ts';
import { lineageOf, userOf } from '../users/registry.ts';
import { type DecodedSubtree, facet, type Lineage } from '../users/user.ts';
import { blobBytes } from './blob.ts';
import { Orders } from './orders.ts';

export interface InspectedSubtree {
  readonly name: string;
  readonly phys: bigint | null;
  /** Bytes, where the generation records them. */
  readonly size: bigint | null;
  /** The recorded bytes; where none are, those that the blob says, when it is an FDT. */
  readonly length: bigint | null;
  /** Null when no KHO user of that name is known. */
  readonly decoded: DecodedSubtree | null;
  /** First bytes of a blob that nobody decodes. */
  readonly head: Uint8Array | null;
}

/** What an image holds, as far as it can be read; `problems` tells the rest. */
export interface Inspection {
  readonly target: Target;
  /** `compatible` of the root FDT as it stands there. */
  readonly compatible: string | null;
  /** False when the producer attached no boot record, since it was not finalized: the receiver boots as ever. */
  readonly handedOver: boolean;
  /** False when the memory map is 0. */
  readonly finalized: boolean;
  readonly fdt: { readonly phys: bigint; readonly size: number; readonly tree: FdtTree } | null;
  readonly scratch: readonly Region[];
  readonly memoryMap: bigint | null;
  readonly walk: MapWalk | null;
  /** Whether the bitmaps are as long as the target's generation has them; null where the compatible string tells. */
  readonly bitmaps: BitmapEvidence | null;
  readonly subtrees: readonly InspectedSubtree[];
  /** What its users tell of the kernels before; null when none does. */
  readonly lineage: Lineage | null;
  readonly problems: readonly string[];
}

const HEAD_BYTES = 64;

/** Reads an image from its boot record to the last subtree. Never throws for what the image holds. */
export function inspect(image: Image): Inspection {
  needMembers('the image', image, ['target', 'memory', 'bootRecord'], 'one that was built or opened');
  const problems: string[] = [];
  const handedOver = image.bootRecord.kind !== 'none';
  const tree = handedOver ? attempt(problems, 'root FDT', () => rootTree(image)) : null;
  const root = tree?.root;
  const compatible = text(root, 'compatible');
  const { generation, abi } = image.target;
  const names = rootNames(abi);
  if (root && compatible !== names.compatible) {
    problems.push(`compatible is '${compatible ?? ''}', ${generation.name} has '${names.compatible}'`);
  }
  const memoryMap = root ? u64(image, root, names.memoryMap) : null;
  if (root && memoryMap === null) problems.push(`${names.memoryMap} is missing or not 8 bytes`);
  const walk =
    memoryMap === null || memoryMap === 0n
      ? null
      : attempt(problems, 'memory map', () => walkMemoryMap(image.target, image.memory, memoryMap));
  for (const finding of walk?.findings ?? [])
    problems.push(`memory map: ${finding.code} at ${hex(finding.phys)}`);
  const bitmaps = memoryMap ? bitmapEvidence(image, memoryMap) : null;
  if (bitmaps?.verdict === 'contradicts') {
    problems.push(`memory map: not by ${generation.name}: ${bitmaps.reasons.join('; ')}`);
  }
  const orders = new Orders(image, memoryMap);
  const scratch = attempt(problems, 'scratch array', () => scratchArray(image)) ?? [];
  const subtrees = (root?.children ?? []).map((node) => subtree(image, node, orders, problems));
  return {
    target: image.target,
    compatible,
    handedOver,
    finalized: memoryMap !== null && memoryMap !== 0n,
    fdt: tree ? { phys: image.bootRecord.fdtAddr, size: tree.header.totalsize, tree } : null,
    scratch,
    memoryMap,
    walk,
    bitmaps,
    subtrees,
    lineage: lineageIn(image, subtrees),
    problems,
  };
}

function lineageIn({ target }: Image, subtrees: readonly InspectedSubtree[]): Lineage | null {
  const all = subtrees.flatMap(({ name, decoded }) => (decoded && lineageOf(target, name, decoded)) ?? []);
  return all[0] ?? null;
}

function rootTree(image: Image): FdtTree {
  const { fdtAddr } = image.bootRecord;
  if (!image.memory.covers(fdtAddr, 8)) {
    throw new KhoforgeError('FDT_ABSENT', `nothing is at ${hex(fdtAddr)}`);
  }
  return readFdt(image.memory.read(fdtAddr, image.target.pageSize));
}

/** As kho_populate() counts them: a partial entry at the end is dropped without a word (7.3). */
function scratchArray(image: Image): Region[] {
  const { scratchAddr, scratchSize } = image.bootRecord;
  const entry = image.target.abi.struct('kho_scratch').size;
  const count = Math.floor(Number(scratchSize < 1n << 20n ? scratchSize : 1n << 20n) / entry);
  return Array.from({ length: count }, (_, i) => {
    const bytes = image.memory.read(scratchAddr + BigInt(i * entry), entry);
    const { addr, size } = image.target.abi.struct('kho_scratch').decode(bytes);
    return { start: addr, size };
  });
}

function subtree(image: Image, node: FdtNode, orders: Orders, problems: string[]): InspectedSubtree {
  const { blob, blobSize } = rootNames(image.target.abi);
  const phys = u64(image, node, blob);
  const size = blobSize === undefined ? null : u64(image, node, blobSize);
  if (phys === null) problems.push(`${node.name}: ${blob} is missing or not 8 bytes`);
  if (blobSize !== undefined && size === null) {
    problems.push(`${node.name}: ${blobSize} is missing or not 8 bytes`);
  }
  const user = userOf(image.target, node.name);
  const bytes = phys === null ? new Uint8Array() : blobBytes(image, phys, size);
  const decode = user && facet(user.decode);
  const decoded =
    phys !== null && decode
      ? attempt(problems, node.name, () =>
          decode({
            target: image.target,
            memory: image.memory,
            phys,
            bytes,
            orderAt: (at) => orders.at(at),
          }),
        )
      : null;
  for (const problem of decoded?.problems ?? []) problems.push(`${node.name}: ${problem}`);
  const length = size ?? fdtLength(bytes);
  return { name: node.name, phys, size, length, decoded, head: decoded ? null : bytes.slice(0, HEAD_BYTES) };
}

function fdtLength(bytes: Uint8Array): bigint | null {
  const length = bytes.length < 8 ? undefined : fdtSize(bytes.subarray(0, 8));
  return length === undefined ? null : BigInt(length);
}

function text(node: FdtNode | undefined, name: string): string | null {
  const property = node && getProperty(node, name);
  return (property && asCString(property.value)) ?? null;
}

function u64(image: Image, node: FdtNode, name: string): bigint | null {
  const property = getProperty(node, name);
  return (property && asU64Native(property.value, image.target.endian)) ?? null;
}

/** A part that cannot be read is a problem of the image, not of the program. */
function attempt<T>(problems: string[], what: string, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KhoforgeError)) throw error;
    problems.push(`${what}: ${error.message}`);
    return null;
  }
}
