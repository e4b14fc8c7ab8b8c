import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ExitCode, KhoforgeError } from './errors.ts';

// What goes when this process goes, whatever ends it: return, error, process.exit(), a signal, SIGKILL too. No handler of
// a signal could see to that: it runs when the event loop turns, which is not while an image is written, and never at
// SIGKILL. So a shell holds the other end of a pipe, hears what to undo, and does it when the pipe ends.
//
//   using claim = claimPath(temporary);   // BEFORE it is made, under a name that nobody can guess
//   fill(temporary);
//   rename(temporary, target);            // then nothing is there to remove
//
// The end of the `using` releases the claim and removes nothing: what an error leaves is the caller's to remove, at once.

/** Something that is undone when this process ends, until it is released. */
export interface Claim extends Disposable {
  /** Leaves it as it is from now on. */
  release(): void;
}

/** Has `path`, a file or a whole folder, removed when this process ends before the claim is released. */
export function claimPath(path: string): Claim {
  return claim(resolve(path));
}

/**
 * Has the files named in a folder removed when this process ends before the claim is released, and the folder where it is
 * empty then: what somebody else has in it stays.
 */
export function claimFiles(folder: string, names: Iterable<string>): Claim {
  const path = resolve(folder);
  const held = [claim(`${EMPTY}${path}`), ...Array.from(names, (name) => claim(join(path, name)))];
  const release = () => {
    for (const one of held) one.release();
  };
  return { release, [Symbol.dispose]: release };
}

/** A name beside others that nobody can guess, e.g. for a temporary file: `prefix` and 16 random characters. */
export function unguessable(prefix: string): string {
  return `${prefix}${randomBytes(12).toString('base64url')}`;
}

export interface TemporaryFolder extends Claim {
  /** Absolute. */
  readonly path: string;
}

/**
 * Makes a folder that only this user can look into. It goes with everything in it at the end of a `using`, or with this
 * process; once released it stays.
 * @param name of what it is for: the folder is called `khoforge-NAME-…`
 * @throws KhoforgeError `TEMPORARY_FAILED` (exit code 3), e.g. where TMPDIR does not exist
 */
export function temporaryFolder(name: string): TemporaryFolder {
  const path = resolve(join(tmpdir(), unguessable(`khoforge-${name}-`)));
  const held = claim(path);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    held.release();
    throw new KhoforgeError(
      'TEMPORARY_FAILED',
      `cannot make a temporary folder: ${cause instanceof Error ? cause.message : cause}`,
      {
        where: { file: tmpdir() },
        hint: 'TMPDIR names the folder that it is made in',
        exitCode: ExitCode.couldNotRun,
        cause,
      },
    );
  }
  return {
    path,
    release: held.release,
    [Symbol.dispose]() {
      if (held.isHeld()) rmSync(path, { recursive: true, force: true });
      held.release();
    },
  };
}

/** The name of a variable in the environment of programs that end with this process, and of all that they start. */
const OWNER = 'KHOFORGE_OWNER';
const owner = randomUUID();

export interface ClaimedChildren extends Claim {
  /** The environment to start them in. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Has the programs that are started with this environment ended when this process ends, and all that they start. They
 * are known by a variable in it: unlike a process number it cannot come to mean another program.
 * @param env their environment otherwise; default: that of this process
 */
export function claimChildren(env: NodeJS.ProcessEnv = process.env): ClaimedChildren {
  const { release } = claim(`children ${++children}`);
  return { env: { ...env, [OWNER]: owner }, release, [Symbol.dispose]: release };
}

/** Before a folder that goes only if it is empty. */
const EMPTY = 'empty ';
/** What is claimed: absolute paths, those of folders that go when they are empty, and `children N`. */
const claimed = new Set<string>();
let children = 0;
let watcher: ChildProcess | undefined;

function claim(what: string) {
  claimed.add(what);
  if (watcher) tell('+', what);
  else startWatcher();
  const release = () => {
    if (!claimed.delete(what)) return;
    tell('-', what);
    if (claimed.size > 0) return;
    watcher?.stdin?.end();
    watcher = undefined;
  };
  return { release, isHeld: () => claimed.has(what), [Symbol.dispose]: release };
}

/** One line each: what printf's %b turns back. It is in the pipe when this returns. */
function tell(sign: '+' | '-', what: string): void {
  watcher?.stdin?.write(`${sign}${what.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`);
}

/**
 * Ends the programs, with SIGTERM at first, so that they can clean up themselves, then removes the paths. A program that
 * is not there yet holds our end of the pipe open until it is, and then has its environment: none is missed.
 */
const WATCHER = `
list=$(awk '{ what = substr($0, 2) } /^[+]/ { held[what] } /^-/ { delete held[what] } END { for (what in held) print what }')
case $list in *'children '*)
  for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    found=$(grep -lszxF "${OWNER}=$1" /proc/[0-9]*/environ)
    [ -n "$found" ] || break
    for process in $found; do
      process=\${process%/environ}
      if [ $try -lt 10 ]; then kill -TERM "\${process#/proc/}"; else kill -KILL "\${process#/proc/}"; fi
    done
    sleep 0.1
  done
esac
for pass in files folders; do
  printf '%s\\n' "$list" | while IFS= read -r path; do
    path=$(printf '%b.' "$path")
    path=\${path%.}
    case "$pass $path" in
      'files /'*) rm -rf -- "$path" ;;
      'folders ${EMPTY}/'*) rmdir -- "\${path#${EMPTY}}" ;;
    esac
  done
done`;

/** In a session of its own, which neither ^C nor the end of a terminal reaches. It gets all that is claimed. */
function startWatcher(): void {
  try {
    const child = spawn('sh', ['-c', WATCHER, 'khoforge-cleanup', owner], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    child.unref();
    const { stdin } = child;
    if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
    // Where there is no shell everything works, but what ends this process leaves its things behind.
    child.on('error', () => {});
    stdin?.on('error', () => {});
    child.once('exit', () => {
      if (watcher === child) watcher = undefined;
    });
    watcher = child;
    for (const what of claimed) tell('+', what);
  } catch {
    // node --permission without --allow-child-process: as above.
  }
}
