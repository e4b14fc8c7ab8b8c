import { createHash } from 'node:crypto';
import type { Profile } from '../abi/profile.ts';
import { type KernelFile, readKernelFile } from '../arch/kernel-file.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { receiverOf } from '../kernel/receivers.ts';
import { parseSource, profilesOf } from '../profile/source.ts';

/** A kernel that hands over and receives. */
export interface Party {
  /** Its version, or what the user calls it; unique in a matrix. */
  readonly name: string;
  /** Path. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly file: KernelFile;
  /** The release that it is of, where one is known: what `verify` foretells goes by it. */
  readonly release: string | undefined;
  /** What its headers say; undefined where nothing tells. */
  readonly profile: Profile | undefined;
}

export interface PartyOptions {
  /** What headers are read from, by the name of the kernel: a release, a tree, a profile file. */
  readonly abi?: Readonly<Record<string, string>>;
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
}

/**
 * Reads the kernels of a matrix.
 * @param words paths, or NAME=PATH
 * @throws KhoforgeError `USAGE` for two of one name, or headers of none; those of readKernelFile() and profilesOf()
 */
export function readParties(words: readonly string[], { abi = {}, cc }: PartyOptions = {}): Party[] {
  const parties = words.map((word) => readParty(word, abi, cc));
  const names = parties.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new KhoforgeError('USAGE', `two kernels go by the name '${twice}'`, {
      hint: 'give one of them another: NAME=PATH',
    });
  }
  const nobody = Object.keys(abi).find((name) => !names.includes(name));
  if (nobody === undefined) return parties;
  throw new KhoforgeError('USAGE', `--abi names '${nobody}', which is no kernel of the matrix`, {
    hint: `the kernels are ${names.join(', ')}`,
  });
}

function readParty(word: string, abi: Readonly<Record<string, string>>, cc: string | undefined): Party {
  const [, given, path = word] = /^([\w.+~ -]+)=(.+)$/.exec(word) ?? [];
  const bytes = readInput(path);
  const file = readKernelFile(bytes, path);
  const name = given ?? (file.version || path);
  const release = releaseOf(file.version);
  const source = Object.hasOwn(abi, name) ? abi[name] : release;
  return {
    name,
    path,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    file,
    release,
    profile: source === undefined ? undefined : profileOf(source, file, cc),
  };
}

function profileOf(source: string, { arch, pageSize }: KernelFile, cc: string | undefined) {
  const [profile] = profilesOf(parseSource(source), [{ arch, pageSize }], cc === undefined ? {} : { cc });
  return profile;
}

function releaseOf(version: string): string | undefined {
  try {
    return receiverOf(version).release;
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}
