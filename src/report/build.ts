import { describeTarget } from '../abi/target.ts';
import type { Image } from '../image/image.ts';
import { hex, humanSize } from '../numbers.ts';
import { type Tree, treeText } from './tree.ts';

/** What a build made: the target and where the main parts are. */
export function buildText(image: Image, directory: string): string {
  const { target, placements, bootRecord } = image;
  const top = placements
    .filter(({ path }) => !/\[|\/.*\//.test(path))
    .map(({ path, start, size }): Tree => ({ text: `${hex(start).padEnd(12)} ${path}, ${humanSize(size)}` }));
  return treeText({
    text: `${directory}: ${describeTarget(target)}, root FDT at ${hex(bootRecord.fdtAddr)}`,
    children: top,
  });
}
