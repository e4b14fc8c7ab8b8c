import { parse } from 'yaml';
import { z } from 'zod';
import { KhoforgeError } from '../base/errors.ts';
import { readInput, reason } from '../base/files.ts';
import { type Cell, FATES, type Fate } from './cell.ts';

const fate = z.enum(['all', 'part', 'nothing', 'broken']);
const rule = z.strictObject({
  from: z.string(),
  to: z.string(),
  expect: z.union([fate, z.array(fate).min(1)]),
});
const rules = z.array(rule);

/** What a pair is to come to. Of several that name it the first counts. */
export interface Expectation {
  readonly from: RegExp;
  readonly to: RegExp;
  readonly fates: readonly Fate[];
}

/** Where no file says otherwise. */
export const ALL_ARRIVES: readonly Expectation[] = [{ from: /./, to: /./, fates: ['all'] }];

/** @throws KhoforgeError `FILE_UNREADABLE`, `EXPECT_INVALID` */
export function readExpectations(path: string): Expectation[] {
  const found = rules.safeParse(yamlOf(path));
  if (!found.success) {
    const [issue] = found.error.issues;
    throw invalid(path, `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  return found.data.map(({ from, to, expect }) => ({
    from: glob(from),
    to: glob(to),
    fates: typeof expect === 'string' ? [expect] : expect,
  }));
}

function yamlOf(path: string): unknown {
  try {
    return parse(Buffer.from(readInput(path)).toString('utf8'));
  } catch (cause) {
    if (cause instanceof KhoforgeError) throw cause;
    throw invalid(path, reason(cause).split('\n')[0] ?? '');
  }
}

function invalid(file: string, why: string): KhoforgeError {
  return new KhoforgeError('EXPECT_INVALID', `${file}: ${why}`, {
    where: { file },
    hint: `a list of { from: "7.2*", to: "7.3*", expect: all }, where expect is one or several of ${FATES.join(', ')}`,
  });
}

/** `*` is anything. */
const glob = (text: string) =>
  new RegExp(`^${text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

export interface Judged {
  readonly cell: Cell;
  /** What was expected; undefined where no rule names the pair. */
  readonly fates: readonly Fate[] | undefined;
  readonly ok: boolean;
}

/** A pair that no rule names may come to anything; one that was not tried is not what was expected. */
export function judgeCell(cell: Cell, expectations: readonly Expectation[]): Judged {
  const { fates } = expectations.find(({ from, to }) => from.test(cell.from) && to.test(cell.to)) ?? {};
  const ok = fates === undefined || (cell.real !== undefined && fates.includes(cell.real.fate));
  return { cell, fates, ok };
}
