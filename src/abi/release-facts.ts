import { declaredItems } from './declared.ts';
import type { Facts } from './facts.ts';
import type { Platform } from './layout.ts';
import { knownProfile } from './profile.ts';

/**
 * What the headers of a release say, by the kernel's names: its profile. Of a release that no compiler read (7.0) the
 * profile holds what a person took over from its text; what khoforge declares stands for the rest.
 * @param release series, such as `7.3`
 */
export function releaseFacts(release: string, platform: Platform): ReadonlyMap<string, Facts> {
  const profile = knownProfile(release, platform.arch, platform.pageSize);
  const declared = profile?.obtained === 'shim' ? [] : declaredItems(release, platform);
  return new Map([
    ...declared.map(({ name, source: _, ...facts }): [string, Facts] => [name, facts]),
    ...(profile?.items ?? []).map(({ name, kind: _, header: __, ...facts }): [string, Facts] => [
      name,
      facts,
    ]),
  ]);
}
