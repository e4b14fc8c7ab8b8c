import type { LocatedSubtree, SpecFragment } from '../user.ts';

/** Any subtree: its bytes, in the folio that is preserved where they begin. */
export function respec({ name, phys, bytes, orderAt }: LocatedSubtree) {
  const order = orderAt(phys);
  return {
    spec: { name, content: { bytes }, ...(order !== undefined && { order }) },
    place: { [name]: phys },
    claims: order === undefined ? [] : [[phys, order]],
    ...(order === undefined && { unpreserve: name }),
  } satisfies SpecFragment;
}

/** A subtree whose blob is nowhere. */
export const emptyBlob = (name: string) => ({ name, content: { bytes: new Uint8Array() } });
