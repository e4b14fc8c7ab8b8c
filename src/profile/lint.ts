import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from '../abi/profile.ts';
import { scan } from './scan.ts';
import { withoutComments } from './tokens.ts';

/** Something about a tree's ABI files that misleads readers, without being wrong for a compiler. */
export interface LintFinding {
  readonly check: 'stale-comment' | 'stale-documentation' | 'unknown-macro' | 'unasserted-page';
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** Documentation that tells versions; headers carry their own. */
const DOCUMENTATION = ['Documentation/core-api/kho', 'Documentation/core-api/liveupdate.rst'];

/** @param profile of the same tree: what the defines say */
export function lintTree(tree: string, profile: Profile): LintFinding[] {
  const versions = definedVersions(profile);
  const headers = Object.keys(profile.headers);
  const macros = new Set(headers.flatMap((file) => scan(read(tree, file)).macros.map(({ name }) => name)));
  return [
    ...headers.flatMap((file) =>
      staleVersions(file, commentsOf(read(tree, file)), versions, 'stale-comment'),
    ),
    ...headers.flatMap((file) => unknownMacros(file, commentsOf(read(tree, file)), macros)),
    ...DOCUMENTATION.flatMap((path) => filesBelow(tree, path)).flatMap((file) =>
      staleVersions(file, read(tree, file), versions, 'stale-documentation'),
    ),
    ...headers.flatMap((file) => unassertedPages(file, read(tree, file), profile)),
  ];
}

/** `kho` → `kho-v4`: every version that a define tells, by what stands before it. */
function definedVersions(profile: Profile): Map<string, Set<string>> {
  const versions = new Map<string, Set<string>>();
  for (const { kind, value } of profile.items) {
    const base = kind === 'string' ? /^([a-z][\w-]*)-v\d+$/.exec(String(value))?.[1] : undefined;
    if (base === undefined) continue;
    versions.set(base, (versions.get(base) ?? new Set()).add(String(value)));
  }
  return versions;
}

function staleVersions(
  file: string,
  text: string,
  versions: ReadonlyMap<string, ReadonlySet<string>>,
  check: LintFinding['check'],
): LintFinding[] {
  return [...text.matchAll(/(?<![\w-])([a-z][\w-]*)-v\d+(?![\w-])/g)].flatMap((match) => {
    const defined = versions.get(match[1] ?? '');
    if (defined === undefined || defined.has(match[0])) return [];
    const said = `says '${match[0]}', the define says '${[...defined].join("', '")}'`;
    return [{ check, file, line: lineAt(text, match.index), text: said }];
  });
}

/** A comment that tells which string to bump, by a name that no define has. */
function unknownMacros(file: string, text: string, macros: ReadonlySet<string>): LintFinding[] {
  return [...text.matchAll(/\b[A-Z][A-Z0-9_]*_COMPATIBLE\b/g)].flatMap(({ 0: name, index }) =>
    macros.has(name)
      ? []
      : [
          {
            check: 'unknown-macro',
            file,
            line: lineAt(text, index),
            text: `names ${name}, which nothing defines`,
          },
        ],
  );
}

/** A structure that fills a page only by luck, for all that the compiler knows. */
function unassertedPages(file: string, text: string, profile: Profile): LintFinding[] {
  const { structs, assertions } = scan(text);
  return structs.flatMap(({ name, first }) => {
    const size = profile.items.find((item) => item.kind === 'struct' && item.name === name)?.size;
    const asserted = assertions.some((condition) => new RegExp(`\\b${name}\\b`).test(condition));
    if (size !== profile.pageSize || asserted) return [];
    const said = `struct ${name} is a page, and no static_assert says so`;
    return [{ check: 'unasserted-page', file, line: first, text: said }];
  });
}

/** The comments alone, on their lines. */
function commentsOf(source: string): string {
  const code = withoutComments(source);
  return [...source].map((char, i) => (char === '\n' || code[i] !== char ? char : ' ')).join('');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function read(tree: string, file: string): string {
  return readFileSync(join(tree, file), 'latin1');
}

function filesBelow(tree: string, path: string): string[] {
  const full = join(tree, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  const names = readdirSync(full, { recursive: true, encoding: 'utf8' }).toSorted();
  return names.map((name) => `${path}/${name}`).filter((name) => statSync(join(tree, name)).isFile());
}
