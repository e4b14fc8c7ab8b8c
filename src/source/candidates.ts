import { ALL_PAGE_SIZES, type Arch, DEFAULT_ARCH, PAGE_SIZES } from '../abi/arch.ts';
import { NEWEST } from '../abi/generations.ts';
import { rootNames } from '../abi/root-names.ts';
import { type Endian, generationsWith, makeTarget, type Target, type TargetOptions } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type FdtNode, type FdtTree, getProperty, readFdt } from '../fdt/reader.ts';
import { asCString, asU64Native } from '../fdt/values.ts';
import { pairWith } from '../memory/intervals.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { lineageReader } from '../users/registry.ts';
import { bitmapEvidence } from './bitmap-evidence.ts';
import type { FoundRecord } from './boot-records.ts';
import type { MapBudget } from './map-budget.ts';

/** How much of a handover hangs together, read as one target's. */
export interface Evidence {
  /** The memory map is not 0. */
  readonly finalized: boolean;
  /** What is wrong with the memory map; 1 where it is not read. */
  readonly mapFindings: number;
  /** The page of the root FDT is preserved, as every kernel does (4.1.1 of docs/kho-facts.md: kho_init()). */
  readonly rootPreserved: boolean;
  readonly subtrees: number;
  /** Subtrees whose blob begins in preserved memory. */
  readonly subtreesPreserved: number;
  /** kexec boots that the metadata counts; null when there is none. */
  readonly kexecCount: number | null;
}

/** A root FDT that may be the handover's. */
export interface Candidate {
  readonly phys: bigint;
  /** Null when no FDT can be read there. */
  readonly compatible: string | null;
  /** The target it reads best as. */
  readonly target: Target;
  readonly evidence: Evidence;
  /** Every boot record that leads to it. */
  readonly records: readonly FoundRecord[];
  /** What named it, `--fdt-phys` or the symbols of a vmlinux; null when it was found. */
  readonly named: string | null;
}

/** What is known of the target before anything of the handover is read. */
export interface TargetHints {
  readonly arch?: Arch;
  readonly endian?: Endian;
  readonly pageSize?: number;
  /** Of a tree, beside those of the releases. */
  readonly own?: Target;
}

const NOTHING: Evidence = {
  finalized: false,
  mapFindings: 0,
  rootPreserved: false,
  subtrees: 0,
  subtreesPreserved: 0,
  kexecCount: null,
};

/** No root FDT is longer than a page. */
const MAX_PAGE_SIZE = Math.max(...ALL_PAGE_SIZES);

