/** One token of C, or one whole preprocessor directive (continued lines joined, `#` first). */
export interface Token {
  readonly kind: 'word' | 'string' | 'punctuation' | 'directive';
  readonly text: string;
  /** 1-based line it starts on. */
  readonly line: number;
}

/** Comments become blanks; newlines stay, so that lines keep their numbers. */
export function withoutComments(text: string): string {
  return text.replace(
    /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*/g,
    (match) => (match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match),
  );
}

const TOKEN =
  /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|[A-Za-z_0-9][A-Za-z_0-9.]*|#(?:\\\r?\n|[^\n])*|[^\s]/g;

/** Splits C source into tokens. Never fails: an unknown character is punctuation. */
export function tokenize(source: string): Token[] {
  const text = withoutComments(source);
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    for (; at < match.index; at++) if (text[at] === '\n') line++;
    tokens.push({ kind: kindOf(match[0], text, match.index), text: match[0], line });
  }
  return tokens;
}

function kindOf(token: string, text: string, index: number): Token['kind'] {
  if (token.startsWith('"') || token.startsWith("'")) return 'string';
  if (/^\w/.test(token)) return 'word';
  if (token.startsWith('#') && startsLine(text, index)) return 'directive';
  return 'punctuation';
}

function startsLine(text: string, index: number): boolean {
  return text.slice(text.lastIndexOf('\n', index - 1) + 1, index).trim() === '';
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

/** Index after the bracket that closes the one at `open`, or the end of the tokens. */
export function afterBracket(tokens: readonly Token[], open: number): number {
  const stack: string[] = [];
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = tokens[i] ?? { kind: 'word', text: '' };
    if (kind !== 'punctuation') continue;
    const closing = CLOSING[text];
    if (closing !== undefined) stack.push(closing);
    else if (text === stack.at(-1)) stack.pop();
    if (stack.length === 0) return i + 1;
  }
  return tokens.length;
}

/** Splits at `separator` outside brackets. The last part is there even when it is empty. */
export function splitAt(tokens: readonly Token[], separator: string): Token[][] {
  const parts: Token[][] = [[]];
  for (let i = 0; i < tokens.length; ) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.kind === 'punctuation' && token.text === separator) {
      parts.push([]);
      i++;
      continue;
    }
    const opens = token.kind === 'punctuation' && token.text in CLOSING;
    const end = opens ? afterBracket(tokens, i) : i + 1;
    parts.at(-1)?.push(...tokens.slice(i, end));
    i = end;
  }
  return parts;
}

/** Tokens as C again, for a compiler or a message. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join(' ');
}
