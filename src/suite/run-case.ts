import { join } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import { type BootResult, bootImage } from '../boot/boot-image.ts';
import { buildInitrd } from '../guest/initrd.ts';
import { RECEIVERS } from '../kernel/receivers.ts';
import { buildLoaded } from '../produce/build-image.ts';
import { specTarget } from '../produce/spec-machine.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';
import { isSame } from './compare.ts';
import type { SuiteKernel } from './kernel.ts';
import { outcomeOf } from './outcome.ts';

export interface CaseOptions {
  /** Where its console log goes. */
  readonly folder: string;
  /** Seconds for one boot. */
  readonly timeout: number;
  /** Compiler of the init of the guest, as in `--cc`. */
  readonly cc?: string | undefined;
  /** Runs of each, beside those that a doubt asks for. */
  readonly repeat: number;
  readonly signal?: AbortSignal | undefined;
}

/** Seconds of processor time between two lines that count as a hang: a good boot takes about one in all. */
const STALL = 8;
/** Boots on a host that is too slow for them. */
const MAX_SLOW = 3;

/** Why a case says nothing of this kernel; undefined where it does. */
export function whyNot({ text, loaded }: Case, kernel: SuiteKernel): string | undefined {
  const { arch, pageSize, release } = kernel;
  const own = loaded.spec.target ? specTarget(loaded.spec) : kernel.target;
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
  if (recorded && !isSame(recorded, first) && outcomes.length === 1) outcomes.push(await run());
  const others = outcomes.filter((outcome) => !isSame(first, outcome));
  return others.length === 0 ? first : { ...first, flaky: others.map(({ fate }) => fate) };
}

function caseRun(one: Case, kernel: SuiteKernel, options: CaseOptions): () => Promise<Outcome> {
  const { text, loaded } = one;
  const image = buildLoaded(loaded, loaded.spec.target ? {} : { target: kernel.target });
  const initrd = text.user && buildInitrd({ arch: kernel.arch, plan: text.user, cc: options.cc });
  const boot = () =>
    bootImage(image, {
      kernel: kernel.bytes,
      lean: true,
      timeout: options.timeout,
      silence: options.timeout,
      stall: STALL,
      logPath: join(options.folder, `${one.name.replaceAll('/', '--')}.log`),
      force: true,
      ...(text.cmdline !== undefined && { cmdline: text.cmdline }),
      ...(initrd && { initrd }),
      ...(options.signal && { signal: options.signal }),
    });
  return async () => outcomeOf(await sureBoot(boot), kernel.version);
}

/** A host that is busy says nothing of the kernel. @throws the last `HOST_TOO_SLOW` */
async function sureBoot(boot: () => Promise<BootResult>): Promise<BootResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await boot();
    } catch (error) {
      const isSlow = error instanceof KhoforgeError && error.code === 'HOST_TOO_SLOW';
      if (!isSlow || tries === MAX_SLOW) throw error;
    }
  }
}
