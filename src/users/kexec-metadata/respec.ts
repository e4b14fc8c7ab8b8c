import type { LocatedSubtree, SpecFragment } from '../user.ts';
import { PATH } from './paths.ts';

export function respec({ phys, decoded }: LocatedSubtree): SpecFragment | undefined {
  const { previous_release, kexec_count } = decoded?.fields ?? {};
  if (typeof previous_release !== 'string' || typeof kexec_count !== 'number') return undefined;
  return {
    spec: { previous_release, kexec_count },
    place: { [PATH]: phys },
    claims: [[phys, 0]],
  };
}
