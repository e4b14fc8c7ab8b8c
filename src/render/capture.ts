import { describeTarget } from '../abi/target.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { pieceSize } from '../memory/physical-memory.ts';
import type { Image } from '../model/image.ts';
import type { Inspection } from '../receive/decode.ts';
import { toJsonParts } from './json.ts';
import { treeText } from './tree.ts';

/** Bytes that a capture holds. */
function captured(image: Image): bigint {
  return image.memory.pieces.reduce((sum, piece) => sum + BigInt(pieceSize(piece)), 0n);
}

export function captureText(
  image: Image,
  { walk, subtrees, problems }: Inspection,
  directory: string,
): string[] {
  const names = subtrees.map(({ name }) => name).join(', ') || 'none';
  return treeText({
    text: `${directory}: ${describeTarget(image.target)}, root FDT at ${hex(image.bootRecord.fdtAddr)}`,
    children: [
      { text: `captured   ${humanSize(captured(image))}` },
      { text: `preserved  ${humanSize(walk?.bytes ?? 0n)}` },
      { text: `subtrees   ${names}` },
      ...(problems.length > 0
        ? [{ text: `problems   ${problems.length} (khoforge inspect ${directory})` }]
        : []),
    ],
  });
}

/** In parts: an image may have as many problems as a map has pages. */
export function captureJson(
  image: Image,
  { walk, subtrees, problems }: Inspection,
  directory: string,
): Generator<string, void, undefined> {
  return toJsonParts('capture', 1, {
    directory,
    captured: captured(image),
    preserved: walk?.bytes ?? 0n,
    subtrees: subtrees.map(({ name }) => name),
    problems,
  });
}
