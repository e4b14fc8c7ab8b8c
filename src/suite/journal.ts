import { z } from 'zod';
import { jsonValue } from '../base/json.ts';
import { type Outcome, outcomeSchema } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';
import type { SuiteKernel } from './kernel.ts';
import { logHead, RunLog, readRun, refuseOtherShard, sha256 } from './run-log.ts';
import { type Shard, WHOLE } from './shard.ts';

const asked = { name: z.string(), asked: z.string() };
const answered = z.object({ ...asked, outcome: outcomeSchema });
/** Another time it may be answered. */
const unanswered = z.object({ ...asked, kind: z.enum(['skipped', 'failed']), why: z.string() });

export const caseEntry = z.union([answered, unanswered]);
export type CaseEntry = z.output<typeof caseEntry>;

/** What the suite found so far, kept as it is found, in a folder beside the consoles. */
export class Journal {
  readonly #log: RunLog<CaseEntry>;
  readonly #known: ReadonlyMap<string, CaseEntry>;

  /**
   * @param folder is made where it is not there
   * @param resume takes what an earlier run of the same kernel found
   * @param filter which cases are asked: merge reports no others
   * @throws KhoforgeError `OUTPUT_EXISTS` for a folder that is not of a run; `OUTPUT_FAILED`; of refuseOtherShard()
   */
  constructor(
    folder: string,
    kernel: SuiteKernel,
    resume: boolean,
    shard: Shard = WHOLE,
    filter: readonly string[] = [],
  ) {
    const head = logHead('suite', kernel, filter.length > 0 ? { filter: filter.join(' ') } : {}, shard);
    const kept = resume ? readRun(folder, caseEntry) : undefined;
    const isOfKernel = kept?.head.kernel.sha256 === head.kernel.sha256;
    if (isOfKernel) refuseOtherShard(folder, kept.head, shard);
    this.#log = new RunLog(folder, head, isOfKernel ? kept.entries : []);
    this.#known = new Map(this.#log.before.map((one) => [one.name, one]));
  }

  /** What an earlier run found for the same question. */
  find(one: Case): Outcome | undefined {
    const known = this.#known.get(one.name);
    return known && 'outcome' in known && known.asked === digestOf(one) ? known.outcome : undefined;
  }

  add(one: Case, outcome: Outcome): void {
    this.#log.add({ name: one.name, asked: digestOf(one), outcome });
  }

  /** Why there is no answer. */
  addUnanswered(one: Case, { kind, why }: Pick<z.output<typeof unanswered>, 'kind' | 'why'>): void {
    this.#log.add({ name: one.name, asked: digestOf(one), kind, why });
  }
}

/** All of a case but what kernels answered. */
export function digestOf({ loaded: { spec } }: Case): string {
  return sha256(JSON.stringify({ ...spec, case: { ...spec.case, outcomes: undefined } }, jsonValue));
}
