import { ARCHES, PAGE_SIZES } from '../../src/abi/arch.ts';
import { makeTarget, type Target } from '../../src/abi/target.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import type { Verification } from '../../src/model/finding.ts';
import { buildLoaded } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Outcome } from '../../src/specfile/case-schema.ts';
import type { Case } from '../../src/suite/catalogue.ts';
import { keyOf } from '../../src/suite/kernel.ts';
import { type Difference, differenceOf } from '../../src/suite/prediction.ts';

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

/** What `verify` has otherwise than the kernel; undefined where it is right. */
export const disagreement = ({ text }: Case, { predicted, recorded }: Answer): Difference | undefined =>
  differenceOf(predicted, recorded, text.user !== undefined);
