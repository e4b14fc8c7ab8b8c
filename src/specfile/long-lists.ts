/** Items of a list, each of which has a line of the file to itself. */
export interface LongList {
  readonly items: readonly unknown[];
  /** Lines of the items, counted from 1. */
  readonly lines: readonly number[];
}

export interface ShortenedSpec {
  /** The file, in which each long list is empty: as many lines as before. */
  readonly text: string;
  /** By the key at the top level. */
  readonly lists: ReadonlyMap<string, LongList>;
}

/** A list with fewer items is left to the YAML library. */
const LONG = 1000;
const KEY = /^([a-z][a-z_]*):[ \t]*$/;
const ITEM = /^( *)- \{ *(.*?) *\}[ \t]*$/;
const PAIR =
  /([a-z][a-z_]*): +(?:"([^"\\]*)"|'([^']*)'|(0x[0-9a-fA-F]+|[0-9]+)|([A-Za-z][A-Za-z0-9_.-]*))(?: *, *|$)/y;
/** Plain words that are no text (YAML 1.2, core schema). */
const NOT_TEXT = /^(?:null|true|false)$/i;

/**
 * Takes lists of plain items out of a file: `- { addr: 0x1000, bytes: "de ad" }`, hundreds of thousands of them. A YAML
 * library takes 5 KB and 0.1 ms for each; it is left with everything else, and with every list that has another item.
 */
export function shorten(text: string): ShortenedSpec {
  const lists = new Map<string, LongList>();
  if (text.length < LONG * 8) return { text, lists };
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, key] = KEY.exec(lines[at] ?? '') ?? [];
    const end = key === undefined ? at : endOfList(lines, at + 1);
    if (key === undefined || end - at <= LONG || lists.has(key)) continue;
    const list = listOf(lines, at + 1, end);
    if (!list) continue;
    lists.set(key, list);
    lines[at] = `${key}: []`;
    lines.fill('', at + 1, end);
    at = end - 1;
  }
  return lists.size === 0 ? { text, lists } : { text: lines.join('\n'), lists };
}

/** The next line at the top level, or the end. */
function endOfList(lines: readonly string[], from: number): number {
  let at = from;
  while (at < lines.length && /^(?:[ \t]|- |#|$)/.test(lines[at] ?? '')) at++;
  return at;
}

/** Undefined where a line is no plain item. */
function listOf(lines: readonly string[], from: number, end: number): LongList | undefined {
  const items: unknown[] = [];
  const at: number[] = [];
  let indent: string | undefined;
  for (let line = from; line < end; line++) {
    const text = lines[line] ?? '';
    if (/^ *(?:#.*)?$/.test(text)) continue;
    const [, space, inside] = ITEM.exec(text) ?? [];
    const item = inside === undefined ? undefined : itemOf(inside);
    if (item === undefined || space !== (indent ?? space)) return undefined;
    indent = space;
    items.push(item);
    at.push(line + 1);
  }
  return { items, lines: at };
}

function itemOf(text: string): object | undefined {
  const item: Record<string, string | bigint> = {};
  PAIR.lastIndex = 0;
  for (let done = 0; done < text.length; done = PAIR.lastIndex) {
    const [, key, double, single, number, word] = PAIR.exec(text) ?? [];
    const value = double ?? single ?? (number === undefined ? word : BigInt(number));
    if (key === undefined || value === undefined || Object.hasOwn(item, key)) return undefined;
    if (word !== undefined && NOT_TEXT.test(word)) return undefined;
    item[key] = value;
  }
  return item;
}
