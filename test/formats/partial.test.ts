import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { tryLock } from '../../src/output/lock.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { khoforge } from '../cli/run.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from './core-writer.ts';

const file = filesFolder();
let count = 0;
/** A path below a folder of its own, so that what else is there shows. */
const output = () => join(dirname(file(`anchor-${count++}`, Buffer.alloc(1))), `output-${count}`);

/** The folders that runs left beside an output, under names that nobody can guess. */
function leftBeside(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(`.${basename(path)}.`));
  for (const name of names) expect(name.slice(basename(path).length + 2)).toMatch(/^[\w-]{16}$/);
  return names.map((name) => join(dirname(path), name));
}

function partialOf(path: string): string {
  const [left = 'nothing was left', ...others] = leftBeside(path);
  expect(others).toEqual([]);
  return left;
}

const image = buildImage({
  target: { release: '7.3' },
  ram: '256MiB',
  preserve: [
    { name: 'one', size: '24MiB', content: { seed: 1, size: '24MiB' } },
    { name: 'gap', order: 0, count: 4 },
    { name: 'two', size: '40MiB', content: { seed: 2, size: '20MiB' } },
  ],
});

const sums = (path: string) => execFileSync('sh', ['-c', 'sha256sum -- *'], { cwd: path, encoding: 'utf8' });
const whole = output();
writeImageDirectory(image, whole);
const wholeSums = sums(whole);

class Stop extends Error {}

/** Writes until `runs` runs of pages are in the file, and is gone then, as a killed process is. */
function interrupted(path: string, runs: number, resume = 'this'): void {
  let left = runs;
  const onProgress = () => {
    left--;
    if (left <= 0) throw new Stop('killed');
  };
  expect(() => writeImageDirectory(image, path, { resume, onProgress })).toThrow(KhoforgeError);
}

describe('an image directory whose writing was interrupted', () => {
  it.each([1, 2, 3, 4])('after %i runs is gone on with, and is the same in the end', (runs) => {
    const path = output();
    interrupted(path, runs);
    expect(existsSync(path)).toBe(false);
    let written = 0n;
    const kept = writeImageDirectory(image, path, {
      resume: 'this',
      onProgress: ({ done }) => {
        if (written === 0n) written = done;
      },
    });
    expect(kept).toBeGreaterThan(0n);
    expect(written).toBeGreaterThan(kept);
    expect(sums(path)).toBe(wholeSums);
    expect(readdirSync(path).sort()).toEqual(['kho.dtb', 'manifest.json', 'memory.bin']);
    expect(leftBeside(path)).toEqual([]);
    readImageDirectory(path);
  });

  it.each([
    [
      'half a line in the journal',
      (folder: string) => appendFileSync(join(folder, 'journal'), '{"start":"0x10'),
    ],
    ['nonsense in the journal', (folder: string) => writeFileSync(join(folder, 'journal'), 'nonsense\n\n{}')],
    [
      'less in memory.bin than the journal says',
      (folder: string) => truncateSync(join(folder, 'memory.bin'), 5000),
    ],
    ['more in memory.bin', (folder: string) => appendFileSync(join(folder, 'memory.bin'), 'and more')],
    [
      'other bytes in memory.bin',
      (folder: string) => writeFileSync(join(folder, 'memory.bin'), Buffer.alloc(1 << 24)),
    ],
  ])('with %s is the same in the end', (_what, damage) => {
    const path = output();
    interrupted(path, 3);
    damage(partialOf(path));
    writeImageDirectory(image, path, { resume: 'this' });
    expect(sums(path)).toBe(wholeSums);
  });

  it('is not gone on with for another source', () => {
    const path = output();
    interrupted(path, 3);
    expect(writeImageDirectory(image, path, { resume: 'another' })).toBe(0n);
    expect(sums(path)).toBe(wholeSums);
  });

  it('is left alone while its writer runs', () => {
    const path = output();
    interrupted(path, 1);
    const before = readFileSync(join(partialOf(path), 'journal'), 'utf8');
    {
      using lock = tryLock(partialOf(path));
      expect(lock).toBeDefined();
      const busy = new RegExp(`^process ${process.pid} is writing`);
      expect(() => writeImageDirectory(image, path, { resume: 'this' })).toThrow(busy);
      expect(writeImageDirectory(image, path, { resume: 'another' })).toBe(0n);
      expect(readFileSync(join(partialOf(path), 'journal'), 'utf8')).toBe(before);
    }
    expect(writeImageDirectory(image, path, { resume: 'this' })).toBeGreaterThan(0n);
    expect(sums(path)).toBe(wholeSums);
  });

  it('is not gone on with, or written to, where others could have put something into it', () => {
    const path = output();
    interrupted(path, 3);
    const folder = partialOf(path);
    chmodSync(folder, 0o777);
    const victim = file(`victim-${count}`, Buffer.from('text'));
    symlinkSync(victim, join(folder, 'kho.dtb'));
    expect(writeImageDirectory(image, path, { resume: 'this' })).toBe(0n);
    expect(readFileSync(victim, 'utf8')).toBe('text');
    expect(existsSync(folder)).toBe(true);
  });

  it('leaves folders of other outputs with a like name', () => {
    const [path, other] = [output(), output()];
    const longer = `${path}.more`;
    interrupted(longer, 3);
    const mine = join(dirname(path), `.${basename(path)}.my-own-backup-16`);
    mkdirSync(mine, { mode: 0o700 });
    writeFileSync(join(mine, 'journal'), 'mine');
    writeImageDirectory(image, path, { resume: 'this' });
    writeImageDirectory(image, other, { resume: 'another' });
    expect(readFileSync(join(mine, 'journal'), 'utf8')).toBe('mine');
    expect(readdirSync(partialOf(longer)).sort()).toEqual(['journal', 'memory.bin']);
  });

  it('stays where its writing ended in the last moment', () => {
    const path = output();
    const onWritten = () => {
      throw new Stop('killed');
    };
    expect(() => writeImageDirectory(image, path, { resume: 'this', onWritten })).toThrow(KhoforgeError);
    expect(writeImageDirectory(image, path, { resume: 'this' })).toBeGreaterThan(0n);
    expect(sums(path)).toBe(wholeSums);
    expect(leftBeside(path)).toEqual([]);
  });
});

describe('khoforge capture', () => {
  it('goes on where one that was killed stopped', () => {
    const memory = copyMemory(image);
    memory.write(0x3f_0040n, setupDataRecord(image));
    const core = file('dump.elf', elfCore(asLoads(memory)));
    const [first, second] = [output(), output()];
    const args = ['capture', core, '--with-contents', '-o'];
    expect(khoforge([...args, first]).code).toBe(0);
    // No program can write a file longer than 36 MiB here: the capture dies of SIGXFSZ in the middle of memory.bin.
    const program = join(process.cwd(), 'bin/khoforge.js');
    const script = 'ulimit -f 73728; trap - XFSZ; exec "$0" "$@"';
    expect(() =>
      execFileSync('sh', ['-c', script, process.execPath, program, ...args, second], { stdio: 'pipe' }),
    ).toThrow();
    expect(existsSync(second)).toBe(false);
    expect(readdirSync(partialOf(second)).sort()).toEqual(['journal', 'memory.bin']);
    const { code, stderr } = khoforge([...args, second]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/of it were written by a run that was interrupted/),
    ]);
    expect(sums(second)).toBe(sums(first));
  });
});
