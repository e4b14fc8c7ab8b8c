import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ownForm } from '../elf/own-note.ts';

interface DirectoryKind {
  /** The file that says what the directory is: a JSON document with this schema. */
  readonly description: string;
  readonly schema: string;
  /** Names of its own that every one has. */
  readonly names: RegExp;
  /** Its files, where the description does not list them, as that of 0.1.0. */
  readonly files: readonly string[];
  /** Names that some have beside those. */
  readonly extra: readonly string[];
}

/** Forms that are a directory. */
export const DIRECTORY_FORMS = {
  dir: {
    description: 'manifest.json',
    schema: 'khoforge-image',
    names: /^(manifest\.json|memory\.bin|kho\.dtb)$/,
    files: ['manifest.json', 'memory.bin', 'kho.dtb'],
    extra: ['boot.elf', 'produced.json', 'console.log'],
  },
  raw: {
    description: 'raw.json',
    schema: 'khoforge-raw',
    names: /^(raw\.json|qemu-args|0x[0-9a-f]+\.bin)$/,
    files: [],
    extra: ['entry.elf'],
  },
  kexec: {
    description: 'kexec.json',
    schema: 'khoforge-kexec',
    names: /^(kexec\.json|kexec\.img)$/,
    files: ['kexec.json', 'kexec.img', 'kexec-load'],
    extra: ['kexec-load'],
  },
} as const satisfies Readonly<Record<string, DirectoryKind>>;
export type DirectoryForm = keyof typeof DIRECTORY_FORMS;
/**
 * Forms that are a file: an ELF with a note of ours, or a JSON document with its schema. A console log is what a guest
 * wrote, and nothing in it says whose it is.
 */
export type FileForm = 'core' | 'elf' | 'profile' | 'log';
export type Form = DirectoryForm | FileForm;

export const isDirectoryForm = (form: Form): form is DirectoryForm => Object.hasOwn(DIRECTORY_FORMS, form);

/** What in a directory is ours. */
export interface Ours {
  readonly form: DirectoryForm;
  /** Names in the directory; they need not be there. */
  readonly files: readonly string[];
}

const head = z.object({
  schema: z.object({ name: z.string() }),
  files: z.array(z.union([z.string(), z.object({ name: z.string() })])).optional(),
});

/** What of ours is in a directory, by what the files say: a name alone proves nothing. */
export function oursIn(directory: string): Ours[] {
  const kinds: readonly (readonly [DirectoryForm, DirectoryKind])[] = [
    ['dir', DIRECTORY_FORMS.dir],
    ['raw', DIRECTORY_FORMS.raw],
    ['kexec', DIRECTORY_FORMS.kexec],
  ];
  return kinds.flatMap(([form, { description, schema, names, files, extra }]) => {
    const { data } = head.safeParse(plainJson(join(directory, description)));
    if (data?.schema.name !== schema) return [];
    const listed = data.files?.map((file) => (typeof file === 'string' ? file : file.name)) ?? files;
    // A description may come from anywhere: what no image of the form has is not ours, whatever it lists.
    const isOwn = (name: string) => names.test(name) || extra.includes(name);
    return [{ form, files: [description, ...listed.filter(isOwn)] }];
  });
}

/** The form of a file, by its note or schema; undefined when it is not ours. */
export function formOfFile(path: string): string | undefined {
  return formByNote(path) ?? formBySchema(path);
}

function formByNote(path: string): string | undefined {
  return withPlainFile(path, (descriptor) =>
    ownForm((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    }),
  );
}

const PROFILE = 'khoforge-abi-profile';
/** The schema comes first in what is ours. */
const HEAD = 256;

function formBySchema(path: string): string | undefined {
  const start = withPlainFile(path, (descriptor) => {
    const bytes = Buffer.alloc(HEAD);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, HEAD, 0));
  });
  return new RegExp(`^\\{\\s*"schema":\\s*\\{\\s*"name":\\s*"${PROFILE}"`).test(start ?? '')
    ? 'profile'
    : undefined;
}

/** The value in a JSON file; undefined when it is none, or no regular file. */
export function plainJson(path: string): unknown {
  try {
    return JSON.parse(plainText(path) ?? '');
  } catch {
    return undefined;
  }
}

/** The text of a file; undefined when it is no regular file. */
export function plainText(path: string): string | undefined {
  return withPlainFile(path, (descriptor) => readFileSync(descriptor, 'utf8'));
}

/** Neither a link, which may lead to what is not ours, nor a pipe, which may never end, nor what cannot be read. */
function withPlainFile<T>(path: string, use: (descriptor: number) => T): T | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return fstatSync(descriptor).isFile() ? use(descriptor) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
