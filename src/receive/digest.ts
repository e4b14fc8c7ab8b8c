import { createHash } from 'node:crypto';
import { hex } from '../base/numbers.ts';
import type { Image } from '../model/image.ts';
import { userOf } from '../users/registry.ts';
import { type State, sha256Of } from '../users/state.ts';
import { type Blob, type DecodedValue, facet } from '../users/user.ts';
import { blobBytes } from './blob.ts';
import { type InspectedSubtree, inspect } from './decode.ts';
import { Orders } from './orders.ts';

/** A part of a handover with its digest: docs/digest.md says of which bytes it is. */
export interface Digest {
  readonly name: string;
  /** In hex. */
  readonly sha256: string;
  readonly facts: State['facts'];
  /** By name. */
  readonly parts: readonly Digest[];
  readonly unread?: string;
}

export interface DigestReport {
  /** Of all that the handover's subtrees say. */
  readonly whole: Digest;
  /** What the digests do not tell: contents that the image does not have, and what is wrong with it. */
  readonly problems: readonly string[];
}

/** Hashes what a handover says, and not where it says it: the same state has the same digest wherever it stands. */
export function digestImage(image: Image): DigestReport {
  const { subtrees, memoryMap, problems } = inspect(image);
  const orders = new Orders(image, memoryMap);
  const whole = digestOf({
    name: 'handover',
    facts: {},
    parts: subtrees.map((subtree) => stateOf(image, subtree, orders)),
  });
  return { whole, problems: [...problems, ...missing(whole, [])] };
}

function stateOf(image: Image, { name, phys, size }: InspectedSubtree, orders: Orders): State {
  if (phys === null) return { name, facts: { sha256: null }, parts: [] };
  const { target, memory } = image;
  const bytes = blobBytes(image, phys, size);
  const blob: Blob = { target, memory, phys, bytes, orderAt: (at) => orders.at(at) };
  const user = userOf(target, name);
  const read = user && facet(user.state);
  if (read) return { name, ...read(blob) };
  const sha256 = sha256Of(memory, [{ phys, size: bytes.length }]);
  const unread = 'its bytes are hashed as they are, and may be addresses';
  return { name, facts: { size: bytes.length, sha256 }, parts: [], unread };
}

function digestOf({ name, facts, parts: inner, unread }: State): Digest {
  const parts = inner.map(digestOf).sort((a, b) => compare(a.name, b.name));
  const text = canonical({ facts, name, parts: parts.map(({ sha256 }) => sha256) });
  const sha256 = createHash('sha256').update(text, 'utf8').digest('hex');
  return { name, sha256, facts, parts, ...(unread !== undefined && { unread }) };
}

/** By UTF-16 code units, as JavaScript compares texts. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** JSON by RFC 8785 (keys in order, no space), with 64-bit values as texts: 0x and hexadecimal digits. */
export function canonical(value: DecodedValue): string {
  if (typeof value === 'bigint') return JSON.stringify(hex(value));
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => compare(a, b));
  return `{${members.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`;
}

/** Parts whose contents are not in the image: their digests are of what is known. */
function missing({ name, facts, parts }: Digest, above: readonly string[]): string[] {
  const path = [...above, name];
  const own =
    'sha256' in facts && facts.sha256 === null
      ? [`${path.slice(1).join('/')}: the image does not have its contents`]
      : [];
  return [...own, ...parts.flatMap((part) => missing(part, path))];
}

/** The part at a path of names, such as `LUO/session vm0`; undefined where there is none. */
export function partAt(whole: Digest, path: string): Digest | undefined {
  if (path === '') return whole;
  const part = whole.parts.find(({ name }) => path === name || path.startsWith(`${name}/`));
  return part && partAt(part, path.slice(part.name.length + 1));
}
