import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeParts } from '../base/files.ts';
import { hex, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { type OutputOptions, writeDirectory } from '../output/write.ts';
import type { ExtraFile } from './directory.ts';
import { pageRegions, pageRuns } from './page-runs.ts';

/** Arguments for QEMU, one after the other; none has a space. */
const ARGUMENTS = 'qemu-args';
/** Says that the directory is ours, and which files of it. */
const DESCRIPTION = 'raw.json';

export interface RawOptions extends OutputOptions {
  /** Files beside the memory's. */
  readonly extra?: readonly ExtraFile[];
  /** Arguments for QEMU before those that load memory. */
  readonly arguments?: readonly string[];
  /** Where regions begin that QEMU gets in another way. */
  readonly without?: readonly bigint[];
  /** Bytes of memory, in whole pages. */
  readonly onProgress?: ((progress: ByteProgress) => void) | undefined;
}

/**
 * Writes each run of pages into a file of its own, named by its address, the arguments with which QEMU loads them, and
 * `raw.json`, which lists the files. Pages of zeroes are holes of the file.
 * @returns names of the files
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_BUSY`, `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeRawExtents(image: Image, path: string, options: RawOptions = {}): string[] {
  const { extra = [], without = [], arguments: first = [], ...output } = options;
  const regions = pageRegions(image).map((region) => ({ ...region, name: `${hex(region.start)}.bin` }));
  const devices = regions
    .filter(({ start }) => !without.includes(start))
    .flatMap(({ start, name }) => ['-device', `loader,file=${name},addr=${hex(start)},force-raw=on`]);
  const files = [ARGUMENTS, ...extra.map(({ name }) => name), ...regions.map(({ name }) => name)];
  writeDirectory(path, { ...output, form: 'raw', mode: image.mode }, (directory) => {
    const runs = pageRuns(image, { onProgress: options.onProgress });
    let run = runs.next();
    for (const region of regions) {
      const descriptor = openSync(join(directory, region.name), 'w');
      try {
        for (; run.done !== true && run.value.start < regionEnd(region); run = runs.next()) {
          const offset = toNumber(run.value.start - region.start, 'offset in a region');
          writeParts(descriptor, run.value.parts, offset);
        }
        ftruncateSync(descriptor, toNumber(region.size, 'bytes of a region'));
      } finally {
        closeSync(descriptor);
      }
    }
    for (const { name, bytes } of extra) writeFileSync(join(directory, name), bytes);
    writeFileSync(join(directory, ARGUMENTS), `${[...first, ...devices].join(' ')}\n`);
    const schema = { name: 'khoforge-raw', version: 1 };
    writeFileSync(join(directory, DESCRIPTION), `${JSON.stringify({ schema, files }, null, 2)}\n`);
  });
  return [DESCRIPTION, ...files];
}
