import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ARCHES, type Arch, type PageSize } from '../abi/arch.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { byName, type Profile } from './item.ts';

const SCHEMA = { name: 'khoforge-abi-profile', version: 1 } as const;

/** The profiles that come with khoforge. */
export const PROFILES_FOLDER = fileURLToPath(new URL('../../abi/profiles/', import.meta.url));

/** Where the profile of a release is kept: `7.3/arm64-16k.json`. */
export function profilePath(release: string, arch: Arch, pageSize: PageSize): string {
  return join(PROFILES_FOLDER, release, `${arch}-${pageSize / 1024}k.json`);
}

const count = z.number().int().min(0);
const item = z.strictObject({
  kind: z.enum(['struct', 'field', 'enum', 'macro', 'string', 'property']),
  name: z.string(),
  header: z.string(),
  offset: count.exactOptional(),
  size: count.exactOptional(),
  align: count.exactOptional(),
  bitOffset: count.exactOptional(),
  bitWidth: count.exactOptional(),
  value: z.union([z.number(), z.string()]).exactOptional(),
});
const problem = z.strictObject({
  kind: z.enum(['struct', 'field', 'enum', 'macro', 'string', 'property', 'header', 'assertion']),
  name: z.string(),
  header: z.string(),
  reason: z.string(),
});
const file = z.strictObject({
  schema: z.strictObject({ name: z.literal(SCHEMA.name), version: z.literal(SCHEMA.version) }),
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
    throw invalid(path, `${issue?.path.join('.') || 'document'}: ${issue?.message}`, result.error);
  }
  const { schema: _, ...profile } = result.data;
  return profile;
}

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
  const outer = JSON.stringify({ schema: SCHEMA, ...head, headers: sorted }, null, 2).replace(/\n}$/, '');
  return `${outer},\n  "items": ${lines(items.toSorted(byName))},\n  "problems": ${lines(problems)}\n}\n`;
}

function invalid(path: string, why: string, cause: unknown): KhoforgeError {
  return new KhoforgeError('PROFILE_INVALID', `${path} is no ABI profile: ${why}`, {
    where: { file: path },
    hint: 'khoforge abi profile writes one',
    cause,
  });
}
