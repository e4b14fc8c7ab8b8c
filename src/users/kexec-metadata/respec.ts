import type { LocatedSubtree, SpecFragment } from '../user.ts';
import { KHO_METADATA_NODE_NAME } from './abi.ts';

export function respec({ phys, decoded }: LocatedSubtree): SpecFragment | undefined {
  const { previous_release, kexec_count } = decoded?.fields ?? {};
  if (typeof previous_release !== 'string' || typeof kexec_count !== 'number') return undefined;
  return {
    spec: { previous_release, kexec_count },
    place: { [KHO_METADATA_NODE_NAME]: phys },
    claims: [[phys, 0]],
  };
}
