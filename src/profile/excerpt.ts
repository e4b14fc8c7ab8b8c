import type { Scan } from './scan.ts';
import { withoutComments } from './tokens.ts';

/**
 * A .c file with everything blanked but the definitions that `wanted` takes and those they use, each on its own
 * line still. Definitions that the headers already have are left out.
 */
export function excerpt(source: string, scanned: Scan, wanted: (name: string) => boolean): string {
  const lines = withoutComments(source).split('\n');
  const all = [...scanned.structs, ...scanned.enums, ...scanned.macros];
  const text = ({ first, last }: { first: number; last: number }) => lines.slice(first - 1, last).join('\n');
  const kept = new Set(all.filter(({ name }) => wanted(name)));
  for (const definition of kept) {
    const words = new Set(text(definition).match(/[A-Za-z_]\w*/g));
    for (const used of all) if (words.has(used.name)) kept.add(used);
  }
  const result = lines.map(() => '');
  for (const { first, last } of kept) for (let i = first - 1; i < last; i++) result[i] = lines[i] ?? '';
  return result.join('\n');
}
