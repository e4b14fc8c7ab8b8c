import { ARCHES, PAGE_SIZES } from '../../src/abi/arch.ts';
import { makeTarget, type Target } from '../../src/abi/target.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import type { Verification } from '../../src/model/finding.ts';
import { buildLoaded } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Outcome } from '../../src/specfile/case-schema.ts';
import type { Case } from '../../src/suite/catalogue.ts';
import { keyOf } from '../../src/suite/kernel.ts';

/** What was recorded of one case, and what `verify` says of the same. */
export interface Answer {
  readonly key: string;
  readonly predicted: Verification;
  readonly recorded: Outcome;
}

const TARGETS: ReadonlyMap<string, Target> = new Map(
  ARCHES.flatMap((arch) =>
    PAGE_SIZES[arch].flatMap((pageSize) =>
      RECEIVERS.map((release): [string, Target] => [
        keyOf({ release, arch, pageSize }),
        makeTarget({ release, arch, pageSize }),
      ]),
    ),
  ),
);

/** One for each release of which something is recorded: of a kernel with a name of its own `verify` knows nothing. */
export function* answersOf({ text, loaded }: Case): Generator<Answer> {
  for (const [key, recorded] of Object.entries(text.outcomes ?? {})) {
    const target = TARGETS.get(key);
    if (target === undefined) continue;
    const image = buildLoaded(loaded, loaded.spec.target ? {} : { target });
    const [receiver = ''] = key.split(' ');
    const { cmdline = '' } = text;
    yield { key, recorded, predicted: verifyImage(image, { receiver, cmdline }) };
  }
}

/** Lines that are kept of one boot (src/suite/outcome.ts). */
const KEPT = 60;

/** In words what `verify` has otherwise than the kernel; undefined where it is right. */
export function disagreement({ text }: Case, { predicted, recorded }: Answer): string | undefined {
  const { console, ends, certain, verdict } = predicted;
  const { lines, fate } = recorded;
  const wrong = console.slice(0, KEPT).find((line, i) => !lines[i]?.includes(line));
  if (wrong !== undefined) return `the kernel does not say: ${wrong}`;
  const later = lines.slice(console.length);
  const told = predicted.findings.some(({ severity }) => severity !== 'note');
  if (text.user) {
    const isHarmed = later.length > 0 || (recorded.user ?? []).some((line) => DENIED.test(line));
    return ends === 'boots' && isHarmed && !told
      ? `nothing is found: ${later[0] ?? 'user space'}`
      : undefined;
  }
  if (recorded.flaky || !certain) return undefined;
  if (verdict !== recorded.verdict) return `the verdict is ${recorded.verdict}, not ${verdict}`;
  if (ends === 'boots' && later[0] !== undefined) return `the kernel says as well: ${later[0]}`;
  if ((ends === 'dies') !== (fate === 'dies') && ends !== 'open') return `the kernel ${fate}`;
  return undefined;
}

/** What init says where it did not get what was handed over; what was not is ENOENT, as is a device that is not there. */
const DENIED = /: E(?!NOENT)[A-Z0-9]+$|^error (?!.* No such file)/;
