import type { Arch, PageSize } from './arch.ts';
import type { Facts, NamedFacts } from './facts.ts';

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

/** The facts of a release with what a tree changed, added and removed. */
export function patchFacts(
  base: ReadonlyMap<string, Facts>,
  { items, gone }: Pick<TreeAbi, 'items' | 'gone'>,
): ReadonlyMap<string, Facts> {
  const facts = new Map(base);
  for (const name of gone) facts.delete(name);
  for (const { name, ...own } of items) facts.set(name, own);
  return facts;
}
