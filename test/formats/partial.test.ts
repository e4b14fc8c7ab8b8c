import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { khoforge } from '../cli/run.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from './core-writer.ts';

const file = filesFolder();
let count = 0;
/** A path below a folder of its own, so that what else is there shows. */
const output = () => join(dirname(file(`anchor-${count++}`, Buffer.alloc(1))), `output-${count}`);
const partialOf = (path: string) => join(dirname(path), `.${path.split('/').at(-1)}.partial`);

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
    expect(sums(path)).toBe(sums(whole));
    expect(readdirSync(path).sort()).toEqual(['kho.dtb', 'manifest.json', 'memory.bin']);
    expect(existsSync(partialOf(path))).toBe(false);
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
    expect(sums(path)).toBe(sums(whole));
  });

  it('is not gone on with for another source', () => {
    const path = output();
    interrupted(path, 3);
    expect(writeImageDirectory(image, path, { resume: 'another' })).toBe(0n);
    expect(sums(path)).toBe(sums(whole));
  });

  it('is left alone while its writer runs', () => {
    const path = output();
    interrupted(path, 1);
    const journal = join(partialOf(path), 'journal');
    const [, ...lines] = readFileSync(journal, 'utf8').split('\n');
    writeFileSync(journal, [JSON.stringify({ of: 'this', pid: process.ppid }), ...lines].join('\n'));
    expect(() => writeImageDirectory(image, path, { resume: 'this' })).toThrow(/is writing/);
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
