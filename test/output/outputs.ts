import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { profilePath } from '../../src/abi/profile.ts';
import { writeAll } from '../../src/base/files.ts';
import { writeImageDirectory } from '../../src/formats/directory.ts';
import { writeElfCore } from '../../src/formats/write-core.ts';
import { writeRawExtents } from '../../src/formats/write-raw.ts';
import { buildBootElf } from '../../src/load/boot-elf.ts';
import { writeKexecDirectory } from '../../src/load/kexec-file.ts';
import { planKexecLoad } from '../../src/load/kexec-load.ts';
import type { Image } from '../../src/model/image.ts';
import type { DirectoryForm, Form } from '../../src/output/forms.ts';
import { type OutputOptions, writeFileWhole } from '../../src/output/write.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';

/** For one test file: paths, each in a folder of its own, so that what else is made there shows. */
export function places(): (name: string) => string {
  const root = mkdtempSync(join(tmpdir(), 'khoforge-output-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let count = 0;
  return (name) => {
    const folder = join(root, `${count++}`);
    mkdirSync(folder);
    return join(folder, name);
  };
}

export const image = buildImage({ subtrees: [{ kho_test: { seed: 1, max_mem: '64KiB' } }] });
export const kernel = fakeBzImage();

const boot = buildBootElf(image, { kernel, cmdline: '' });
const load = planKexecLoad(image, { kernel, cmdline: '' });

/** What takes its place when it is whole; a console log is there while it grows. */
type WholeForm = Exclude<Form, 'log'>;

/** Every function that writes an image, by its form. */
export const WRITERS: Readonly<
  Record<WholeForm, (path: string, options?: OutputOptions, of?: Image) => void>
> = {
  dir: (path, options, of = image) => writeImageDirectory(of, path, options),
  raw: (path, options, of = image) => writeRawExtents(of, path, options),
  kexec: (path, options, of = image) =>
    writeKexecDirectory({ load: { ...load, mode: of.mode }, cmdline: '' }, path, options),
  core: (path, options, of = image) => writeElfCore(of, path, undefined, options),
  elf: (path, options, of = image) =>
    writeFileWhole(path, { ...options, form: 'elf', mode: of.mode }, (descriptor) =>
      writeAll(descriptor, boot.elf),
    ),
  profile: (path, options, of = image) =>
    writeFileWhole(path, { ...options, form: 'profile', mode: of.mode }, (descriptor) =>
      writeAll(descriptor, readFileSync(profilePath('7.3', 'x86_64', 4096))),
    ),
};
export const DIRECTORIES: readonly DirectoryForm[] = ['dir', 'raw', 'kexec'];
export const FORMS: readonly WholeForm[] = [...DIRECTORIES, 'core', 'elf', 'profile'];

/** All below a path: of each its kind, mode, inode, and what it holds. */
export function everything(path: string): string[] {
  const stat = lstatSync(path);
  const head = `${path} ${stat.mode.toString(8)} ${stat.ino}`;
  if (stat.isSymbolicLink()) return [`${head} -> ${readlinkSync(path)}`];
  if (stat.isDirectory()) {
    const names = readdirSync(path).toSorted();
    return [head, ...names.flatMap((name) => everything(join(path, name)))];
  }
  return [stat.isFile() ? `${head} ${readFileSync(path).toString('base64')}` : head];
}

/** What is in the folder of an output. */
export const around = (path: string): string[] => everything(dirname(path));
