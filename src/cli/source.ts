import { statSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { bootableImage } from '../capture/extract.ts';
import { isElf } from '../elf/format.ts';
import { isImageDirectory } from '../formats/directory.ts';
import { MappedFile } from '../formats/mapped-file.ts';
import type { Image } from '../model/image.ts';
import { buildLoaded } from '../produce/build-image.ts';
import type { ProfileTarget } from '../profile/target.ts';
import { type LoadedSpec, loadSpec } from '../specfile/load.ts';
import { openWithProgress } from './open-source.ts';
import { openOptions, type SourceFlags } from './source-options.ts';
import { type TargetFlags, targetFrom } from './target-options.ts';

/** An image, and the target that options named for it. It is in use until it is disposed of. */
export interface OpenedImage extends Disposable {
  readonly image: Image;
  readonly own: ProfileTarget | undefined;
}

/** As `openImage`, for a boot: of a dump the handover alone. */
export function openBootable(path: string, flags: SourceFlags & TargetFlags = {}): OpenedImage {
  if (isSpec(path)) return openImage(path, flags);
  if ((flags.target ?? flags.targetTree) !== undefined && isImageDirectory(path)) {
    throw new KhoforgeError('USAGE', `${path} is an image for a target of its own`, {
      hint: '--target and --target-tree go with a spec: khoforge build makes the image for them',
    });
  }
  const own = targetFrom(flags, flags);
  const opened = openWithProgress(path, { ...openOptions(flags), ...ownOf(own) });
  return { image: bootableImage(opened), own, [Symbol.dispose]: opened.close };
}

/**
 * An image from what the user named: a spec (`.yaml`), which is built in memory, or any source. The target that options
 * name is what a spec is built for, and the kernel that a dump may be of.
 */
export function openImage(path: string, flags: SourceFlags & TargetFlags = {}): OpenedImage {
  if (!isSpec(path)) {
    const own = targetFrom(flags, flags);
    const opened = openWithProgress(path, { ...openOptions(flags), ...ownOf(own) });
    return { image: opened.image, own, [Symbol.dispose]: opened.close };
  }
  const loaded = loadSpec(path);
  const own = specTarget(loaded, flags);
  return { image: buildLoaded(loaded, targetOption(own)), own, [Symbol.dispose]() {} };
}

export const targetOption = (own: ProfileTarget | undefined) => (own ? { target: own.target } : {});

/** The target that options name for a spec, on the machine that the spec names. */
export function specTarget({ spec }: LoadedSpec, flags: TargetFlags): ProfileTarget | undefined {
  return targetFrom(flags, { arch: spec.target?.arch, pageSize: spec.target?.page_size });
}

/** The target that options name, for opening a dump that may be of such a kernel. */
export const ownOf = (own: ProfileTarget | undefined) => own && { own: own.target };

/** Whether a path is that of an image directory or of a dump, which need no building. */
export function isImage(path: string): boolean {
  if (isImageDirectory(path)) return true;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const file = new MappedFile(path);
  try {
    return isElf(file.read(0, 4));
  } finally {
    file.close();
  }
}

function isSpec(path: string): boolean {
  return /\.ya?ml$/.test(path) && !statSync(path, { throwIfNoEntry: false })?.isDirectory();
}
