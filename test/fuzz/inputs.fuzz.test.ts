import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { commandLines, dumps, type Input, images, specs } from './inputs.ts';
import { type Outcome, Runner } from './runner.ts';

/*
 * Whatever it is given, khoforge answers with one of its exit codes, in words that a terminal can show, within the
 * budget of SECURITY.md, and leaves nothing behind. KHOFORGE_FUZZ_SECONDS=3600 KHOFORGE_FUZZ_SEED=7 npm run fuzz
 * goes on for an hour; what broke is kept in out/fuzz.
 */

const SECONDS = Number(process.env.KHOFORGE_FUZZ_SECONDS ?? 60);
const SEED = Number(process.env.KHOFORGE_FUZZ_SEED ?? 1);

/** Of processor time, for inputs of some hundred kilobytes; contents that a spec asks for are made and written. */
const MILLISECONDS = { specs: 60_000, images: 4_000, dumps: 4_000, 'command lines': 4_000 } as const;
const MEBIBYTES = 300;

const KINDS = { specs, images, dumps, 'command lines': commandLines } as const;

const runner = new Runner();
const said: string[] = [];
afterAll(() => {
  runner.close();
  console.log(said.join('\n'));
});

/** Controls other than tabs and line breaks, and what turns text round. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** What is wrong with what came of an input. */
function faults({ code, said, milliseconds, mebibytes }: Outcome, limit: number): string[] {
  return [
    ...(typeof code === 'number' && code >= 0 && code <= 4 ? [] : [`exit code ${code}`]),
    ...(/bug in khoforge/.test(said) ? ['calls itself a bug'] : []),
    ...(/\n\s+at .*:\d+:\d+/.test(said) ? ['shows a stack'] : []),
    ...(CONTROLS.test(said) ? [`prints ${JSON.stringify(CONTROLS.exec(said)?.[0])}`] : []),
    ...(milliseconds > limit ? [`takes ${Math.round(milliseconds)} ms`] : []),
    ...(mebibytes > MEBIBYTES ? [`takes ${Math.round(mebibytes)} MiB`] : []),
  ];
}

const MADE = ['in', 'in.yaml'];

async function tried({ args, make }: Input, limit: number): Promise<{ outcome: Outcome; wrong: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-fuzz-'));
  try {
    make(folder);
    const outcome = await runner.run(args, folder);
    // 1 is an answer too: what was asked for is there, and something is wrong with it.
    const named = outcome.code === 0 || outcome.code === 1 ? args : [];
    const left = readdirSync(folder).filter((name) => !MADE.includes(name) && !named.includes(name));
    const wrong = [...faults(outcome, limit), ...left.map((name) => `leaves ${name}`)];
    if (wrong.length > 0) keep(folder, outcome, wrong);
    return { outcome, wrong };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last one kept is what is left after shrinking. */
function keep(folder: string, { args, said }: Outcome, wrong: readonly string[]): void {
  rmSync('out/fuzz', { recursive: true, force: true });
  mkdirSync('out/fuzz', { recursive: true });
  cpSync(folder, 'out/fuzz', { recursive: true });
  writeFileSync('out/fuzz/command.txt', `khoforge ${args.join(' ')}\n${wrong.join('\n')}\n\n${said}`);
}

/** Milliseconds beside the time that is asked for. */
const HANGS = 900_000;

describe('khoforge', () => {
  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])(
    'stands %s',
    async (kind) => {
      let [count, slowest, largest] = [0, 0, 0];
      let last: Promise<unknown> = Promise.resolve();
      const property = fc.asyncProperty(KINDS[kind], async (input) => {
        const running = tried(input, MILLISECONDS[kind]);
        last = running;
        const { outcome, wrong } = await running;
        count++;
        slowest = Math.max(slowest, outcome.milliseconds);
        largest = Math.max(largest, outcome.mebibytes);
        expect(wrong, `khoforge ${outcome.args.join(' ')}\n${outcome.said.slice(0, 2000)}`).toEqual([]);
      });
      await fc.assert(property, {
        seed: SEED,
        numRuns: Number.MAX_SAFE_INTEGER,
        interruptAfterTimeLimit: (SECONDS * 1000) / Object.keys(KINDS).length,
      });
      // What ran when the time was up.
      await last;
      said.push(`${kind}: ${count} inputs, at most ${Math.round(slowest)} ms and ${Math.round(largest)} MiB`);
      expect(count).toBeGreaterThan(0);
    },
    HANGS + SECONDS * 1000,
  );
});
