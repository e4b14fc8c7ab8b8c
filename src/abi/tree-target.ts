import { GENERATIONS, type Generation, generationOfRelease } from './generations.ts';
import { checkSupported } from './supported.ts';
import { compatibleOf, makeTarget, type Target, type TargetOptions } from './target.ts';
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
  const { abi } = makeTarget({ generation: base, tree, ...platform });
  const generation: Generation = {
    ...base,
    name: nameFor(abi.text('KHO_FDT_COMPATIBLE'), base),
    releases: [],
  };
  const target = makeTarget({ generation, tree, ...platform });
  checkSupported(target, tree.base);
  return target;
}

/** A version string that no release has is the name; where only what is under it changed, it says so. */
function nameFor(compatible: string, base: Generation): string {
  const taken = GENERATIONS.some((one) => [compatibleOf(one), one.name].includes(compatible));
  return taken ? `${compatible === compatibleOf(base) ? base.name : compatible}-tree` : compatible;
}
