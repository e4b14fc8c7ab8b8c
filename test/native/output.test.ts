import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../src/memory/native.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-moves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [one, other, absent] = [join(folder, 'one'), join(folder, 'öther'), join(folder, 'absent')];
const { moveFile, lockFile } = native();

function errnoOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof Error && 'errno' in error ? error.errno : error;
  }
  return 'none';
}

describe('moveFile', () => {
  it('exchanges two files in one step', () => {
    writeFileSync(one, '1');
    writeFileSync(other, '2');
    moveFile(one, other, 1);
    expect([one, other].map((path) => readFileSync(path, 'utf8'))).toEqual(['2', '1']);
    expect(errnoOf(() => moveFile(one, absent, 1))).toBe(constants.errno.ENOENT);
  });

  it('replaces nothing', () => {
    mkdirSync(join(folder, 'empty'));
    for (const to of [other, join(folder, 'empty')]) {
      expect(errnoOf(() => moveFile(one, to, 0))).toBe(constants.errno.EEXIST);
    }
    moveFile(one, absent, 0);
    expect(readFileSync(absent, 'utf8')).toBe('2');
  });

  it('takes paths and 0 or 1 alone', () => {
    const call = (...args: unknown[]) => Reflect.apply(Reflect.get(native(), 'moveFile'), undefined, args);
    expect(() => call(1, other, 0)).toThrow(TypeError);
    expect(() => call(one, undefined, 0)).toThrow(TypeError);
    expect(() => call(one, other, true)).toThrow(TypeError);
    expect(() => call(one, other, 2)).toThrow(RangeError);
    expect(() => call(`${one}\0x`, other, 0)).toThrow(RangeError);
  });
});

describe('lockFile', () => {
  it('gives a folder to one at a time', () => {
    const [first, second] = [openSync(folder, 'r'), openSync(folder, 'r')];
    expect([lockFile(first), lockFile(second), lockFile(first)]).toEqual([true, false, true]);
    closeSync(first);
    expect(lockFile(second)).toBe(true);
    closeSync(second);
    expect(errnoOf(() => lockFile(second))).toBe(constants.errno.EBADF);
  });
});
