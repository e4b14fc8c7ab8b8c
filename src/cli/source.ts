import { statSync } from 'node:fs';
import { buildParsed } from '../handover/build-image.ts';
import type { Image } from '../image/image.ts';
import { openSource } from '../image/open.ts';
import { loadSpec } from '../spec/load.ts';
import { openOptions, type SourceFlags } from './source-options.ts';

/** An image from what the user named: a spec (`.yaml`), which is built in memory, or any source. */
export function openImage(path: string, flags: SourceFlags = {}): Image {
  const spec = /\.ya?ml$/.test(path) && !statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (!spec) return openSource(path, openOptions(flags)).image;
  const { spec: parsed, baseDir } = loadSpec(path);
  return buildParsed(parsed, baseDir);
}
