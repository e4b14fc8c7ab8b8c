import { describeTarget } from '../abi/target.ts';
import type { Produced } from '../first-kernel/produce.ts';
import type { Step } from '../first-kernel/steps.ts';
import type { Inspection } from '../receive/decode.ts';
import { captured, captureFacts, captureHead } from './capture.ts';
import { toJson } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';
import { failedStep, stepHints, stepTest, stepText } from './steps.ts';
import { type Tree, treeText } from './tree.ts';

/** What came of a first kernel, and where it is. */
export interface ProducedPlaces {
  /** Path of the kernel. */
  readonly kernel: string;
  /** Path of the image, where one was written. */
  readonly directory: string | undefined;
  /** Path of the console. */
  readonly console: string;
  /** Of the image. */
  readonly inspection: Inspection | undefined;
}

export function producedText(produced: Produced, places: ProducedPlaces): string[] {
  const { image, steps, seconds } = produced;
  const { kernel, directory, console, inspection } = places;
  const facts = image && inspection ? captureFacts(image, inspection, directory ?? kernel) : [];
  const failed = failedStep(produced);
  return treeText({
    text:
      image && directory !== undefined
        ? captureHead(image, directory)
        : `${kernel} hands nothing over: ${failed?.name ?? 'nothing'} failed`,
    children: [
      ...steps.map(stepTree),
      ...facts.map((text) => ({ text })),
      { text: `${seconds.toFixed(1)} s; console: ${console}` },
    ],
  });
}

function stepTree(step: Step): Tree {
  return { text: stepText(step), children: stepHints(step).map((text) => ({ text })) };
}

/** A test for each step. */
export function producedKtap({ steps }: Produced, { console }: ProducedPlaces): string[] {
  return ktap(
    steps.map((step): KtapTest => {
      const { diagnostics = [], ...test } = stepTest(step);
      const where = step.state === 'failed' ? [`console: ${console}`] : [];
      return { ...test, diagnostics: [...diagnostics, ...where] };
    }),
  );
}

/** Also the document `produced.json` beside the image. */
export function producedJson(produced: Produced, places: ProducedPlaces): string {
  const { kernel, cmdline, steps, sessions, seconds, image } = produced;
  const { directory, console, inspection } = places;
  return toJson('produce', 1, {
    directory: directory ?? null,
    kernel: { path: places.kernel, ...kernel },
    cmdline,
    steps,
    sessions,
    handover: image && {
      target: describeTarget(image.target),
      generation: image.target.generation.name,
      bootRecord: image.bootRecord,
      captured: captured(image),
      preserved: inspection?.walk?.bytes ?? 0n,
      subtrees: inspection?.subtrees.map(({ name }) => name) ?? [],
      problems: inspection?.problems ?? [],
    },
    console,
    seconds,
  });
}
