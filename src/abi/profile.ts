import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { packageFile } from '../base/package.ts';
import { schemaText } from '../base/schema-text.ts';
import { ARCHES, type Arch, type PageSize } from './arch.ts';
import type { NamedFacts } from './facts.ts';

/** `property`: what a kernel reads from a property of a device tree, by the type its code reads it as. */
export type ItemKind = 'struct' | 'field' | 'enum' | 'macro' | 'string' | 'property';

/** One thing that a kernel's headers say. */
export interface Item extends NamedFacts {
  readonly kind: ItemKind;
  /** File of the tree that defines it. */
  readonly header: string;
}

/** Something a source has that could not be turned into facts, and why. */
export interface Problem {
  readonly kind: ItemKind | 'header' | 'assertion';
  readonly name: string;
  readonly header: string;
  /** One line, the compiler's own words where it is the compiler that refused. */
  readonly reason: string;
}

/** What the headers of one source say, for one architecture and page size. */
export interface Profile {
  /** Series, such as `7.3`. */
  readonly release: string;
  /** Full version of the source, such as `7.3.4`. */
  readonly version: string;
  /** Where it is from: a package and its version, or a commit; empty for a plain tree. */
  readonly source: string;
  readonly arch: Arch;
  readonly pageSize: PageSize;
  /** `shim`: a compiler read the headers; `text`: taken over by a person; `btf`: from a built kernel. */
  readonly obtained: 'shim' | 'text' | 'btf';
  /** Compiler and its version; empty unless `shim`. */
  readonly compiler: string;
  /** sha256 of each file that was read, by its path in the tree. */
  readonly headers: Readonly<Record<string, string>>;
  readonly items: readonly Item[];
  readonly problems: readonly Problem[];
}

export const PROFILE_SCHEMA = { name: 'khoforge-abi-profile', version: 1 } as const;

/** The profiles that come with khoforge. */
export const PROFILES_FOLDER = packageFile('abi/profiles/');

/** Where the profile of a release is kept: `7.3/arm64-16k.json`. */
export function profilePath(release: string, arch: Arch, pageSize: PageSize): string {
  return join(PROFILES_FOLDER, release, `${arch}-${pageSize / 1024}k.json`);
}

const count = z.number().int().min(0);
/** Facts in a file: a key that is not there is no fact. */
export const factsShape = {
  offset: count.exactOptional(),
  size: count.exactOptional(),
  align: count.exactOptional(),
  bitOffset: count.exactOptional(),
  bitWidth: count.exactOptional(),
  value: z.union([z.number(), z.string()]).exactOptional(),
};

const item = z.strictObject({
  kind: z.enum(['struct', 'field', 'enum', 'macro', 'string', 'property']),
  name: z.string(),
  header: z.string(),
  ...factsShape,
});
const problem = z.strictObject({
  kind: z.enum(['struct', 'field', 'enum', 'macro', 'string', 'property', 'header', 'assertion']),
  name: z.string(),
  header: z.string(),
  reason: z.string(),
});
const file = z.strictObject({
  schema: z.strictObject({
    name: z.literal(PROFILE_SCHEMA.name),
    version: z.literal(PROFILE_SCHEMA.version),
  }),
  release: z.string().regex(/^\d+\.\d+$/),
  version: z.string(),
  source: z.string(),
  arch: z.enum(ARCHES),
  pageSize: z.union([z.literal(4096), z.literal(16384), z.literal(65536)]),
  obtained: z.enum(['shim', 'text', 'btf']),
  compiler: z.string(),
  headers: z.record(z.string(), z.string()),
  items: z.array(item),
  problems: z.array(problem),
});

/**
 * @throws KhoforgeError `FILE_UNREADABLE`, `PROFILE_INVALID`
 */
export function readProfile(path: string): Profile {
  const text = Buffer.from(readInput(path)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'it is no JSON', cause);
  }
  const result = file.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    const text = schemaText(issue?.message ?? 'not a profile');
    throw invalid(path, `${issue?.path.join('.') || 'the document'}: ${text}`, result.error);
  }
  const { schema: _, ...profile } = result.data;
  return profile;
}

const known = new Map<string, Profile | undefined>();

/** The profile that comes with khoforge, where there is one; each is read once. */
export function knownProfile(release: string, arch: Arch, pageSize: PageSize): Profile | undefined {
  const path = profilePath(release, arch, pageSize);
  if (!known.has(path)) known.set(path, existsSync(path) ? readProfile(path) : undefined);
  return known.get(path);
}

function invalid(path: string, why: string, cause: unknown): KhoforgeError {
  return new KhoforgeError('PROFILE_INVALID', `${path} is no ABI profile: ${why}`, {
    where: { file: path },
    hint: 'khoforge abi profile writes one',
    cause,
  });
}
