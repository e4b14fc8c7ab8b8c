import { PROFILE_SCHEMA, type Profile } from '../abi/profile.ts';
import { byName } from './item.ts';

/** The same profile always gives the same bytes: items by name, one per line. */
export function profileText(profile: Profile): string {
  const { items, problems, headers, ...head } = profile;
  const lines = (values: readonly object[]) =>
    values.length === 0
      ? '[]'
      : `[\n${values.map((value) => `    ${JSON.stringify(value)}`).join(',\n')}\n  ]`;
  const sorted = Object.fromEntries(
    Object.entries(headers).toSorted(([a], [b]) => Number(a > b) - Number(a < b)),
  );
  const outer = JSON.stringify({ schema: PROFILE_SCHEMA, ...head, headers: sorted }, null, 2).replace(
    /\n}$/,
    '',
  );
  return `${outer},\n  "items": ${lines(items.toSorted(byName))},\n  "problems": ${lines(problems)}\n}\n`;
}
