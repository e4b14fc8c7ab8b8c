import { join } from 'node:path';
import type { Target } from '../abi/target.ts';
import { RECEIVERS } from '../kernel/receivers.ts';
import type { BuiltImage } from '../produce/assembly.ts';
import { buildLoaded, loadedTarget } from '../produce/build-image.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import { bootOnce, type OnceOptions } from './boot-once.ts';
import type { Case } from './catalogue.ts';
import { isSame } from './compare.ts';
import type { SuiteKernel } from './kernel.ts';
import { outcomeOf } from './outcome.ts';
import type { Traced, TracedBoot } from './traced.ts';

export interface CaseOptions extends OnceOptions {
  /** Where its console log goes. */
  readonly folder: string;
  /** Runs of each, beside those that a doubt asks for. */
  readonly repeat: number;
  /** Says which lines of the kernel were run. */
  readonly traced?: Traced | undefined;
}

/** What the console of a case is kept in. */
export const logName = (name: string): string => `${name.replaceAll('/', '--')}.log`;

/** What decides whether a case says something of a kernel. */
type AskedKernel = Pick<SuiteKernel, 'arch' | 'pageSize' | 'release' | 'target'>;

/** What a case is made for: what it says itself, else what the kernel takes. */
const caseTarget = ({ loaded }: Case, { target }: AskedKernel): Target =>
  loaded.spec.target ? loadedTarget(loaded) : target;

/** The handover of a case. @throws KhoforgeError of buildLoaded() */
export const caseImage = (one: Case, kernel: AskedKernel): BuiltImage =>
  buildLoaded(one.loaded, { target: caseTarget(one, kernel) });

/** Why a case says nothing of this kernel; undefined where it does. */
export function whyNot(one: Case, kernel: AskedKernel): string | undefined {
  const { text } = one;
  const { arch, pageSize, release } = kernel;
  const own = caseTarget(one, kernel);
  const wanted = text.arch ?? own.arch;
  if (wanted !== arch) return `it is for ${wanted}`;
  const size = text.page_size ?? BigInt(own.pageSize);
  if (size !== BigInt(pageSize)) return `it is for pages of ${size >> 10n} KiB`;
  const releases = text.releases ?? RECEIVERS;
  return releases.includes(release) ? undefined : `it is for ${releases.join(', ')}`;
}

/**
 * What the kernel makes of a case.
 * @param recorded what it, or its release, made of it before: another outcome is looked at twice
 * @throws KhoforgeError of buildLoaded(), buildInitrd() and bootImage()
 */
export async function runCase(
  one: Case,
  kernel: SuiteKernel,
  recorded: Outcome | undefined,
  options: CaseOptions,
): Promise<Outcome> {
  const run = caseRun(one, kernel, options);
  const first = await run();
  const outcomes = [first];
  for (let i = 1; i < options.repeat; i++) outcomes.push(await run());
  const isDoubted = recorded !== undefined && !isSame(recorded, first) && outcomes.length === 1;
  // A traced boot is for what it runs, not for what it comes to.
  if (isDoubted && !options.traced) outcomes.push(await run());
  const others = outcomes.filter((outcome) => !isSame(first, outcome));
  return others.length === 0 ? first : { ...first, flaky: others.map(({ fate }) => fate) };
}

function caseRun(one: Case, kernel: SuiteKernel, options: CaseOptions): () => Promise<Outcome> {
  const { text } = one;
  const image = caseImage(one, kernel);
  const path = join(options.folder, logName(one.name));
  const boot = (more: Partial<TracedBoot> = {}) =>
    bootOnce(image, kernel, text, options, { logPath: path, ...more });
  const { traced } = options;
  const run = traced ? () => traced.boot(`${path}.trace`, boot) : boot;
  return async () => outcomeOf(await run(), kernel.version);
}
