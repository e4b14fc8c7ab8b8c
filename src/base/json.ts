import { hex } from './numbers.ts';

/** For JSON.stringify(): addresses and 64-bit sizes as `0x…`, bytes as hex digits. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

/** An array in a JSON document whose items are made when they are written: all of them may be longer than a string. */
export class JsonList {
  readonly items: Iterable<unknown>;

  constructor(items: Iterable<unknown>) {
    this.items = items;
  }
}

/** Characters, roughly, that become text together: one by one takes twice as long. */
const PART = 2 ** 18;

/** What `JSON.stringify(value, jsonValue, 2)` gives, in parts, however long it is: a JsonList is an array. */
export function jsonParts(value: unknown): Generator<string, void, undefined> {
  return parts(value, '\n');
}

/** @param line what a line of this value's level begins with: a line break and its indentation */
function* parts(value: unknown, line: string): Generator<string, void, undefined> {
  if (lengthOf(value) < PART) yield JSON.stringify(value, jsonValue, 2).replaceAll('\n', line);
  else if (value instanceof JsonList) yield* listParts(value.items, line);
  else if (Array.isArray(value)) yield* listParts(value, line);
  else if (isObject(value)) {
    let before = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${before}${line}  ${JSON.stringify(key)}: `;
      yield* parts(member, `${line}  `);
      before = ',';
    }
    yield `${line}}`;
  } else yield JSON.stringify(value, jsonValue);
}

function* listParts(items: Iterable<unknown>, line: string): Generator<string, void, undefined> {
  let before = '[';
  let batch: unknown[] = [];
  let length = 0;
  const written = () => {
    // Without the brackets of the batch.
    const text = before + JSON.stringify(batch, jsonValue, 2).slice(1, -2).replaceAll('\n', line);
    before = ',';
    batch = [];
    length = 0;
    return text;
  };
  for (const item of items) {
    const own = lengthOf(item);
    if (own < PART) {
      batch.push(item);
      length += own;
      if (length >= PART) yield written();
      continue;
    }
    if (batch.length > 0) yield written();
    yield `${before}${line}  `;
    yield* parts(item, `${line}  `);
    before = ',';
  }
  if (batch.length > 0) yield written();
  yield before === '[' ? '[]' : `${line}]`;
}

/** Characters that a value takes, roughly, and counted no further than a part; of a JsonList nobody knows. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof JsonList) return PART;
  if (ArrayBuffer.isView(value)) return 2 * value.byteLength;
  if (!isObject(value) && !Array.isArray(value)) return LEAF;
  let length = LEAF;
  // Not the values of a list: it may have millions.
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    length += lengthOf(member);
    if (length >= PART) break;
  }
  return length;
}

/** Of a number, an address, a bracket, with the line that it stands in. */
const LEAF = 32;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Whether a JSON text opens more lists and objects in each other than so many; what is between quotes does not count. */
export function isDeeperThan(text: string, levels: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length && depth <= levels; at++) {
    const character = text[at];
    if (inText && character === '\\') at++;
    else if (character === '"') inText = !inText;
    else if (inText) continue;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
  }
  return depth > levels;
}