/** The tree at `phys` when it reads as the root FDT of a handover. @param own of a tree, whose string may be any */
export function rootFdtAt(
  memory: PhysicalMemory,
  phys: bigint,
  own?: Target,
): { tree: FdtTree; compatible: string } | undefined {
  try {
    const tree = readFdt(memory.read(phys, MAX_PAGE_SIZE));
    const compatible = asCString(getProperty(tree.root, 'compatible')?.value ?? new Uint8Array());
    if (compatible === undefined) return undefined;
    return compatible.startsWith('kho-v') || compatible === own?.abi.text('KHO_FDT_COMPATIBLE')
      ? { tree, compatible }
      : undefined;
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}

/** Memory that is searched for a handover. */
export interface Searched {
  readonly memory: PhysicalMemory;
  /** For all root FDTs in it. */
  readonly budget: MapBudget;
}

/** Reads what is at `phys` as every target that it could be of, and keeps the one that fits best. */
export function makeCandidate(
  searched: Searched,
  phys: bigint,
  records: readonly FoundRecord[],
  hints: TargetHints,
  named: string | null,
): Candidate {
  const found = rootFdtAt(searched.memory, phys, hints.own);
  const targets = possibleTargets(found?.compatible, records, hints);
  let best: { target: Target; evidence: Evidence } | undefined;
  for (const target of targets) {
    const evidence = found ? evidenceFor(searched, phys, found.tree, target) : NOTHING;
    if (!best || compareEvidence(evidence, best.evidence) < 0) best = { target, evidence };
  }
  const { target, evidence } = best ?? { target: makeTarget({ ...plainHints(hints) }), evidence: NOTHING };
  return { phys, compatible: found?.compatible ?? null, target, evidence, records, named };
}

const plainHints = ({ arch }: TargetHints) => (arch ? { arch } : {});

/** The size in a boot record is the page size (1.3.15 of docs/kho-facts.md); else every size of the architecture. */
function possibleTargets(
  compatible: string | undefined,
  records: readonly FoundRecord[],
  { arch = DEFAULT_ARCH, endian = 'little', pageSize, own }: TargetHints,
): Target[] {
  const known = pageSize === undefined ? records.map(({ fdtSize }) => Number(fdtSize)) : [pageSize];
  const allowed = PAGE_SIZES[arch];
  const recorded = allowed.filter((size) => known.includes(size));
  const sizes = recorded.length > 0 ? recorded : allowed;
  return kernelsWith(compatible, own).flatMap((one) =>
    sizes.map((size) => makeTarget({ ...one, arch, endian, pageSize: size })),
  );
}

/**
 * The kernels that write `compatible`. Newest first, so that of equals the newest is kept; an unknown string is read as
 * that of the newest generation. @param own of a tree
 */
export function kernelsWith(
  compatible: string | undefined,
  own: Target | undefined,
): Pick<TargetOptions, 'generation' | 'tree'>[] {
  const alike = generationsWith(compatible).map((generation) => ({ generation, tree: undefined }));
  const isOwn = own !== undefined && own.abi.text('KHO_FDT_COMPATIBLE') === compatible;
  const all = [...alike, ...(isOwn ? [{ generation: own.generation, tree: own.tree }] : [])];
  return all.length > 0 ? all.reverse() : [{ generation: NEWEST }];
}

function evidenceFor({ memory, budget }: Searched, phys: bigint, tree: FdtTree, target: Target): Evidence {
  const { abi, endian } = target;
  const names = rootNames(abi);
  const value = (node: FdtNode, name: string) =>
    asU64Native(getProperty(node, name)?.value ?? new Uint8Array(), endian);
  const map = value(tree.root, names.memoryMap) ?? 0n;
  const blobs = tree.root.children.map((node) => value(node, names.blob));
  const walked = map === 0n ? undefined : budget.walk(memory, target, map);
  const isOther = walked !== undefined && contradicted(memory, target, map);
  const misfit = Number(writtenOtherwise(tree, target)) + Number(isOther);
  return {
    finalized: map !== 0n,
    mapFindings: (walked?.findingCount ?? (map === 0n ? 0 : 1)) + misfit,
    rootPreserved: walked !== undefined && pairWith(walked.ranges, phys) !== undefined,
    subtrees: blobs.length,
    subtreesPreserved: blobs.filter(
      (blob) => walked && blob !== undefined && pairWith(walked.ranges, blob) !== undefined,
    ).length,
    kexecCount: kexecCount(memory, tree, target),
  };
}

/** A sequential writer leaves the reserve map at 48, a packed tree has it at 40 (1.3.2, 1.3.3 of docs/kho-facts.md). */
function writtenOtherwise({ header, root }: FdtTree, { generation }: Target): boolean {
  if (root.children.length === 0) return false;
  return (header.off_mem_rsvmap === 48) !== (generation.rootFdt === 'sequential');
}

/** 6.17 and 6.18 write the same compatible string and bitmaps of other sizes. */
function contradicted(memory: PhysicalMemory, target: Target, map: bigint): boolean {
  if (map === 0n || target.generation.memoryMap.kind !== 'bitmap-chain') return false;
  return bitmapEvidence({ target, memory, scratch: [] }, map)?.verdict === 'contradicts';
}

/** kexec boots since the last cold boot, where a subtree counts them. */
function kexecCount(memory: PhysicalMemory, { root }: FdtTree, target: Target): number | null {
  for (const node of root.children) {
    const lineage = lineageReader(target, node.name);
    const property = getProperty(node, rootNames(target.abi).blob);
    const phys = property && asU64Native(property.value, target.endian);
    if (!lineage || phys === undefined || !memory.covers(phys, target.pageSize)) continue;
    const bytes = memory.read(phys, target.pageSize);
    const { kexecCount: count } = lineage({ target, memory, phys, bytes, orderAt: () => undefined });
    if (typeof count === 'number') return count;
  }
  return null;
}

/** Below 0 when `a` hangs together better. */
function compareEvidence(a: Evidence, b: Evidence): number {
  return (
    Number(b.finalized) - Number(a.finalized) ||
    a.mapFindings - b.mapFindings ||
    Number(b.rootPreserved) - Number(a.rootPreserved) ||
    b.subtreesPreserved - a.subtreesPreserved
  );
}
