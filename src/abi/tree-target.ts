import { GENERATIONS, type Generation, generationOfRelease } from './generations.ts';
import { checkSupported } from './supported.ts';
import { makeTarget, type Target, type TargetOptions } from './target.ts';
import type { TreeAbi } from './tree-abi.ts';

/**
 * The target of a tree. Nothing that the data cannot say is in it: compare it with the tree (targetOf()).
 * @throws KhoforgeError `TARGET_UNKNOWN`, `GENERATION_UNKNOWN`, `TARGET_INEXPRESSIBLE`
 */
export function treeTarget(tree: TreeAbi, { endian }: Pick<TargetOptions, 'endian'> = {}): Target {
  const { arch, pageSize } = tree;
  const platform = { arch, pageSize, ...(endian && { endian }) };
  const base = generationOfRelease(tree.base);
  if (tree.items.length === 0 && tree.gone.length === 0) return makeTarget({ generation: base, ...platform });
  const { abi } = makeTarget({ generation: { ...base, tree }, ...platform });
  const { blobSizeProperty: _, ...others } = base;
  const compatible = abi.text('KHO_FDT_COMPATIBLE');
  const generation: Generation = {
    ...others,
    name: nameFor(compatible, base),
    releases: [],
    compatible,
    memoryMapProperty: abi.text('KHO_FDT_MEMORY_MAP_PROP_NAME'),
    blobProperty: abi.text('KHO_SUB_TREE_PROP_NAME'),
    ...(abi.has('KHO_SUB_TREE_SIZE_PROP_NAME') && {
      blobSizeProperty: abi.text('KHO_SUB_TREE_SIZE_PROP_NAME'),
    }),
    tree,
  };
  const target = makeTarget({ generation, ...platform });
  checkSupported(target, tree.base);
  return target;
}

/** A version string that no release has is the name; where only what is under it changed, it says so. */
function nameFor(compatible: string, base: Generation): string {
  const taken = GENERATIONS.some((one) => [one.compatible, one.name].includes(compatible));
  return taken ? `${compatible === base.compatible ? base.name : compatible}-tree` : compatible;
}
