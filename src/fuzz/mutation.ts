import { type Document, isMap, isSeq, Scalar } from 'yaml';
import { hex } from '../base/numbers.ts';
import type { OverrideValue } from '../emit/overrides.ts';

/** One thing that is made otherwise in a spec, as data. */
export type Mutation =
  | { readonly kind: 'override'; readonly path: string; readonly value: OverrideValue }
  | { readonly kind: 'place'; readonly path: string; readonly at: bigint }
  | { readonly kind: 'omit'; readonly path: string }
  | { readonly kind: 'unpreserve'; readonly path: string }
  | { readonly kind: 'preserve'; readonly name: string; readonly order: number; readonly at: bigint }
  | { readonly kind: 'patch'; readonly at: bigint; readonly bytes: Uint8Array }
  /** Of the list `subtrees`: leaves one out, has it twice, or last. */
  | { readonly kind: 'drop' | 'repeat' | 'last'; readonly subtree: number; readonly name: string };

/** In words: one line. */
export function mutationText(mutation: Mutation): string {
  if ('subtree' in mutation) return `subtrees: ${mutation.kind} ${mutation.name}`;
  const { kind } = mutation;
  if (kind === 'override') return `${kind} ${mutation.path}: ${valueText(mutation.value)}`;
  if (kind === 'place') return `${kind} ${mutation.path}: ${hex(mutation.at)}`;
  if (kind === 'omit' || kind === 'unpreserve') return `${kind} ${mutation.path}`;
  if (kind === 'preserve') return `${kind} a folio of order ${mutation.order}: ${hex(mutation.at)}`;
  return `${kind} ${hex(mutation.at)}: ${Buffer.from(mutation.bytes).toString('hex')}`;
}

function valueText(value: OverrideValue): string {
  if (value === null) return 'left out';
  if (typeof value === 'bigint') return hex(value);
  return typeof value === 'string'
    ? JSON.stringify(value)
    : `bytes ${Buffer.from(value.bytes).toString('hex')}`;
}

/** What a mutation is about: of two about one thing the second would undo the first, or mean something else. */
export function subjectOf(one: Mutation): string {
  if ('path' in one) return `${one.kind} ${one.path}`;
  return 'at' in one ? `${one.kind} ${one.at}` : 'subtrees';
}

/** With one more; it takes the place of one about the same thing. */
export function withMutation(mutations: readonly Mutation[], one: Mutation): Mutation[] {
  const subjects = new Map([...mutations, one].map((each) => [subjectOf(each), each]));
  return [...subjects.values()];
}

/** A path without the numbers in it: `folios[3]` and `folios[4]` are of one form. */
export const formOf = (path: string): string => path.replace(/\[\d+\]/g, '[]');

/** Makes a spec otherwise, in its document: all else stays as people wrote it. */
export function mutate(document: Document, mutation: Mutation): void {
  const { kind } = mutation;
  if ('subtree' in mutation) rearrange(document, mutation.kind, mutation.subtree);
  else if (kind === 'override')
    document.setIn([kind, mutation.path], document.createNode(written(mutation.value)));
  else if (kind === 'place') document.setIn([kind, mutation.path], hexNode(mutation.at));
  else if (kind === 'omit' || kind === 'unpreserve') append(document, kind, mutation.path);
  else if (kind === 'preserve') {
    const { name, order, at } = mutation;
    append(document, kind, { name, order, addr: hexNode(at) });
  } else append(document, kind, { addr: hexNode(mutation.at), bytes: bytesText(mutation.bytes) });
}

function written(value: OverrideValue): unknown {
  if (typeof value === 'bigint') return hexNode(value);
  return value === null || typeof value === 'string' ? value : { bytes: bytesText(value.bytes) };
}

/** Small numbers are read more easily as people write them. */
function hexNode(value: bigint): Scalar {
  const node = new Scalar(value);
  if (value > 9n) node.format = 'HEX';
  return node;
}

const bytesText = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');

function append(document: Document, key: string, value: unknown): void {
  const list = document.get(key);
  if (!isSeq(list)) document.set(key, document.createNode([]));
  document.addIn([key], document.createNode(value));
}

function rearrange(document: Document, kind: 'drop' | 'repeat' | 'last', index: number): void {
  const list = document.get('subtrees');
  if (!isSeq(list)) return;
  const [one] = list.items.slice(index);
  if (!isMap(one)) return;
  if (kind !== 'repeat') list.items.splice(index, 1);
  if (kind !== 'drop') list.items.push(kind === 'repeat' ? one.clone() : one);
}
