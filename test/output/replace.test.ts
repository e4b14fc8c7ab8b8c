import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { extractHandover } from '../../src/capture/extract.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { native } from '../../src/memory/native.ts';
import { noteReplaced } from '../../src/output/bring-over.ts';
import { writeFileWhole } from '../../src/output/write.ts';
import { openSource } from '../../src/source/open.ts';
import { asLoads, copyMemory, elfCore, setupDataRecord } from '../formats/core-writer.ts';
import { codeOf } from '../thrown.ts';
import { around, DIRECTORIES, everything, FORMS, image, places, WRITERS } from './outputs.ts';

const place = places();

const IMAGE = ['kho.dtb', 'manifest.json', 'memory.bin'];
const index = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const addonFile = fileURLToPath(new URL('../../build/Release/khoforge.node', import.meta.url));

interface Writer {
  readonly child: ChildProcess;
  /** What it said of errors, once it has ended. */
  readonly ended: Promise<string>;
}

/** A process that writes an image to a path until it is ended. */
function writer(path: string): Writer {
  const program = `
    const { buildImage, writeImageDirectory } = await import(${JSON.stringify(index)});
    const image = buildImage({ subtrees: [{ kho_test: { seed: 1, max_mem: '64KiB' } }] });
    for (;;) {
      try {
        writeImageDirectory(image, ${JSON.stringify(path)});
        console.log('written');
      } catch (error) {
        // Where others write all the time one may be refused, by name.
        if (error.code !== 'OUTPUT_BUSY') throw error;
      }
      await new Promise(setImmediate);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  return { child, ended: once(child, 'close').then(() => errors) };
}

/** An image with somebody's files beside it. */
function withOthers(): string {
  const path = place('output');
  WRITERS.dir(path);
  writeFileSync(join(path, 'NOTES.txt'), 'notes');
  mkdirSync(join(path, 'results'));
  writeFileSync(join(path, 'results/log'), 'log');
  return path;
}

function expectOthers(path: string): void {
  expect(readdirSync(path).toSorted()).toEqual(['NOTES.txt', ...IMAGE, 'results']);
  expect(readFileSync(join(path, 'NOTES.txt'), 'utf8')).toBe('notes');
  expect(readFileSync(join(path, 'results/log'), 'utf8')).toBe('log');
}

/** Until it has written that often. */
async function writes({ child, ended }: Writer, times: number): Promise<void> {
  const gone = ended.then((errors) => {
    throw new Error(`the writer ended: ${errors}`);
  });
  // Also where nobody waits for it any more.
  gone.catch(() => {});
  for (let i = 0; i < times; i++) await Promise.race([once(child.stdout ?? child, 'data'), gone]);
}

describe('writers of one output', () => {
  it('wait for each other, and lose neither an image nor what stands beside it', async () => {
    const path = withOthers();
    const writers = [writer(path), writer(path), writer(path)];
    let looks = 0;
    let absent = 0;
    const watch = setInterval(() => {
      looks++;
      if (!existsSync(join(path, 'manifest.json'))) absent++;
    }, 1);
    await Promise.all(writers.map((one) => writes(one, 5)));
    clearInterval(watch);
    for (const { child } of writers) child.kill('SIGKILL');
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual(['', '', '']);
    expect(absent).toBe(0);
    expect(looks).toBeGreaterThan(5);
    WRITERS.dir(path);
    readImageDirectory(path);
    expectOthers(path);
  });

  it('that are killed at any moment leave a whole image, and nothing of somebody else is lost', async () => {
    const path = withOthers();
    for (let round = 0; round < 6; round++) {
      const one = writer(path);
      await writes(one, 1);
      await sleep((round * 37) % 100);
      one.child.kill('SIGKILL');
      expect(await one.ended).toBe('');
      readImageDirectory(path);
    }
    WRITERS.dir(path);
    expectOthers(path);
  });
});

/** Ends a process that writes an image, as it is to give it its name or has given it. */
async function killedAt(when: 'before' | 'after', path: string): Promise<string> {
  const program = `
    const addon = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(index)})(${JSON.stringify(addonFile)});
    const { moveFile } = addon;
    addon.moveFile = (...args) => {
      if (${when === 'after'}) moveFile(...args);
      process.kill(process.pid, 'SIGKILL');
    };
    const { buildImage, writeImageDirectory } = await import(${JSON.stringify(index)});
    const image = buildImage({ subtrees: [{ kho_test: { seed: 2, max_mem: '64KiB' } }] });
    writeImageDirectory(image, ${JSON.stringify(path)});
    console.error('it was not killed');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  await once(child, 'close');
  return errors;
}

