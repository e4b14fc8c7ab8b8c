import { statSync } from 'node:fs';
import { buildParsed } from '../handover/build-image.ts';
import type { Image } from '../image/image.ts';
import { openSource } from '../image/open.ts';
import { bootableImage } from '../receiver/extract.ts';
import { loadSpec } from '../spec/load.ts';
import { openOptions, type SourceFlags } from './source-options.ts';

/** As `openImage`, for a boot: of a dump the handover alone. */
export function openBootable(path: string, flags: SourceFlags = {}): Image {
  if (isSpec(path)) return openImage(path, flags);
  return bootableImage(openSource(path, openOptions(flags)));
}

function isSpec(path: string): boolean {
  return /\.ya?ml$/.test(path) && !statSync(path, { throwIfNoEntry: false })?.isDirectory();
}

/** An image from what the user named: a spec (`.yaml`), which is built in memory, or any source. */
export function openImage(path: string, flags: SourceFlags = {}): Image {
  if (!isSpec(path)) return openSource(path, openOptions(flags)).image;
  const { spec: parsed, baseDir } = loadSpec(path);
  return buildParsed(parsed, baseDir);
}
