import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonValue } from '../base/json.ts';
import { version } from '../base/version.ts';
import { produceHandover } from '../first-kernel/produce.ts';
import type { SaidSession } from '../first-kernel/said.ts';
import { ownStage } from '../first-kernel/stage.ts';
import { writeImageDirectory } from '../formats/directory.ts';
import type { Party } from './party.ts';

export interface ProducerOptions {
  /** Where handovers are kept, by what they were made of. */
  readonly folder: string;
  /** More kernel command line, of first and next kernels. */
  readonly cmdline?: string | undefined;
  /** Bytes of guest memory. */
  readonly memory?: bigint | undefined;
  /** Seconds for one first kernel. */
  readonly timeout: number;
  readonly cc?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a kernel handed over. */
export interface Producer {
  /** Directory of the image; undefined where the kernel hands nothing over. */
  readonly directory: string | undefined;
  /** The step that failed, and what to add; or what it goes without. */
  readonly notes: readonly string[];
  readonly sessions: readonly SaidSession[];
}

/** Addresses and sizes are texts in JSON. */
const number = z.string().transform(BigInt);
const kept = z.object({
  failed: z.boolean(),
  notes: z.array(z.string()),
  sessions: z.array(
    z.object({
      name: z.string(),
      error: z.string().optional(),
      files: z.array(
        z.object({
          token: number,
          size: number,
          position: number,
          seals: z.number(),
          sha256: z.string(),
        }),
      ),
      errors: z.array(z.object({ token: number, error: z.string() })),
    }),
  ),
});

/**
 * What a kernel hands over: made once, and taken from the folder from then on.
 * @throws KhoforgeError of produceHandover() and writeImageDirectory()
 */
export async function producerOf(party: Party, options: ProducerOptions): Promise<Producer> {
  const { folder, cmdline, memory, timeout, cc, signal } = options;
  const made = JSON.stringify([version(), party.sha256, ownStage, cmdline, memory], jsonValue);
  const key = createHash('sha256').update(made).digest('hex').slice(0, 16);
  const directory = join(folder, key);
  const record = `${directory}.json`;
  if (existsSync(record)) return fromRecord(record, directory);
  mkdirSync(folder, { recursive: true });
  await produceHandover(
    {
      kernel: party.path,
      timeout,
      room: folder,
      ...(cmdline !== undefined && { cmdline }),
      ...(memory !== undefined && { memory }),
      ...(cc !== undefined && { cc }),
      ...(signal && { signal }),
    },
    ({ image, steps, sessions }) => {
      const notes = steps.flatMap(({ name, state, text, add }) =>
        state === 'done' ? [] : `${name}: ${text}${add ? `; add to the ${add.to}: ${add.line}` : ''}`,
      );
      if (image) writeImageDirectory(image, directory, { force: true });
      // After the image, so that a record is of a whole one.
      writeFileSync(record, JSON.stringify({ failed: !image, notes, sessions }, jsonValue, 2));
    },
  );
  return fromRecord(record, directory);
}

function fromRecord(record: string, directory: string): Producer {
  const { failed, notes, sessions } = kept.parse(JSON.parse(readFileSync(record, 'utf8')));
  return {
    directory: failed ? undefined : directory,
    notes,
    sessions: sessions.map(({ error, ...session }) => ({
      ...session,
      ...(error !== undefined && { error }),
    })),
  };
}
