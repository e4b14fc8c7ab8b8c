import type { z } from 'zod';
import { KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { CHECKS } from '../emit/checks.ts';
import { keysAt } from './json-schema.ts';
import { type ParsedSpec, type Spec, specSchema } from './schema.ts';

/** Tells the line of a path in the file that the spec came from. */
export type LineOf = (path: readonly PropertyKey[]) => number | undefined;

/**
 * Checks a spec and gives its sizes and addresses as bigint.
 * @throws KhoforgeError `SPEC_INVALID` naming each wrong path, its value and what was expected
 */
export function parseSpec(spec: Spec, file?: string, lineOf: LineOf = () => undefined): ParsedSpec {
  const result = specSchema.safeParse(spec, { reportInput: true });
  if (result.success) return result.data;
  const problems = withoutFollowUps(result.error.issues).flatMap((issue) => describe(issue, spec));
  const first = problems[0];
  const text = problems.map(({ path, message }) => {
    const line = lineOf(path);
    const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
    return `${place}${message}`;
  });
  const line = first && lineOf(first.path);
  throw new KhoforgeError('SPEC_INVALID', text, {
    where: {
      spec: first ? pathText(first.path) : '',
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    },
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
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
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `${pathText([...issue.path, key])}: no such key`,
      ...didYouMean(key, keysAt(issue.path)),
    }));
  }
  const value = valueAt(spec, issue.path);
  const shown = value === undefined ? 'missing' : JSON.stringify(value, printable);
  const wrongCheck = issue.path[0] === 'allow' && typeof value === 'string';
  return [
    {
      path: [...issue.path],
      message: `${pathText(issue.path)}: ${shown}: expected ${expected(issue)}`,
      ...(wrongCheck ? didYouMean(value, Object.keys(CHECKS)) : {}),
    },
  ];
}

/** Our schemas word their messages as what was expected; zod's own begin otherwise. */
function expected(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid input: expected /, '').replace(/, received .*/, '');
}

const printable = (_key: string, value: unknown) =>
  typeof value === 'bigint'
    ? value.toString()
    : value instanceof Uint8Array
      ? `${value.length} bytes`
      : value;

/** `subtrees[0].kho_test.seed` */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'the spec';
}

function valueAt(spec: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = spec;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
