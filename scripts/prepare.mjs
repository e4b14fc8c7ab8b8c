// Run by npm's `prepare`, so by `npm ci` in a clone: builds the native addon and dist/.
// Checks the tools first, because what CMake says about a missing one is long and names no way out.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** The newest standard headers that binding/core needs. */
const CPP20 = '#include <bit>\n#include <span>\nint main() { return std::countr_zero(1u); }\n';

function fail(text) {
  console.error(text);
  process.exit(1);
}

function runs(command, args, input) {
  return spawnSync(command, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

/** The compiler that CMake will take: $CXX, else the first of its usual names. */
function compiles() {
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  const compiler = candidates.find((candidate) => runs(candidate, ['--version']));
  return compiler !== undefined && runs(compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], CPP20);
}

function missingTools() {
  const missing = [];
  if (!runs('cmake', ['--version'])) missing.push('cmake');
  if (!compiles()) missing.push(`a C++20 compiler (${process.env.CXX ?? 'g++ or clang++'})`);
  if (!runs('ninja', ['--version']) && !runs('make', ['--version'])) missing.push('make (or ninja)');
  return missing;
}

/** Path of a program of a development dependency, or undefined when npm was told to omit those. */
function program(name, path) {
  try {
    return require.resolve(`${name}/package.json`).replace(/package\.json$/, path);
  } catch {
    return undefined;
  }
}

/** Runs quietly; on failure shows everything that was said. */
function step(what, path, args) {
  const { error, status, stdout } = spawnSync(
    '/bin/sh',
    ['-c', '"$0" "$@" 2>&1', process.execPath, path, ...args],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  if (error === undefined && status === 0) return;
  fail(
    `${stdout ?? ''}\nprepare: ${what} failed: ${error?.message ?? `exit code ${status}`}, its log is above`,
  );
}

const isBuilt = existsSync(`${root}build/Release/khoforge.node`) && existsSync(`${root}dist/bundle/main.js`);
// `npx khoforge` in a clone links the clone into npm's own cache, and npm prepares what it links. What is built stays:
// other processes may be running it at this moment.
if (process.env.npm_command === 'exec' && isBuilt) process.exit(0);

const cmakeJs = program('cmake-js', 'bin/cmake-js');
const tsc = program('typescript', 'bin/tsc');
const rolldown = program('rolldown', '');
if (cmakeJs === undefined || tsc === undefined || rolldown === undefined) {
  const text =
    'prepare: cmake-js, typescript and rolldown, which are development dependencies, are not all installed';
  if (!isBuilt) {
    fail(`${text}, and nothing is built yet: run npm ci without --omit=dev`);
  }
  console.error(`${text}: keeping the addon and dist/ that are there`);
  process.exit(0);
}

const missing = missingTools();
if (missing.length > 0) {
  fail(
    `prepare: the native addon cannot be built, because this is missing: ${missing.join(', ')}\n` +
      'prepare: on Debian: apt-get install -y cmake g++ make',
  );
}

step('building the addon', cmakeJs, ['compile', '--parallel', String(availableParallelism())]);
step('compiling TypeScript', tsc, ['-p', 'tsconfig.json']);
step('bundling the command line', `${root}scripts/bundle.mjs`, []);
console.log('prepare: built build/Release/khoforge.node and dist/');
