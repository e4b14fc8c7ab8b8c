import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { MappedFile } from '../../src/formats/mapped-file.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { filesFolder } from './core-writer.ts';

const file = filesFolder();
const folder = dirname(file('anchor', new Uint8Array()));
const [path, other] = [join(folder, 'image'), join(folder, 'other')];
const counts = [1, 2];
let swapping: ChildProcess;

beforeAll(() => {
  for (const [i, count] of counts.entries()) {
    const image = buildImage({
      subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: count } }],
    });
    writeImageDirectory(image, [path, other][i] ?? '');
  }
  // One takes the place of the other as fast as it can.
  const script = `while :; do mv "$1" "$1.x"; mv "$2" "$1"; mv "$1.x" "$2"; done`;
  swapping = spawn('sh', ['-c', script, 'swap', path, other], { stdio: 'ignore', detached: true });
});

// With the move that it is at: the folder goes next.
afterAll(async () => {
  if (swapping.pid !== undefined) process.kill(-swapping.pid, 'SIGKILL');
  await once(swapping, 'close');
});

it('an image is read with the memory that it was written with, while others take its place', () => {
  let read = 0;
  for (let time = 0; time < 2000; time++) {
    try {
      readImageDirectory(path);
      read++;
    } catch (error) {
      // For a moment nothing has the name.
      expect(error).toMatchObject({ code: expect.stringMatching(/^(FILE_UNREADABLE|IMAGE_BUSY)$/) });
    }
  }
  expect(read).toBeGreaterThan(0);
});

it('a small file that was cut short since it was opened is an error, not zeroes', () => {
  const short = file('short', new Uint8Array(8192).fill(1));
  const mapped = new MappedFile(short);
  writeFileSync(short, 'x');
  const range = { offset: 0, size: 8192 };
  expect(() => mapped.mapInto(new PhysicalMemory(), 0n, range)).toThrow(/cut short meanwhile/);
  mapped.close();
});