describe('a run that was killed', () => {
  it.each(['before', 'after'] as const)('%s it gave an image its name leaves nothing', async (when) => {
    const path = place('output');
    WRITERS.dir(path);
    expect(await killedAt(when, path)).toBe('');
    await vi.waitFor(() => expect(readdirSync(dirname(path))).toEqual(['output']), { timeout: 20_000 });
    readImageDirectory(path);
  });

  it('as it gave an image its name leaves what stands beside the older one to the next', async () => {
    const path = withOthers();
    expect(await killedAt('after', path)).toBe('');
    const [aside = ''] = readdirSync(dirname(path)).filter((name) => name !== 'output');
    await vi.waitFor(
      () => expect(readdirSync(join(dirname(path), aside))).toEqual(['NOTES.txt', 'results']),
      {
        timeout: 20_000,
      },
    );
    WRITERS.dir(path);
    expectOthers(path);
    expect(readdirSync(dirname(path))).toEqual(['output']);
  });

  it('between the images and the files beside them is gone on with by the next', () => {
    const path = withOthers();
    // As placeDirectory() leaves it there: the new image has the name, the older one has files yet.
    const folder = join(dirname(path), '.output.0123456789abcdef');
    WRITERS.dir(folder);
    noteReplaced(folder);
    renameSync(folder, `${path}-new`);
    renameSync(path, folder);
    renameSync(`${path}-new`, path);
    WRITERS.dir(path);
    expectOthers(path);
    expect(readdirSync(dirname(path))).toEqual(['output']);
  });

  it('has no say over other folders', () => {
    const path = withOthers();
    const other = join(dirname(path), 'mine');
    mkdirSync(other);
    writeFileSync(join(other, 'text'), 'mine');
    const schema = { name: 'khoforge-replaced', version: 1 };
    for (const folder of ['mine', '../mine', '.', '..', '']) {
      writeFileSync(join(path, '.khoforge-replaced.json'), JSON.stringify({ schema, folder }));
      const before = everything(other);
      WRITERS.dir(path);
      expect(everything(other)).toEqual(before);
      expectOthers(path);
    }
  });
});

describe('a file system that cannot exchange names', () => {
  const { moveFile } = native();
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const unsupported = () => {
    throw Object.assign(new Error('Invalid argument'), { code: 'FILE_MOVE', errno: 22 });
  };

  it.each(FORMS)('has the same outputs: %s', (form) => {
    vi.spyOn(native(), 'moveFile').mockImplementation(unsupported);
    const path = place('output');
    for (let i = 0; i < 2; i++) WRITERS[form](path);
    expect(readdirSync(dirname(path))).toEqual(['output']);
    if (form === 'dir') {
      writeFileSync(join(path, 'NOTES.txt'), 'notes');
      WRITERS.dir(path);
      expect(readdirSync(path).toSorted()).toEqual(['NOTES.txt', ...IMAGE]);
    }
    const foreign = place('foreign');
    writeFileSync(foreign, 'mine');
    expect(codeOf(() => WRITERS[form](foreign))).toBe('OUTPUT_EXISTS');
    expect(readFileSync(foreign, 'utf8')).toBe('mine');
  });

  it('or a folder whose files cannot be moved leaves all as it was', () => {
    const path = withOthers();
    const before = around(path);
    vi.spyOn(native(), 'moveFile').mockImplementation((from, to, exchange) => {
      if (from.endsWith('results')) throw Object.assign(new Error('Permission denied'), { errno: 13 });
      moveFile(from, to, exchange);
    });
    expect(codeOf(() => WRITERS.dir(path))).toBe('OUTPUT_FAILED');
    expect(around(path)).toEqual(before);
  });
});

