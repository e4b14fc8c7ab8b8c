import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { Judge } from '../boot/verdict.ts';
import { consoleLines } from '../guest/console.ts';
import type { RunEnd } from '../guest/events.ts';
import type { Image } from '../model/image.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import { outcomeOfLines } from '../suite/outcome.ts';
import type { Answer, SimulatorPool } from './process.ts';
import { requestOf, type Setting } from './request.ts';

/** What the compiled files made of a handover. */
export interface Simulated {
  readonly outcome: Outcome;
  readonly console: Buffer;
  /** What sanitizers say of the kernel's own code: one line for each place, without addresses. */
  readonly faults: readonly string[];
  /** See Answer. */
  readonly ran: readonly number[];
}

/** Seconds of processor time after which it hangs (src/simulator/stub/serve.c: PATIENCE). */
const PATIENCE = 10;

/**
 * Has the compiled files of a tree receive an image.
 * @param kernel release, e.g. `7.3.4`
 * @throws KhoforgeError of requestOf() and SimulatorPool.ask()
 */
export async function simulate(
  pool: Pick<SimulatorPool, 'ask'>,
  image: Image,
  setting: Setting,
  kernel: string,
): Promise<Simulated> {
  const answer = await pool.ask(requestOf(image, setting));
  const all = consoleLines(answer.console);
  if (answer.end === 'lost') throw lost(all);
  const report = all.findIndex((line) => REPORT.test(line));
  const said = report < 0 ? all : all.slice(0, report);
  const lines = said.filter((line) => !UBSAN.test(line));
  const judge = new Judge({ initrd: true });
  for (const line of lines) judge.line(line);
  if (answer.end === 'booted') judge.line('reboot: Power down');
  const judgement = judge.finish(endOf(answer));
  return {
    outcome: outcomeOfLines(lines, judgement, kernel),
    console: answer.console,
    faults: faultsOf(all),
    ran: answer.ran,
  };
}

/** What AddressSanitizer says last, however long it is. */
const REPORT = /^==\d+==ERROR: AddressSanitizer: /;
const UBSAN = /^\S+:\d+:\d+: runtime error: /;
/** Of the tree's own files, not of the stubs. */
const IN_TREE = /^(?:\.\/)?(?:arch|include|kernel|lib|mm|scripts)\//;
/** What is no memory of the kernel's own, such as `unknown-crash`, is a fault as without a sanitizer. */
const ASAN =
  /^==\d+==ERROR: AddressSanitizer: (?=heap-|stack-|global-|dynamic-|use-after-|double-free|attempting|alloc|memcpy-|negative-)/;

function endOf({ end }: Answer): RunEnd {
  return end === 'hung' ? { kind: 'stalled', seconds: PATIENCE } : { kind: 'exit' };
}

function faultsOf(lines: readonly string[]): string[] {
  const undefinedThings = lines
    .filter((line) => UBSAN.test(line) && IN_TREE.test(line))
    .map((line) => line.replace(/:\d+: runtime error: .*/, withoutNumbers));
  const at = lines.findIndex((line) => ASAN.test(line));
  if (at < 0) return [...new Set(undefinedThings)];
  const kind = /AddressSanitizer: (\S+)/.exec(lines[at] ?? '')?.[1] ?? 'error';
  const frame = lines.slice(at).find((line) => /^\s+#\d+ .* in \w+ (?:kernel|mm|lib|scripts)\//.test(line));
  const where = /in (\w+) (\S+?)(?::\d+)?$/.exec(frame ?? '');
  return [
    ...new Set([
      ...undefinedThings,
      `AddressSanitizer: ${kind} in ${where?.[1] ?? '?'} ${where?.[2] ?? ''}`.trim(),
    ]),
  ];
}

/** The column goes, and what a value was: a line of code is one fault. */
const withoutNumbers = (text: string): string =>
  text.replace(/^:\d+/, '').replace(/-?\b(?:0x[0-9a-f]+|\d+)\b(?!-bit)/g, 'N');

function lost(lines: readonly string[]): KhoforgeError {
  const why = lines.findLast((line) => line.startsWith('simulator: ')) ?? 'it ended without a word';
  return new KhoforgeError('SIMULATOR_FAILED', why, { exitCode: ExitCode.couldNotRun });
}
