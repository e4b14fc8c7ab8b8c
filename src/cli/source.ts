import { statSync } from 'node:fs';
import { buildParsed } from '../handover/build-image.ts';
import { readImageDirectory } from '../image/directory.ts';
import type { Image } from '../image/image.ts';
import { loadSpec } from '../spec/load.ts';

/** An image from what the user named: an image directory, or a spec to build in memory. */
export function openImage(path: string): Image {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return readImageDirectory(path);
  const { spec, baseDir } = loadSpec(path);
  return buildParsed(spec, baseDir);
}
