import { z } from 'zod';
import { type ErrorLine, KhoforgeError } from '../base/errors.ts';
import { pathText } from '../base/spec-path.ts';
import { didYouMean } from '../base/suggest.ts';
import { keysAt } from './json-schema.ts';
import { type ParsedSpec, type Spec, specSchema } from './schema.ts';

/** Keys of an object that are listed. */
const SHOWN_KEYS = 8;

/** Characters of a text that are shown. */
const SHOWN_TEXT = 80;

/** Of what is wrong with a spec, no more is listed. */
const MAX_PROBLEMS = 20;

/**
 * Checks a spec and gives its sizes and addresses as bigint.
 * @throws KhoforgeError `SPEC_INVALID` naming each wrong path, its value and what was expected
 */
export function parseSpec(spec: Spec): ParsedSpec {
  const result = specSchema.safeParse(spec, { reportInput: true });
  if (result.success) return result.data;
  const problems = withoutFollowUps(result.error.issues).flatMap((issue) => describe(issue, spec));
  const rest = problems.length - MAX_PROBLEMS;
  const hint = problems.find((problem) => problem.hint !== undefined)?.hint;
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ path, message, hint: own }): ErrorLine => {
    // That of the first that has one is the error's.
    const way = own === undefined || own === hint ? '' : `; ${own}`;
    return { text: `${message}${way}`, specPath: path };
  });
  throw new KhoforgeError('SPEC_INVALID', rest > 0 ? [...lines, { text: `and ${rest} more` }] : lines, {
    ...(hint !== undefined && { hint }),
  });
}

/** A misspelt key also breaks rules on the whole object; the misspelling is what to tell. */
function withoutFollowUps(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const misspelt = new Set(
    issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? [pathText(issue.path)] : [])),
  );
  return issues.filter((issue) => issue.code !== 'custom' || !misspelt.has(pathText(issue.path)));
}

interface Problem {
  path: PropertyKey[];
  message: string;
  hint?: string;
}

function describe(issue: z.core.$ZodIssue, spec: unknown): Problem[] {
  const inner = issue.code === 'invalid_union' ? insideOf(issue) : undefined;
  if (inner) return inner.flatMap((one) => describe(one, spec));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `${pathText([...issue.path, key])}: no such key`,
      ...didYouMean(key, keysAt(issue.path)),
    }));
  }
  const value = valueAt(spec, issue.path);
  const shown = value === undefined ? 'missing' : shownValue(value);
  return [
    {
      path: [...issue.path],
      message: `${pathText(issue.path)}: ${shown}: expected ${expected(issue)}`,
      ...nearestOf(issue, value),
    },
  ];
}

/** The nearest word of those that could be there. */
function nearestOf(issue: z.core.$ZodIssue, value: unknown): { hint?: string } {
  if (issue.code === 'invalid_value' && typeof value === 'string')
    return didYouMean(value, issue.values.map(String));
  if (issue.code !== 'custom') return {};
  const { data } = words.safeParse(issue.params);
  return data && !data.known.includes(data.word) ? didYouMean(data.word, data.known) : {};
}

/** What a schema of ours tells of a word that is none of those that are known. */
const words = z.object({ word: z.string(), known: z.array(z.string()) });

/** Of a value that may be one of several: what is wrong in it, where it is the right kind of list or object. */
function insideOf({ errors, path }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const inner = errors.find((issues) => issues.length > 0 && issues.every((one) => one.path.length > 0));
  return inner?.map((one) => ({ ...one, path: [...path, ...one.path] }));
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
};

/** Our schemas word their messages as what was expected; zod's own begin otherwise. */
function expected(issue: z.core.$ZodIssue): string {
  const isOwn = !/^Too (?:small|big)/.test(issue.message);
  if (issue.code === 'too_small' && !isOwn) return `at least ${issue.minimum}${thingsOf(issue)}`;
  if (issue.code === 'too_big' && !isOwn) return `at most ${issue.maximum}${thingsOf(issue)}`;
  const own = issue.message.replace(/^Invalid input: expected /, '').replace(/, received .*/, '');
  return TYPES[own] ?? own;
}

/** As people would write it: numbers without quotes, and not more of a list than its length. */
function shownValue(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return String(value).replace(/^(-?)(?:NaN|Infinity)$/, yamlNumber);
  if (typeof value === 'string' && value.length > SHOWN_TEXT)
    return `${JSON.stringify(value.slice(0, SHOWN_TEXT))} and ${value.length - SHOWN_TEXT} characters more`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  const keys = Object.keys(value);
  return `{ ${keys.slice(0, SHOWN_KEYS).join(', ')}${keys.length > SHOWN_KEYS ? ', …' : ''} }`;
}

/** What JavaScript calls NaN and Infinity. */
const yamlNumber = (name: string, sign: string) => (name === 'NaN' ? '.nan' : `${sign}.inf`);

const thingsOf = ({ origin }: { origin: string }) =>
  origin === 'array' ? ' of them' : origin === 'string' ? ' characters' : '';

function valueAt(spec: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = spec;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
