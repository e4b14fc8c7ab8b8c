/** The way to a part of a spec: `['subtrees', 0, 'kho_test', 'seed']`. */
export type SpecPath = readonly PropertyKey[];

/** `subtrees[0].kho_test.seed` */
export function pathText(path: SpecPath): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'the spec';
}
