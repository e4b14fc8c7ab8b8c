import { KhoforgeError } from '../base/errors.ts';
import type { Target } from './target.ts';

/**
 * A constant as the target's kernel has it: `constantOf(target, { KHO_TEST_COMPAT })`. It is khoforge's own, unless the
 * target is that of a tree whose headers say otherwise.
 * @param named one constant, under the kernel's name
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` when the tree no longer has it
 */
export function constantOf<const T extends number | string>(
  { generation }: Pick<Target, 'generation'>,
  named: Readonly<Record<string, T>>,
): T extends number ? number : string;
export function constantOf(
  { generation }: Pick<Target, 'generation'>,
  named: Readonly<Record<string, number | string>>,
): number | string {
  const [entry] = Object.entries(named);
  if (entry === undefined) throw new KhoforgeError('CONSTANT_UNNAMED', 'constantOf() takes one constant');
  const [name, known] = entry;
  const { tree } = generation;
  if (tree?.gone.has(name)) throw isGone(name, generation.name);
  return tree?.constants.get(name) ?? known;
}

/** What a tree's headers no longer have, and an image needs. */
export function isGone(name: string, generation: string): KhoforgeError {
  return new KhoforgeError(
    'TARGET_INEXPRESSIBLE',
    `${generation} has no ${name}: what is there instead is not known`,
    {
      hint: 'leave out what needs it, or see khoforge abi diff for what the tree has in its place',
    },
  );
}
