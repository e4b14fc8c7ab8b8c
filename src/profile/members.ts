import { afterBracket, splitAt, type Token, textOf } from './tokens.ts';

/** One member of a structure, anonymous inner structures and unions flattened into it. */
export interface Member {
  /** As `offsetof` takes it: `first`, `hdr.next`. */
  readonly name: string;
  /** Width as written, of a bit-field. */
  readonly bits?: string;
  /** Name of the structure that the member is an instance of (no pointer, no array). */
  readonly struct?: string;
}

export interface Members {
  readonly members: readonly Member[];
  /** Declarations that are not understood, as written. */
  readonly unread: readonly string[];
}

/** Macros that declare a member, and which of their arguments names it. */
const DECLARING: Readonly<Record<string, number>> = {
  DECLARE_BITMAP: 0,
  DECLARE_KHOSER_PTR: 0,
};

/** The members that the tokens between the braces of a structure declare. */
export function readMembers(body: readonly Token[]): Members {
  const declarations = splitAt(
    body.filter(({ kind }) => kind !== 'directive'),
    ';',
  );
  const found = declarations.filter((tokens) => tokens.length > 0).map(readDeclaration);
  return {
    members: found.flatMap(({ members }) => members),
    unread: found.flatMap(({ unread }) => unread),
  };
}

function readDeclaration(declaration: readonly Token[]): Members {
  const tokens = withoutAttributes(declaration);
  const brace = tokens.findIndex(({ text }) => text === '{');
  if (brace >= 0) return readInner(tokens, brace);
  const [first, second, third] = tokens;
  if (first?.kind === 'word' && second?.text === '(' && third?.text !== '*')
    return readMacro(tokens, first.text);
  const [head = [], ...more] = splitAt(tokens, ',');
  const members = [head, ...more].map((part, i) => readDeclarator(part, i === 0));
  if (members.includes(undefined)) return { members: [], unread: [textOf(declaration)] };
  return { members: members.flatMap((member) => member ?? []), unread: [] };
}

/** `struct { … } name;`, `union { … };` */
function readInner(tokens: readonly Token[], brace: number): Members {
  const end = afterBracket(tokens, brace);
  const inner = readMembers(tokens.slice(brace + 1, end - 1));
  const after = tokens.slice(end);
  if (after.length === 0) return inner;
  const [name] = after;
  if (after.length !== 1 || name?.kind !== 'word') return { members: [], unread: [textOf(tokens)] };
  return {
    members: inner.members.map((member) => ({ ...member, name: `${name.text}.${member.name}` })),
    unread: inner.unread,
  };
}

function readMacro(tokens: readonly Token[], macro: string): Members {
  const index = DECLARING[macro];
  const args = splitAt(tokens.slice(2, -1), ',');
  const name = index === undefined ? undefined : args[index]?.[0]?.text;
  return name === undefined ? { members: [], unread: [textOf(tokens)] } : { members: [{ name }], unread: [] };
}

/**
 * Name of one declarator; empty for a flexible array, which takes no room, and for unnamed padding bits.
 * Undefined when it is not understood.
 */
function readDeclarator(tokens: readonly Token[], withType: boolean): Member[] | undefined {
  const colon = tokens.findIndex(({ text }) => text === ':');
  const head = colon < 0 ? tokens : tokens.slice(0, colon);
  const pointer = head.findIndex(({ text }, i) => text === '(' && head[i + 1]?.text === '*');
  const named = pointer >= 0 ? head.slice(0, pointer + 3) : head.slice(0, nameEnd(head));
  const name = named.at(-1);
  if (colon >= 0 && named.length === 1 && withType) return [];
  if (name?.kind !== 'word' || (withType && named.length < 2)) return undefined;
  if (textOf(head.slice(named.length)) === '[ ]') return [];
  if (colon >= 0) return [{ name: name.text, bits: textOf(tokens.slice(colon + 1)) }];
  const isInstance = named.length === 3 && head.length === 3 && named[0]?.text === 'struct';
  const struct = isInstance ? named[1]?.text : undefined;
  return [{ name: name.text, ...(struct !== undefined && { struct }) }];
}

function nameEnd(head: readonly Token[]): number {
  const bracket = head.findIndex(({ text }) => text === '[');
  return bracket < 0 ? head.length : bracket;
}

/** Drops `__packed`, `__aligned(8)`, `__attribute__((…))`. */
function withoutAttributes(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (!isAttribute(token.text)) kept.push(token);
    else if (tokens[i + 1]?.text === '(') i = afterBracket(tokens, i + 1) - 1;
  }
  return kept;
}

function isAttribute(word: string): boolean {
  return /^__(packed|aligned|attribute__|counted_by|nonstring|force|user|rcu|bitwise)$/.test(word);
}
