import { existsSync, statSync } from 'node:fs';
import { ARCHES, type Arch, PAGE_SIZES, type PageSize } from '../abi/arch.ts';
import { RELEASES } from '../abi/declared.ts';
import { knownProfile, type Profile, readProfile } from '../abi/profile.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { hostArch } from '../toolchain/compiler.ts';
import { fetchRelease } from '../toolchain/debian.ts';
import { withRevision } from '../toolchain/git.ts';
import { profileTree } from './tree.ts';
import { TREE_FILES } from './units.ts';

/** Where a kernel's ABI is read from. */
export type Source =
  /** The profile of a release that comes with khoforge. */
  | { readonly kind: 'known'; readonly release: string }
  /** A release's headers from Debian. */
  | { readonly kind: 'debian'; readonly release: string; readonly what: 'headers' | 'source' }
  | { readonly kind: 'tree'; readonly tree: string; readonly build?: string }
  | { readonly kind: 'revision'; readonly tree: string; readonly revision: string }
  | { readonly kind: 'file'; readonly path: string };

/** Architecture and page size. */
export interface Combination {
  readonly arch: Arch;
  readonly pageSize: PageSize;
}

/** All that Linux has KHO for. */
export const COMBINATIONS: readonly Combination[] = ARCHES.flatMap((arch) =>
  PAGE_SIZES[arch].map((pageSize) => ({ arch, pageSize })),
);

/**
 * What one word of the command line names: a release, a profile file, a tree, or a git revision.
 * @param tree whose revisions are meant
 * @throws KhoforgeError `SOURCE_UNKNOWN`
 */
export function parseSource(word: string, tree?: string): Source {
  if (RELEASES.some((release) => release === word)) return { kind: 'known', release: word };
  const at = word.lastIndexOf('@');
  if (tree !== undefined && !existsSync(word)) return { kind: 'revision', tree, revision: word };
  if (statSync(word, { throwIfNoEntry: false })?.isDirectory()) return { kind: 'tree', tree: word };
  if (existsSync(word)) return { kind: 'file', path: word };
  if (at > 0) return { kind: 'revision', tree: word.slice(0, at), revision: word.slice(at + 1) };
  throw new KhoforgeError(
    'SOURCE_UNKNOWN',
    `'${word}' is no release, profile file, kernel tree or TREE@REVISION`,
    {
      hint:
        didYouMean(word, RELEASES).hint ?? `releases: ${RELEASES.join(', ')}; --tree DIR for git revisions`,
    },
  );
}

export interface ProfileOptions {
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
  /** Takes the combinations that this machine cannot compile for; without it they are errors. */
  readonly onMissing?: (combination: Combination, error: KhoforgeError) => void;
}

/**
 * What a source says for each of the combinations. A profile file has one of its own.
 * @throws KhoforgeError of profileTree, readProfile, fetchRelease, withRevision
 */
export function profilesOf(
  source: Source,
  combinations: readonly Combination[],
  { cc, onMissing }: ProfileOptions = {},
): Profile[] {
  const compile = (tree: string, from: string, build?: string) =>
    combinations.flatMap((one) => {
      const withBuild = build !== undefined && (source.kind === 'tree' || one.arch === hostArch());
      const options = {
        ...one,
        tree,
        source: from,
        ...(cc !== undefined && { cc }),
        ...(withBuild && { build }),
      };
      return unlessMissing(one, () => profileTree(options), onMissing);
    });
  switch (source.kind) {
    case 'known':
      return combinations.flatMap(({ arch, pageSize }) => knownProfile(source.release, arch, pageSize) ?? []);
    case 'file':
      return [readProfile(source.path)];
    case 'tree':
      return compile(source.tree, '', source.build);
    case 'revision':
      return withRevision(source.tree, source.revision, TREE_FILES, (folder, commit) =>
        compile(folder, `commit ${commit}`),
      );
    case 'debian': {
      const fetched = fetchRelease(source.release, source.what);
      return compile(fetched.tree, fetched.source, fetched.build);
    }
  }
}

function unlessMissing(
  combination: Combination,
  profile: () => Profile,
  onMissing: ProfileOptions['onMissing'],
): Profile[] {
  try {
    return [profile()];
  } catch (error) {
    const missing = error instanceof KhoforgeError && error.exitCode === ExitCode.couldNotRun;
    if (!missing || onMissing === undefined) throw error;
    onMissing(combination, error);
    return [];
  }
}

/** As people name a source. */
export function sourceName(source: Source): string {
  switch (source.kind) {
    case 'known':
    case 'debian':
      return source.release;
    case 'file':
      return source.path;
    case 'tree':
      return source.tree;
    case 'revision':
      return source.revision;
  }
}
