import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fileContents } from '../../src/emit/file-contents.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-file-contents-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('holes of a file are known to be zero without reading, however long they are', () => {
  const path = join(folder, 'sparse');
  const [at, size] = [2 ** 35, 2 ** 36];
  const fd = openSync(path, 'w');
  ftruncateSync(fd, size);
  writeSync(fd, 'data', at);
  closeSync(fd);
  const contents = fileContents(path);
  expect(contents.size).toBe(size);
  expect(contents.zeroUntil(0)).toBe(at);
  expect(contents.zeroUntil(at)).toBe(at);
  // A file system keeps data in blocks of its own.
  expect(contents.zeroUntil(at + 2 ** 20)).toBe(size);
  expect(Buffer.from(contents.read(at, 6)).toString('latin1')).toBe('data\0\0');
});
