import type { Digest, DigestReport } from '../receive/digest.ts';
import { toJson } from './json.ts';
import { type Tree, treeText } from './tree.ts';

/** A line for each part, the digest first. */
export function digestText({ problems }: DigestReport, part: Digest): string[] {
  return [...treeText(tree(part)), ...problems.map((text) => `problem: ${text}`)];
}

function tree({ name, sha256, parts, unread }: Digest): Tree {
  const note = unread === undefined ? '' : ` (not told: ${unread})`;
  return { text: `${sha256}  ${name}${note}`, children: parts.map(tree) };
}

export const digestJson = ({ problems }: DigestReport, part: Digest): string =>
  toJson('digest', 1, { ...part, problems });
