import { declaredItems, RELEASES } from '../abi/declared.ts';
import type { Facts } from '../abi/facts.ts';
import type { Item, Profile } from '../abi/profile.ts';
import { makeTarget } from '../abi/target.ts';
import type { Btf } from '../btf/btf.ts';
import { profileBtf } from './btf.ts';
import { type CheckResult, checkProfile, releaseFor, withoutAlign } from './check.ts';
import { differences, factsOf } from './item.ts';
import type { Combination } from './source.ts';

/**
 * khoforge's layouts against BTF alone. What BTF cannot tell is `could-not-check`.
 * @param release series that is compared; default that of the kernel's banner, else the newest
 */
export function checkBtfAlone(
  btf: Btf,
  where: Combination & { readonly file: string },
  release = btf.release ?? releaseFor(NO_ITEMS),
): CheckResult[] {
  const known = RELEASES.some((one) => one === release) ? release : releaseFor(NO_ITEMS);
  const wanted = declaredItems(known, makeTarget({ ...where, release: known }));
  return checkProfile(profileBtf(btf, { ...where, release, wanted }), known);
}

/** Of which nothing tells the release. */
const NO_ITEMS = { release: '', items: [] };

/**
 * As checkProfile, with BTF of the same kernel as the second opinion: `btf` in each result that it tells of too, and a
 * result `disagree` for each item on which the two routes differ, whatever khoforge has.
 * @param btf profileBtf of the items of `headers`
 */
export function checkRoutes(headers: Profile, btf: Profile, release = releaseFor(headers)): CheckResult[] {
  const inBtf = new Map(btf.items.map((item) => [item.name, factsIn(item)]));
  const results = checkProfile(headers, release).map((result): CheckResult => {
    const facts = inBtf.get(result.item);
    return facts === undefined ? result : { ...result, btf: facts };
  });
  const expected = new Map(results.map((result) => [result.item, result.expected]));
  const { arch, pageSize } = headers;
  const found = disagreements(headers, btf).map(({ name, kind, header, ...sides }): CheckResult => {
    const common = { release: headers.release, arch, pageSize, item: name, kind, header };
    return { ...common, status: 'disagree', expected: expected.get(name) ?? null, ...sides };
  });
  return [...results, ...found];
}

type Disagreement = Pick<Item, 'name' | 'kind' | 'header'> & Pick<CheckResult, 'actual' | 'btf'>;

function disagreements(headers: Profile, btf: Profile): Disagreement[] {
  const [inHeaders, inBtf] = [headers, btf].map(
    ({ items }) => new Map(items.map((item) => [item.name, item])),
  );
  if (inHeaders === undefined || inBtf === undefined) return [];
  const fromHeaders = headers.items.flatMap((item): Disagreement[] => {
    const other = inBtf.get(item.name);
    const { name, kind, header } = item;
    if (other === undefined) {
      const isGone = partOf(item, inBtf) && !isSilent(name, btf);
      return isGone ? [{ name, kind, header, actual: factsIn(item), btf: null }] : [];
    }
    if (Object.keys(differences(withoutAlign(item), withoutAlign(other))).length === 0) return [];
    return [{ name, kind, header, actual: factsIn(item), btf: factsIn(other) }];
  });
  const fromBtf = btf.items.flatMap((item): Disagreement[] => {
    const isMore = !inHeaders.has(item.name) && partOf(item, inHeaders) && !isSilent(item.name, headers);
    return isMore ? [{ ...item, actual: null, btf: factsIn(item) }] : [];
  });
  return [...fromHeaders, ...fromBtf];
}

const factsIn = (item: Item): Facts => withoutAlign(factsOf(item));

const structOf = (name: string) => name.split('.')[0] ?? name;

/** Whether a route tells of the structure that a field is in: then that it lacks the field is an answer. */
function partOf({ kind, name }: Item, there: ReadonlyMap<string, Item>): boolean {
  return kind === 'field' && there.has(structOf(name));
}

function isSilent(name: string, { problems }: Profile): boolean {
  return problems.some((problem) => problem.name === name || problem.name === structOf(name));
}
