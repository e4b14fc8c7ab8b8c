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

  /** @param items values without a JsonList */
  constructor(items: Iterable<unknown>) {
    this.items = items;
  }
}

/** Items that become text together, which takes half as long as one by one. */
const BATCH = 4096;

/** What `JSON.stringify(value, jsonValue, 2)` gives, in parts: a JsonList, if objects lead to one, is an array. */
export function jsonParts(value: unknown): Generator<string, void, undefined> {
  return parts(value, '\n');
}

/** @param line what a line of this value's level begins with: a line break and its indentation */
function* parts(value: unknown, line: string): Generator<string, void, undefined> {
  if (value instanceof JsonList) yield* listParts(value.items, line);
  else if (isObject(value) && Object.values(value).some(mayHaveList)) {
    let before = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${before}${line}  ${JSON.stringify(key)}: `;
      yield* parts(member, `${line}  `);
      before = ',';
    }
    yield `${line}}`;
  } else yield JSON.stringify(value, jsonValue, 2).replaceAll('\n', line);
}

function* listParts(items: Iterable<unknown>, line: string): Generator<string, void, undefined> {
  let before = '[';
  let batch: unknown[] = [];
  const written = () => {
    // Without the brackets of the batch.
    const text = before + JSON.stringify(batch, jsonValue, 2).slice(1, -2).replaceAll('\n', line);
    before = ',';
    batch = [];
    return text;
  };
  for (const item of items) {
    if (batch.push(item) >= BATCH) yield written();
  }
  if (batch.length > 0) yield written();
  yield before === '[' ? '[]' : `${line}]`;
}

const mayHaveList = (value: unknown) => value instanceof JsonList || isObject(value);

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
