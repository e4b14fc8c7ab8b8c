import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/khoforge.js', import.meta.url));
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const;
/** Milliseconds in which what was killed has cleaned up, on a machine that is busy as well. */
const CLEAN = 20_000;
/** Milliseconds that a command which would not end by itself is given. */
const ENDLESS = 5_000;

/** A command that is killed. It runs in a folder of its own, where its output goes. */
export interface Victim {
  readonly args: readonly string[];
  /** Folder with what is there before: older images. */
  readonly before?: string;
  /** Names that a killed run may leave for the next one to go on with, which is then tried. */
  readonly resumes?: RegExp;
  readonly env?: NodeJS.ProcessEnv;
  /** Command line that the program's is put behind: it replaces itself by the program. */
  readonly through?: readonly string[];
  /** Exit code of a whole run; 0 by default. */
  readonly code?: number;
  /** Does not end by itself. */
  readonly isEndless?: boolean;
}

/** Whole runs: how long they take, and the files that they leave, by their hash. */
interface Reference {
  readonly milliseconds: number;
  readonly files: Readonly<Record<string, string>>;
}

/** Kills commands at random moments and looks at what is left. */
export class Killer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'khoforge-killed-'));
  #runs = 0;

  /**
   * @param seed tells the moments and signals
   * @returns what is left that should not be, a line each run; nothing when all is well
   */
  async kill(victim: Victim, times: number, seed: number): Promise<string[]> {
    const random = generator(seed);
    const reference = await this.#reference(victim);
    const wrong: string[] = [];
    for (let time = 0; time < times; time++) wrong.push(...(await this.#once(victim, reference, random)));
    return wrong;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #reference(victim: Victim): Promise<Reference> {
    if (victim.isEndless) return { milliseconds: ENDLESS, files: {} };
    const place = this.#place(victim);
    const started = performance.now();
    const code = await ended(start(victim, place));
    if (code !== (victim.code ?? 0)) throw new Error(`${victim.args.join(' ')} ends with ${code} by itself`);
    const milliseconds = performance.now() - started;
    return { milliseconds, files: filesIn(place.work) };
  }

  async #once(victim: Victim, { milliseconds, files }: Reference, random: () => number): Promise<string[]> {
    const place = this.#place(victim);
    const before = filesIn(place.work);
    const signal = SIGNALS[Math.floor(random() * SIGNALS.length)] ?? 'SIGKILL';
    const delay = Math.round(random() * milliseconds);
    const child = start(victim, place);
    const end = ended(child);
    await Promise.race([sleep(delay), end]);
    const isOver = child.exitCode !== null;
    child.kill(signal);
    await end;
    if (victim.isEndless && isOver) return [`${victim.args.slice(0, 2).join(' ')} ended by itself`];
    const isOk = (left: Left) => left.processes.length + left.temporary.length === 0 && isWhole(left);
    const isWhole = ({ files: now }: Left) => {
      const kept = Object.entries(now).filter(([name]) => victim.resumes?.test(name) !== true);
      return same(Object.fromEntries(kept), before) || same(Object.fromEntries(kept), files);
    };
    let left = leftIn(place);
    for (const deadline = performance.now() + CLEAN; !isOk(left) && performance.now() < deadline; ) {
      await sleep(50);
      left = leftIn(place);
    }
    const how = `${victim.args.slice(0, 2).join(' ')}: ${signal} after ${delay} ms`;
    if (!isOk(left)) return [`${how} left ${JSON.stringify(left)}`];
    if (Object.keys(left.files).some((name) => victim.resumes?.test(name) === true)) {
      await ended(start(victim, place));
      if (!same(filesIn(place.work), files))
        return [`${how}: the next run made ${JSON.stringify(leftIn(place))}`];
    }
    rmSync(place.folder, { recursive: true });
    return [];
  }

  #place({ before }: Victim): Place {
    const folder = join(this.#folder, String(this.#runs++));
    const place = { folder, work: join(folder, 'work'), temporary: join(folder, 'tmp') };
    for (const path of [place.folder, place.work, place.temporary]) mkdirSync(path);
    if (before !== undefined) cpSync(before, place.work, { recursive: true });
    return place;
  }
}

interface Place {
  readonly folder: string;
  /** Where it runs. */
  readonly work: string;
  /** Its TMPDIR, by which its processes are told as well. */
  readonly temporary: string;
}

interface Left {
  readonly processes: readonly string[];
  readonly temporary: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

function start({ args, env, through = [] }: Victim, { work, temporary }: Place): ChildProcess {
  const [command = process.execPath, ...more] = [...through, process.execPath, PROGRAM, ...args];
  return spawn(command, more, {
    cwd: work,
    stdio: 'ignore',
    env: { ...process.env, ...env, TMPDIR: temporary },
  });
}

const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

const leftIn = (place: Place): Left => ({
  processes: processesIn(place.temporary),
  temporary: existsSync(place.temporary) ? readdirSync(place.temporary) : [],
  files: filesIn(place.work),
});

/** The command lines of what runs with this TMPDIR, or one that was made in it. */
function processesIn(temporary: string): string[] {
  const variable = new RegExp(`(?:^|\\0)TMPDIR=${temporary}(?:[/\\0]|$)`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      if (!variable.test(textOf(`/proc/${pid}/environ`))) return [];
      return [textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')];
    });
}

const textOf = (path: string): string => bytesOf(path).toString('utf8');

/** None where it is gone, or another user's. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function filesIn(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(folder, name);
    // What is being removed may be gone by now.
    if (!existsSync(path)) continue;
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
    found[name] = isFolder ? 'folder' : createHash('sha256').update(bytesOf(path)).digest('hex');
  }
  return found;
}

const same = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Numbers from 0 to 1, the same for a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
