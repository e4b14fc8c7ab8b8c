import { SETUP_NONE } from '../abi/setup_data.ts';
import { describeTarget } from '../abi/target.ts';
import type { Image } from '../image/image.ts';
import type { Region } from '../memory/regions.ts';
import { hex, humanSize } from '../numbers.ts';
import { type Tree, treeText } from './tree.ts';

/** What a build made: the target and where the main parts are. */
export function buildText(image: Image, directory: string): string {
  const { target, placements, bootRecord } = image;
  const top = placements
    .filter(({ path }) => !/\[|\/.*\//.test(path))
    .map(({ path, start, size }): Tree => ({ text: `${hex(start).padEnd(12)} ${path}, ${humanSize(size)}` }));
  const handover =
    bootRecord.setupDataType === SETUP_NONE
      ? 'nothing is handed over'
      : `root FDT at ${hex(bootRecord.fdtAddr)}`;
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
export function segmentsText(segments: readonly PlacedSegment[]): string {
  return treeText({
    text: 'segments, in the order in which they are placed',
    children: segments.map(({ name, start, size, why }) => ({
      text: `${hex(start).padEnd(12)} ${name}, ${humanSize(size)}: ${why}`,
    })),
  });
}
