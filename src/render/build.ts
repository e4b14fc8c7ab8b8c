import { describeTarget } from '../abi/target.ts';
import { hex, humanSize } from '../base/numbers.ts';
import type { Region } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { toJsonParts } from './json.ts';
import { type Tree, treeText } from './tree.ts';

/** What a build made: the target and where the main parts are. */
export function buildText(image: Image, directory: string): string[] {
  const { target, placements, bootRecord } = image;
  const top = placements
    .filter(({ path }) => !/\[|\/.*\//.test(path))
    .map(({ path, start, size }): Tree => ({ text: `${hex(start).padEnd(12)} ${path}, ${humanSize(size)}` }));
  const handover =
    bootRecord.kind === 'none' ? 'nothing is handed over' : `root FDT at ${hex(bootRecord.fdtAddr)}`;
  return treeText({
    text: `${directory}: ${describeTarget(target)}, ${handover}`,
    children: top,
  });
}

/** Something that is loaded, and the rule that put it there. */
export interface PlacedSegment extends Region {
  readonly name: string;
  readonly why: string;
}

/** Why each segment is where it is. */
export function segmentsText(segments: readonly PlacedSegment[]): string[] {
  return treeText({
    text: 'segments, in the order in which they are placed',
    children: segments.map(({ name, start, size, why }) => ({
      text: `${hex(start).padEnd(12)} ${name}, ${humanSize(size)}: ${why}`,
    })),
  });
}

/** What a build wrote. */
export interface BuildOutput {
  /** As `build --format` names it. */
  readonly format: string;
  readonly output: string;
  /** Names in the directory `output`; none when that is a file. */
  readonly files: readonly string[];
  /** When they are to be shown. */
  readonly segments?: readonly PlacedSegment[];
}

/** The document that other programs rely on, in parts: there may be millions of placements. */
export function buildJson(
  { placements }: Image,
  { format, output, files, segments }: BuildOutput,
): Generator<string, void, undefined> {
  const where = files.length > 0 ? { directory: output, files } : { file: output };
  const loaded = segments?.map(({ name, start, size, why }) => ({ name, start, size, why }));
  return toJsonParts('build', 1, { format, ...where, placements, ...(loaded && { segments: loaded }) });
}
