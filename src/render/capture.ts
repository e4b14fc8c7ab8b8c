import { describeTarget } from '../abi/target.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { pieceSize } from '../memory/physical-memory.ts';
import type { Image } from '../model/image.ts';
import type { Inspection } from '../receive/decode.ts';
import { toJsonParts } from './json.ts';
import { treeText } from './tree.ts';

/** Bytes that a capture holds. */
export function captured(image: Image): bigint {
  return image.memory.pieces.reduce((sum, piece) => sum + BigInt(pieceSize(piece)), 0n);
}

export function captureText(image: Image, inspection: Inspection, directory: string): string[] {
  return treeText({
    text: captureHead(image, directory),
    children: captureFacts(image, inspection, directory).map((text) => ({ text })),
  });
}

export const captureHead = ({ target, bootRecord }: Image, directory: string): string =>
  `${directory}: ${describeTarget(target)}, root FDT at ${hex(bootRecord.fdtAddr)}`;

export function captureFacts(
  image: Image,
  { walk, subtrees, problems }: Inspection,
  directory: string,
): string[] {
  const names = subtrees.map(({ name }) => name).join(', ') || 'none';
  return [
    `captured   ${humanSize(captured(image))}`,
    `preserved  ${humanSize(walk?.bytes ?? 0n)}`,
    `subtrees   ${names}`,
    ...(problems.length > 0 ? [`problems   ${problems.length} (khoforge inspect ${directory})`] : []),
  ];
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
