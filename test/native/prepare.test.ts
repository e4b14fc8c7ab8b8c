import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/prepare.mjs', import.meta.url));
let tools = '';

beforeEach(() => {
  tools = mkdtempSync(join(tmpdir(), 'khoforge-tools-'));
});

afterEach(() => rmSync(tools, { recursive: true }));

/** Runs the script with a PATH that holds only these tools, each doing nothing. */
function prepareWith(names: string[]): { status: number | null; stderr: string } {
  for (const name of names) symlinkSync('/bin/true', join(tools, name));
  const env = { PATH: tools };
  const { status, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  return { status, stderr };
}

it.each([
  [['g++', 'make'], 'cmake'],
  [['cmake', 'make'], 'a C++20 compiler (g++ or clang++)'],
  [['cmake', 'c++'], 'make (or ninja)'],
  [['cmake'], 'a C++20 compiler (g++ or clang++), make (or ninja)'],
  [[], 'cmake, a C++20 compiler (g++ or clang++), make (or ninja)'],
])('with only %j on the PATH, names what is missing and what installs it', (names, missing) => {
  const { status, stderr } = prepareWith(names);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `prepare: the native addon cannot be built, because this is missing: ${missing}\n` +
      'prepare: on Debian: apt-get install -y cmake g++ make\n',
  );
});

it('leaves what is built alone when npx, in a clone, prepares the clone once more', () => {
  const env = { PATH: tools, npm_command: 'exec' };
  const { status, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