describe('an output of a source that shrinks', () => {
  it.each(FORMS.filter((form) => !['kexec', 'elf', 'profile'].includes(form)))(
    'as %s leaves the older one',
    (form) => {
      const memory = copyMemory(image);
      memory.write(0x3f_0040n, setupDataRecord(image));
      memory.map(0x800_0000n, new Uint8Array(8 << 20).fill(7));
      const [dump, whole] = [place('dump.elf'), place('whole.elf')];
      for (const path of [dump, whole]) writeFileSync(path, elfCore(asLoads(memory)));
      const output = place('output');
      WRITERS[form](output);
      const before = around(output);
      using opened = openSource(dump);
      truncateSync(dump, 4096);
      expect(codeOf(() => WRITERS[form](output, {}, opened.image))).toBe('SOURCE_SHRANK');
      expect(around(output)).toEqual(before);
      if (form !== 'dir') return;
      // A run that could be gone on with has nothing that is right.
      using again = openSource(whole);
      truncateSync(whole, 4096);
      expect(codeOf(() => writeImageDirectory(again.image, output, { resume: 'it' }))).toBe('SOURCE_SHRANK');
      expect(around(output)).toEqual(before);
    },
  );
});

const modes = (path: string): string[] =>
  [path, ...(statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [])].map(
    (one) => (statSync(one).mode & 0o777).toString(8),
  );

describe('permissions', () => {
  it.each<[string, number, string, string]>([
    ['a private one', 0o600, '600', '700'],
    ["QEMU's own", 0o400, '600', '700'],
    ['one for a group', 0o640, '640', '750'],
    ['one for all', 0o644, '644', '755'],
  ])('of what is taken from a dump are those of the dump: %s', (_what, mode, file, folder) => {
    const memory = copyMemory(image);
    memory.write(0x3f_0040n, setupDataRecord(image));
    const dump = place('dump.elf');
    writeFileSync(dump, elfCore(asLoads(memory)), { mode });
    using opened = openSource(dump);
    const taken = extractHandover(opened.image, { withContents: true });
    for (const form of FORMS) {
      const output = place('output');
      WRITERS[form](output, {}, taken);
      const [first, ...others] = modes(output);
      const isDirectory = DIRECTORIES.some((one) => one === form);
      expect([form, first]).toEqual([form, isDirectory ? folder : file]);
      expect(new Set(others)).toEqual(new Set(isDirectory ? [file] : []));
      if (form === 'dir') expect(readImageDirectory(output).mode).toBe(Number.parseInt(file, 8));
    }
  });

  it('of what comes from a spec are those of any new file', () => {
    const plain = place('plain');
    writeFileSync(plain, '');
    mkdirSync(`${plain}.d`);
    const [file, folder] = [...modes(plain), ...modes(`${plain}.d`)];
    for (const form of FORMS) {
      const output = place('output');
      WRITERS[form](output);
      const isDirectory = DIRECTORIES.some((one) => one === form);
      expect(modes(output)[0]).toBe(isDirectory ? folder : file);
    }
  });
});

describe('a temporary file', () => {
  it('is new, private, and has a name that nobody can guess', () => {
    const path = place('x.core');
    const names = [0, 1].map(() => {
      let name = '';
      writeFileWhole(path, { form: 'core', mode: 0o644, force: true }, () => {
        [name = ''] = readdirSync(dirname(path)).filter((one) => one.startsWith('.'));
        expect(modes(join(dirname(path), name))).toEqual(['600']);
      });
      expect(name).toMatch(/^\.x\.core\.[\w-]{16}$/);
      return name;
    });
    expect(new Set(names).size).toBe(2);
  });

  it("is nobody else's while a directory is filled", () => {
    const path = place('image');
    WRITERS.dir(path, {
      onWritten() {
        const [name = ''] = readdirSync(dirname(path));
        expect(modes(join(dirname(path), name))[0]).toBe('700');
      },
    });
  });
});
