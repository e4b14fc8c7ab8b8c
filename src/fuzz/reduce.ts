import type { Attempt } from './attempt.ts';
import { groupOf, groupOfBug, groupOfFault } from './group.ts';
import type { Mutation } from './mutation.ts';

/** Mutations, and what came of them. */
export interface Shown {
  readonly mutations: readonly Mutation[];
  readonly attempt: Attempt;
}

/** The cause that an attempt shows. */
export function groupOfAttempt(attempt: Attempt): string | undefined {
  if (attempt.kind === 'differs') return groupOf(attempt.difference);
  if (attempt.kind === 'fault') return groupOfFault(attempt.why);
  return attempt.kind === 'bug' ? groupOfBug(attempt.why) : undefined;
}

/**
 * Takes out every mutation without which the same shows: none may be left, where the base itself shows it.
 * @param ask what comes of other mutations of the same base
 */
export async function reduce(
  shown: Shown,
  ask: (mutations: readonly Mutation[]) => Promise<Attempt>,
): Promise<Shown> {
  const group = groupOfAttempt(shown.attempt);
  let least = shown;
  for (let at = 0; at < least.mutations.length; ) {
    const mutations = least.mutations.filter((_, i) => i !== at);
    const attempt = await ask(mutations);
    if (groupOfAttempt(attempt) === group) least = { mutations, attempt };
    else at++;
  }
  return least;
}
