import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from '../abi/facts.ts';
import { type Compiler, compile } from '../toolchain/compiler.ts';
import { readObjects } from './assembly.ts';
import { SHIM_FOLDER } from './environment.ts';
import type { Question } from './probe.ts';

export interface Shim {
  /** File in abi/shim. */
  readonly shim: string;
  /** As `#include` takes it, for any.c. */
  readonly header?: string;
  /** Text for KHOFORGE_EXCERPT. */
  readonly excerpt?: string;
}

export interface Measured {
  /** Facts or the reason why there are none, in the order of the questions. `undefined`: not defined here. */
  readonly answers: readonly (Facts | { readonly reason: string } | undefined)[];
  /** Why nothing of this header could be measured. */
  readonly failed?: string;
  /** A static_assert of the tree that does not hold; the answers are those without it. */
  readonly assertion?: string;
}

/**
 * Asks a compiler. What does not compile is taken out and asked no more, so that one bad item costs only itself.
 * @param args of environment.ts
 * @param folder for temporary files
 */
export function measure(
  compiler: Compiler,
  args: readonly string[],
  folder: string,
  shim: Shim,
  questions: readonly Question[],
): Measured {
  const refused = new Map<number, string>();
  const more: string[] = [];
  let assertion: string | undefined;
  for (;;) {
    const run = runShim(compiler, [...args, ...more], folder, shim, questions, refused);
    if (run.assembly !== undefined) {
      const answers = questions.map((question, id) => answer(run.assembly, question, id, refused.get(id)));
      return { answers, ...(assertion !== undefined && { assertion }) };
    }
    const failed = run.elsewhere.find((line) => /static.?assert/i.test(line));
    if (failed !== undefined && assertion === undefined) {
      assertion = failed;
      more.push('-D_Static_assert(...)=');
      continue;
    }
    const fresh = [...run.refused].filter(([id]) => !refused.has(id));
    for (const [id, reason] of fresh) refused.set(id, reason);
    if (fresh.length === 0) return { answers: [], failed: run.elsewhere[0] ?? 'the compiler gave no reason' };
  }
}

interface ShimRun {
  readonly assembly: Map<string, Uint8Array | undefined> | undefined;
  /** Message per question that the compiler complained about. */
  readonly refused: ReadonlyMap<number, string>;
  /** Messages that belong to no question. */
  readonly elsewhere: readonly string[];
}

function runShim(
  compiler: Compiler,
  args: readonly string[],
  folder: string,
  { shim, header, excerpt }: Shim,
  questions: readonly Question[],
  refused: ReadonlyMap<number, string>,
): ShimRun {
  const lines = questions.flatMap(({ ask, guard }, id) => {
    if (refused.has(id)) return ['', '', ''];
    const line = ask.replace('ID', String(id));
    return guard === undefined ? ['', line, ''] : [`#ifdef ${guard}`, line, '#endif'];
  });
  writeFileSync(join(folder, 'items.h'), `${lines.join('\n')}\n`);
  if (excerpt !== undefined) writeFileSync(join(folder, 'excerpt.h'), excerpt);
  const run = compile(compiler, [
    ...args,
    '-DKHOFORGE_ITEMS="items.h"',
    ...(header === undefined ? [] : [`-DKHOFORGE_HEADER="${header}"`]),
    ...(excerpt === undefined ? [] : ['-DKHOFORGE_EXCERPT="excerpt.h"']),
    '-S',
    '-o',
    join(folder, 'probe.s'),
    join(SHIM_FOLDER, shim),
  ]);
  if (!run.ok) return { assembly: undefined, ...complaints(run.stderr, folder) };
  return {
    assembly: readObjects(readFileSync(join(folder, 'probe.s'), 'latin1')),
    refused: new Map(),
    elsewhere: [],
  };
}

function answer(
  objects: Map<string, Uint8Array | undefined> | undefined,
  question: Question,
  id: number,
  refused: string | undefined,
): Facts | { reason: string } | undefined {
  if (refused !== undefined) return { reason: refused };
  const name = `kf_${id}`;
  if (!objects?.has(name)) return undefined;
  const bytes = objects.get(name);
  return (bytes && question.read(bytes)) ?? { reason: 'the compiler made no constant of it' };
}

/** Sorts error messages by the line of items.h that they name, in themselves or in a note that follows. */
function complaints(stderr: string, folder: string): Omit<ShimRun, 'assembly'> {
  const refused = new Map<number, string>();
  const elsewhere: string[] = [];
  const blocks = stderr.split(/\n(?=\S[^\n]*: (?:fatal )?(?:error|warning): )/);
  for (const block of blocks) {
    const message = /(\S*): (?:fatal )?error: ([^\n]*)/.exec(block);
    if (!message) continue;
    const line = Number(/items\.h:(\d+)/.exec(block)?.[1]);
    if (line > 0) refused.set(Math.floor((line - 1) / 3), message[2] ?? '');
    else elsewhere.push(`${place(message[1] ?? '', folder)}: ${message[2]}`);
  }
  if (blocks.length > 0 && refused.size === 0 && elsewhere.length === 0)
    elsewhere.push(stderr.split('\n')[0] ?? '');
  return { refused, elsewhere };
}

/** `file:line` without the machine's folders before `include/`, `kernel/` and the like. */
function place(location: string, folder: string): string {
  const short = location.startsWith(folder) ? location.slice(folder.length + 1) : location;
  const inTree = /(?:^|\/)((?:include|kernel|arch|lib|mm|drivers)\/.*)$/.exec(short)?.[1] ?? short;
  return inTree.replace(/:\d+$/, '');
}
