import { z } from 'zod';
import { ARCHES } from '../abi/arch.ts';
import { size, text } from '../base/spec-values.ts';
import { isPlanLine, PLAN_COMMANDS, planWords } from '../guest/plan.ts';

export const VERDICTS = ['revived', 'rejected', 'ignored', 'broken'] as const;

/** What became of the handover, and of the kernel that it was handed to. */
export const FATES = ['revives', 'refuses', 'ignores', 'warns', 'dies'] as const;
export type Fate = (typeof FATES)[number];

/** Init reads a plan line by line; other bytes are written as \\xHH. */
const isOneLine = (line: string) => !/\p{Cc}/u.test(line);

/** A slip of the hand would be a line that init only complains of, and an outcome that says nothing. */
const planLine = text('a command of init')
  .refine(isOneLine, { error: () => 'one line without control characters' })
  .superRefine((line, context) => {
    if (!isOneLine(line) || isPlanLine(line)) return;
    const [command = ''] = planWords(line);
    const known = Object.keys(PLAN_COMMANDS);
    const message = known.includes(command)
      ? `as many words as ${command} has (src/guest/init/init.c)`
      : `a command of init: ${known.join(', ')}`;
    context.addIssue({ code: 'custom', message, input: line, params: { word: command, known } });
  });

const oneOf = <T extends string>(names: readonly [T, ...T[]]) =>
  z.enum(names, { error: () => names.join(', ') });

export const outcomeSchema = z
  .strictObject({
    kernel: text('release of the kernel that did it, e.g. 7.3.4'),
    fate: oneOf(FATES),
    verdict: oneOf(VERDICTS),
    reason: text('why, with the line that decided'),
    lines: z
      .array(text('a line'))
      .meta({ description: 'what the kernel said of it, in order, without stamps' }),
    user: z.array(text('a line')).optional().meta({ description: 'what user space saw' }),
    flaky: z
      .array(oneOf(FATES))
      .optional()
      .meta({ description: 'what other runs of the same came to: the outcome is a matter of chance' }),
  })
  .meta({ description: 'what a real kernel made of it' });

const kernelKey = (what: string) => text(`${what}, by its key in outcomes: '7.1'`).optional();

/** What makes a spec a case of the catalogue. */
export const caseSchema = z
  .strictObject({
    about: text('one sentence: what is handed over'),
    why: text('why it matters'),
    handover: oneOf(['good', 'bad']).meta({
      description:
        'whether a kernel should take all of it: good; bad: something is wrong, and better refused',
    }),
    releases: z
      .array(text("a release, e.g. '7.3'"))
      .min(1)
      .optional()
      .meta({ description: 'kernels that it is for; default: all that khoforge knows' }),
    arch: z
      .enum(ARCHES, { error: () => ARCHES.join(' or ') })
      .optional()
      .meta({
        description: 'the architecture that it is for; default: each',
      }),
    page_size: size.optional().meta({ description: 'the page size that it is for; default: each' }),
    cmdline: text('more kernel command line').optional(),
    user: z.array(planLine).optional().meta({
      description: 'what user space does, in the words of src/guest/init/init.c; default: there is none',
    }),
    bug: z
      .strictObject({
        about: text('what goes wrong'),
        fixed: text('what ends it: the change, and the first release with it').optional(),
        before: kernelKey('a recorded kernel that has the bug'),
        after: kernelKey('a recorded kernel that has it no more'),
      })
      .optional()
      .meta({ description: 'a bug of some receivers that this shows' }),
    outcomes: z.record(z.string(), outcomeSchema).optional().meta({
      description:
        "by kernel: '7.3', '7.3 arm64 16K', or its --name. Written by `khoforge suite --record`, by nobody else",
    }),
  })
  .meta({ description: 'makes the spec a case of the catalogue; building it takes no notice' });

export type CaseText = z.output<typeof caseSchema>;
export type Outcome = z.output<typeof outcomeSchema>;
