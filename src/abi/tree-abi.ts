import { isDeepStrictEqual } from 'node:util';
import { isGone } from './constants.ts';
import type { NamedFacts } from './facts.ts';
import { GENERATIONS, type Generation, generationOfRelease, type RadixMap } from './generations.ts';
import { type Layout, layoutOf, type StructDef } from './layout.ts';
import { radixGeometry } from './radix.ts';
import { abiOf } from './releases.ts';
import { type Arch, makeTarget, type PageSize, type Target } from './target.ts';
import { inexpressible, treeLayout } from './tree-layout.ts';

/** How the ABI of a kernel tree differs from that of the release that it is nearest to: data, as in manifest.json. */
export interface TreeAbi {
  /** Series, such as `7.3`. */
  readonly base: string;
  readonly arch: Arch;
  /** Bytes. */
  readonly pageSize: PageSize;
  /** What is not as in `base`, and fields that its structures do not have. */
  readonly items: readonly NamedFacts[];
  /** What `base` has and the tree has not. */
  readonly gone: readonly string[];
}

/** A TreeAbi as the code asks for it. */
export interface TreeParts {
  readonly abi: TreeAbi;
  /** Of structures that differ. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** Of constants that are values of khoforge's own code; see constantOf(). */
  readonly constants: ReadonlyMap<string, number | string>;
  readonly gone: ReadonlySet<string>;
}

/**
 * The target of a tree. Nothing that the data cannot say is in it: compare it with the tree (targetOf()).
 * @throws KhoforgeError `TARGET_UNKNOWN`, `GENERATION_UNKNOWN`, `TARGET_INEXPRESSIBLE`
 */
export function treeTarget(abi: TreeAbi): Target {
  const base = generationOfRelease(abi.base);
  const target = makeTarget({ generation: base, arch: abi.arch, pageSize: abi.pageSize });
  if (abi.items.length === 0 && abi.gone.length === 0) return target;
  const lost = abi.gone.find((name) => NEEDED.has(name));
  if (lost !== undefined) throw isGone(lost, `the tree near ${abi.base}`);
  const value = valuesOf(abi);
  const compatible = value.text('KHO_FDT_COMPATIBLE') ?? base.compatible;
  const { blobSizeProperty, ...others } = base;
  const size = value.text('KHO_SUB_TREE_SIZE_PROP_NAME') ?? blobSizeProperty;
  const hasSize = size !== undefined && !abi.gone.includes('KHO_SUB_TREE_SIZE_PROP_NAME');
  const version = value.number('KHO_KEXEC_METADATA_VERSION');
  const generation: Generation = {
    ...others,
    name: nameFor(compatible, base),
    releases: [],
    compatible,
    memoryMap: mapOf(base, value),
    memoryMapProperty:
      value.text('KHO_FDT_MEMORY_MAP_PROP_NAME') ??
      value.text('PROP_PRESERVED_MEMORY_MAP') ??
      base.memoryMapProperty,
    blobProperty: value.text('KHO_SUB_TREE_PROP_NAME') ?? value.text('PROP_SUB_FDT') ?? base.blobProperty,
    ...(hasSize && { blobSizeProperty: size }),
    ...(version !== undefined && { kexecMetadataVersion: version }),
  };
  const plain = withDepth({ ...target, generation }, value.number('KHO_TREE_MAX_DEPTH'));
  return { ...plain, generation: { ...plain.generation, tree: partsOf(abi, plain) } };
}

/** Without them nothing can be written. */
const NEEDED = new Set([
  'KHO_FDT_COMPATIBLE',
  'KHO_FDT_MEMORY_MAP_PROP_NAME',
  'KHO_SUB_TREE_PROP_NAME',
  'PROP_PRESERVED_MEMORY_MAP',
  'PROP_SUB_FDT',
  'KHO_TREE_MAX_DEPTH',
  'KHO_TABLE_SIZE_LOG2',
  'KHO_BITMAP_SIZE_LOG2',
  'PRESERVE_BITS',
]);

/** A version string that no release has is the name; where only what is under it changed, it says so. */
function nameFor(compatible: string, base: Generation): string {
  const taken = GENERATIONS.some((one) => [one.compatible, one.name].includes(compatible));
  return taken ? `${compatible === base.compatible ? base.name : compatible}-tree` : compatible;
}

function valuesOf({ items }: TreeAbi) {
  const values = new Map(items.map(({ name, value }) => [name, value]));
  const text = (name: string) => {
    const value = values.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string) => {
    const value = values.get(name);
    return typeof value === 'number' ? value : undefined;
  };
  return { text, number };
}

function mapOf({ memoryMap }: Generation, value: ReturnType<typeof valuesOf>): Generation['memoryMap'] {
  const width = value.number('KHO_RADIX_KEY_WIDTH');
  if (memoryMap.kind === 'radix')
    return width === undefined ? memoryMap : { ...memoryMap, keyWidth: () => width };
  const bits = value.number('PRESERVE_BITS');
  return bits === undefined ? memoryMap : { ...memoryMap, bitmapBytes: () => bits / 8 };
}

/** The depth follows from the width of the key, unless the tree's own formula is another. */
function withDepth(target: Target, asked: number | undefined): Target {
  const { generation } = target;
  if (generation.memoryMap.kind !== 'radix') return target;
  const { depth, tableSizeLog2, bitmapSizeLog2 } = radixGeometry(target);
  const levels = asked ?? depth;
  if (levels < 2 || bitmapSizeLog2 + (levels - 1) * tableSizeLog2 >= 64) {
    throw inexpressible(`a radix tree of ${levels} levels has no key of 64 bits`);
  }
  const memoryMap: RadixMap = { ...generation.memoryMap, ...(levels !== depth && { depth: levels }) };
  return { ...target, generation: { ...generation, memoryMap } };
}

/** @param plain the target but for its layouts */
function partsOf(abi: TreeAbi, plain: Target): TreeParts {
  const gone = new Set(abi.gone);
  const entries = abiOf(abi.base, abi.arch);
  const layouts = entries.flatMap(({ struct, names = {} }): [string, Layout][] => {
    if (struct === undefined || !isTouched(struct, abi)) return [];
    const own = layoutOf(struct, plain);
    const layout = treeLayout(own, names, abi);
    if (isDeepStrictEqual(layout, own)) return [];
    if (FIXED.test(struct.name))
      throw inexpressible(`struct ${struct.name} changed, which is built into the engine`);
    return [[struct.name, layout]];
  });
  const known = new Map(
    entries.flatMap(({ numbers = {}, strings = {} }) => Object.entries({ ...numbers, ...strings })),
  );
  const constants = abi.items.flatMap(({ name, value }): [string, number | string][] =>
    value !== undefined && typeof known.get(name) === typeof value ? [[name, value]] : [],
  );
  return { abi, layouts: new Map(layouts), constants: new Map(constants), gone };
}

function isTouched({ name }: StructDef, { items, gone }: TreeAbi): boolean {
  const isPart = (item: string) => item === name || item.startsWith(`${name}.`);
  return items.some((item) => isPart(item.name)) || gone.some((item) => item.startsWith(`${name}.`));
}

/** Structures that the bitmap engine reads and writes itself, and whose layout it has built in. */
const FIXED = /^(kho_radix_(node|leaf)|kho_mem_phys_bits|khoser_mem_\w+|kho_vmalloc_(chunk|hdr))$/;
