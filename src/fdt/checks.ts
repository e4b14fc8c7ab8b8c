import { KhoforgeError } from '../base/errors.ts';

/**
 * What no valid tree has and the writers refuse, each with its meaning. Any of them can be allowed by name to make
 * a bad tree on purpose; libfdt itself checks none of these, except duplicate nodes when it edits.
 */
export const FDT_CHECKS = {
  'fdt-duplicate-property': 'two properties of one node have the same name',
  'fdt-duplicate-node': 'two children of one node have the same name',
  'fdt-named-root': 'the root node has a name',
  'fdt-second-root': 'a node follows the end of the root node',
  'fdt-property-after-node': 'a property follows a child of its node',
  'fdt-property-outside-node': 'a property stands outside every node',
  'fdt-end-without-begin': 'a node ends that was not begun',
  'fdt-unclosed-node': 'the tree finishes with a node still open',
  'fdt-empty-tree': 'the tree has no root node',
  'fdt-node-name': "a node name is empty, has two '@' or a character other than A-Z a-z 0-9 , . _ + - @",
  'fdt-property-name': 'a property name is empty or has a character other than A-Z a-z 0-9 , . _ + * # ? -',
  'fdt-nul-in-string': 'a name or string holds a NUL, where C ends it',
  'fdt-empty-reservation': 'a reserve entry has size 0, which ends the map for its readers',
} as const;

/** Name of a check; also the word by which it is allowed. */
export type FdtCheck = keyof typeof FDT_CHECKS;

/** The error code of a check: `fdt-named-root` is refused as `FDT_NAMED_ROOT`. */
export function checkCode(check: FdtCheck): string {
  return check.toUpperCase().replaceAll('-', '_');
}

/** What both writers are given. */
export interface FdtWriterOptions {
  /** Checks to waive, so that a bad tree can be made on purpose. What libfdt would write is written. */
  allow?: Allowed;
  /** What the tree is, for errors, e.g. `root-fdt`; default `fdt`. */
  label?: string;
}

/** Is asked for a check when a tree breaks it. */
export type Allowed = Pick<ReadonlySet<FdtCheck>, 'has'>;

/** Refuses by name, unless allowed. */
export class Refusals {
  readonly #allow: Allowed;

  constructor(allow: Allowed = new Set()) {
    this.#allow = allow;
  }

  /** @throws KhoforgeError with `checkCode(check)`, unless the check is allowed */
  refuse(check: FdtCheck, text: string, path: string): void {
    if (this.#allow.has(check)) return;
    const hint = `a bad tree on purpose? allow '${check}'`;
    throw new KhoforgeError(checkCode(check), text, { where: { path }, hint, checks: [check] });
  }
}

// The characters that dtc accepts (scripts/dtc/checks.c, 7.3: NODECHARS, PROPCHARS); the Devicetree Specification,
// 2.2.1 and 2.2.4.1, has the same but for '*'. Neither libfdt nor Linux sets a length, so neither do we.
const NAMES = {
  node: /^[A-Za-z0-9,._+-]*(@[A-Za-z0-9,._+-]*)?$/,
  property: /^[A-Za-z0-9,._+*#?-]*$/,
} as const;

/**
 * The bytes of a name, without the terminating NUL: one byte per character.
 * @throws KhoforgeError `FDT_NAME_NOT_BYTES` for a character above U+00FF, which cannot be allowed
 */
export function nameBytes(kind: keyof typeof NAMES, name: string, refusals: Refusals, path: string): Buffer {
  const text = cutAtNul(`${kind} name`, name, refusals, path);
  if (/[^\0-\xff]/.test(text)) {
    throw new KhoforgeError('FDT_NAME_NOT_BYTES', `${kind} name '${text}' has a character above U+00FF`, {
      where: { path },
      hint: 'one character of a name is one byte: give the bytes of another encoding one by one',
    });
  }
  if (text === '' || !NAMES[kind].test(text)) {
    const check = `fdt-${kind}-name` as const;
    refusals.refuse(check, `${kind} name '${text}' is not valid: ${FDT_CHECKS[check]}`, path);
  }
  return Buffer.from(text, 'latin1');
}

/** A C string ends at its first NUL; refuses text that goes on after it, or returns what C would see. */
export function cutAtNul(what: string, text: string, refusals: Refusals, path: string): string {
  const end = text.indexOf('\0');
  if (end < 0) return text;
  refusals.refuse('fdt-nul-in-string', `${what} '${text.replaceAll('\0', '\\0')}' holds a NUL`, path);
  return text.slice(0, end);
}
