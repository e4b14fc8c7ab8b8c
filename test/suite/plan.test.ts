import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PLAN_COMMANDS } from '../../src/guest/plan.ts';
import { loadCatalogue } from '../../src/suite/catalogue.ts';
import { errorOf } from '../thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(...lines: string[]) {
  const text = `case:\n  about: A.\n  why: B.\n  handover: good\n  user:\n${lines.map((line) => `    - ${line}\n`).join('')}`;
  writeFileSync(join(folder, 'one.yaml'), text);
  return loadCatalogue(folder);
}

describe('what user space does in a case', () => {
  it('is what init can do', () => {
    const source = readFileSync('src/guest/init/init.c', 'utf8');
    const rows = [...source.matchAll(/^\t\{"([\w-]+)", (\d+), (\d+), \w+\},$/gm)];
    expect(rows.map(([, name, least, most]) => [name, [Number(least), Number(most)]])).toEqual(
      Object.entries(PLAN_COMMANDS),
    );
  });

  it('is taken with as many words as init takes', () => {
    expect(load('luo session-name', 'luo a "0x1" 2', 'kexec', '"tree  /sys "')[0]?.text.user).toHaveLength(4);
  });

  it.each([
    ['lou a', 'a command of init: run, print, .*', "did you mean 'luo'?"],
    ['shaa256 a b c', 'a command of init: run, print, .*', "did you mean 'sha256'?"],
    ['constructor', 'a command of init: .*', undefined],
    ['""', 'a command of init: .*', undefined],
    ['luo', 'as many words as luo has .*', undefined],
    ['write a b c', 'as many words as write has .*', undefined],
  ])('is refused with file and line: %s', (line, expected, hint) => {
    const error = errorOf(() => load('kexec', line));
    expect(error.message).toMatch(
      new RegExp(`^${join(folder, 'one.yaml')}:7: case.user\\[1\\]: .*: expected ${expected}$`),
    );
    expect(error.hint).toBe(hint);
  });
});
