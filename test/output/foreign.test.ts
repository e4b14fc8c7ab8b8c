import { execFileSync } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import type { Form } from '../../src/output/forms.ts';
import { khoforge } from '../cli/run.ts';
import { elfCore } from '../formats/core-writer.ts';
import { codeOf, errorOf } from '../thrown.ts';
import { around, DIRECTORIES, everything, FORMS, image, kernel, places, WRITERS } from './outputs.ts';

const place = places();

/** Makes a directory with these files. */
function directory(path: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
}

const OTHER_CORE = elfCore([{ start: 0n, bytes: new Uint8Array(4096).fill(7) }]);

/** What stands at a path and is not ours, whatever it is called. */
const FOREIGN: readonly (readonly [string, (path: string) => void])[] = [
  ['a text', (path) => writeFileSync(path, 'mine')],
  ['an empty file', (path) => writeFileSync(path, '')],
  ['a program', (path) => cpSync('/bin/ls', path, { dereference: true })],
  ['an ELF core', (path) => writeFileSync(path, OTHER_CORE)],
  ['an ELF header that ends early', (path) => writeFileSync(path, OTHER_CORE.subarray(0, 100))],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a directory', (path) => directory(path, { 'thesis.tex': 'text' })],
  [
    'a directory with names of an image',
    (path) =>
      directory(path, {
        'manifest.json': '{"name":"my extension"}',
        'memory.bin': 'data',
        'source.c': 'text',
      }),
  ],
  [
    'a directory with a pipe',
    (path) => {
      mkdirSync(path);
      execFileSync('mkfifo', [join(path, 'manifest.json')]);
    },
  ],
  ['a directory with qemu-args', (path) => directory(path, { 'qemu-args': '', 'thesis.tex': 'text' })],
  [
    'a directory with names of kexec',
    (path) => directory(path, { 'kexec.img': 'KHOKEXEC', 'kexec.json': '{}', notes: 'text' }),
  ],
  [
    'a link to an image',
    (path) => {
      WRITERS.dir(`${path}-it-leads-to`);
      symlinkSync(`${path}-it-leads-to`, path);
    },
  ],
  [
    'a link to a core',
    (path) => {
      WRITERS.core(`${path}-it-leads-to`);
      symlinkSync(`${path}-it-leads-to`, path);
    },
  ],
  ['a link that leads to nothing', (path) => symlinkSync('nowhere', path)],
];

describe.each(FORMS)('an output of the form %s', (form) => {
  it.each(FOREIGN)('leaves %s as it is, before anything is written', (_what, make) => {
    const path = place('output');
    make(path);
    const before = around(path);
    let written = false;
    const { code, exitCode, message, hint } = errorOf(() =>
      WRITERS[form](path, {
        onWritten: () => {
          written = true;
        },
      }),
    );
    expect(code).toMatch(/^OUTPUT_(EXISTS|IS_LINK)$/);
    expect([exitCode, written]).toEqual([2, false]);
    expect(message).toContain(path);
    expect(hint).toBeTruthy();
    expect(around(path)).toEqual(before);
  });

  it('takes the place of an older one, as often as it is made, and leaves nothing else', () => {
    const path = place('output');
    for (let i = 0; i < 3; i++) WRITERS[form](path);
    expect(readdirSync(join(path, '..'))).toEqual(['output']);
  });

  it('is not put in the place of another form without being told to', () => {
    for (const other of FORMS.filter((one) => one !== form)) {
      const path = place('output');
      WRITERS[other](path);
      const before = around(path);
      expect(codeOf(() => WRITERS[form](path))).toBe('OUTPUT_EXISTS');
      expect(around(path)).toEqual(before);
    }
  });

  it('that is not made leaves the older one, and nothing beside it', () => {
    const path = place('output');
    WRITERS[form](path);
    const before = around(path);
    const onWritten = () => {
      throw new RangeError('wrong');
    };
    expect(codeOf(() => WRITERS[form](path, { onWritten }))).toBe('OUTPUT_FAILED');
    expect(around(path)).toEqual(before);
  });
});

describe('--force', () => {
  it.each(['core', 'elf'] as const)('replaces a file by a %s', (form) => {
    const path = place('output');
    writeFileSync(path, 'mine');
    WRITERS[form](path, { force: true });
    expect(readFileSync(path).toString('latin1', 1, 4)).toBe('ELF');
    WRITERS[form](path);
  });

  it.each(DIRECTORIES)('puts the files of %s into a directory and leaves the others', (form) => {
    const path = place('output');
    directory(path, { 'thesis.tex': 'text', 'manifest.json': '1', 'qemu-args': '2', 'kexec.img': '3' });
    mkdirSync(join(path, 'results'));
    WRITERS[form](path, { force: true });
    expect(readFileSync(join(path, 'thesis.tex'), 'utf8')).toBe('text');
    expect(readdirSync(path)).toContain('results');
    WRITERS[form](path);
  });

  it('puts one form in the place of another, whose files go', () => {
    const path = place('output');
    WRITERS.raw(path);
    writeFileSync(join(path, 'NOTES.txt'), 'notes');
    WRITERS.dir(path, { force: true });
    expect(readdirSync(path).toSorted()).toEqual(['NOTES.txt', 'kho.dtb', 'manifest.json', 'memory.bin']);
  });

  it('removes no directory, follows no link and fills no pipe', () => {
    const inside = place('output');
    mkdirSync(join(inside, 'memory.bin'), { recursive: true });
    const [link, pipe] = [place('link'), place('pipe')];
    symlinkSync('nowhere', link);
    execFileSync('mkfifo', [pipe]);
    for (const path of [inside, link, pipe]) {
      const before = around(path);
      expect(codeOf(() => WRITERS.dir(path, { force: true }))).toMatch(/^OUTPUT_(EXISTS|IS_LINK)$/);
      expect(codeOf(() => WRITERS.core(path, { force: true }))).toMatch(/^OUTPUT_(EXISTS|IS_LINK)$/);
      expect(around(path)).toEqual(before);
    }
  });
});

describe('a file that somebody put beside an image', () => {
  it.each(DIRECTORIES)('stays when %s is written again', (form) => {
    const path = place('output');
    WRITERS[form](path);
    writeFileSync(join(path, 'NOTES.txt'), 'notes');
    mkdirSync(join(path, 'results'));
    writeFileSync(join(path, 'results/log'), 'log');
    symlinkSync('nowhere', join(path, 'link'));
    const names = readdirSync(path).toSorted();
    const kept = ['NOTES.txt', 'results', 'link'].map((name) => everything(join(path, name)));
    WRITERS[form](path);
    expect(readdirSync(path).toSorted()).toEqual(names);
    expect(['NOTES.txt', 'results', 'link'].map((name) => everything(join(path, name)))).toEqual(kept);
    expect(readdirSync(join(path, '..'))).toEqual(['output']);
  });

  it.each(DIRECTORIES)('stays whatever the description of %s lists', (form) => {
    const path = place('output');
    WRITERS[form](path);
    const description = join(path, form === 'dir' ? 'manifest.json' : `${form}.json`);
    const document = JSON.parse(readFileSync(description, 'utf8'));
    // A name alone, and one with more to it: which of the two forms a description has is its own affair.
    document.files = ['notes.txt', ...(Array.isArray(document.files) ? document.files : [])];
    writeFileSync(description, JSON.stringify(document));
    writeFileSync(join(path, 'notes.txt'), 'mine');
    WRITERS[form](path);
    expect(readFileSync(join(path, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('is not replaced by one of the same name that comes with the image', () => {
    const path = place('output');
    WRITERS.dir(path);
    writeFileSync(join(path, 'boot.elf'), 'mine');
    const extra = [{ name: 'boot.elf', bytes: Buffer.from('ours') }];
    const before = around(path);
    const { code, message } = errorOf(() => writeImageDirectory(image, path, { extra }));
    expect([code, message]).toEqual(['OUTPUT_EXISTS', expect.stringMatching(/boot\.elf would be lost/)]);
    expect(around(path)).toEqual(before);
    writeImageDirectory(image, path, { extra, force: true });
    expect(readFileSync(join(path, 'boot.elf'), 'utf8')).toBe('ours');
    // Now it is of the image.
    writeImageDirectory(image, path);
    expect(readdirSync(path)).not.toContain('boot.elf');
  });

  it('is not ours because a manifest from elsewhere says so', () => {
    const path = place('output');
    WRITERS.dir(path);
    writeFileSync(join(path, '../outside'), 'mine');
    const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'));
    manifest.files.push('../outside', '..', '/etc/hostname');
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    WRITERS.dir(path);
    expect(readFileSync(join(path, '../outside'), 'utf8')).toBe('mine');
  });

  it('is told from files of an image of 0.1.0, whose manifest lists none', () => {
    const path = place('output');
    WRITERS.dir(path);
    const { files: _, ...manifest } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'));
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    writeFileSync(join(path, 'NOTES.txt'), 'notes');
    WRITERS.dir(path);
    expect(readdirSync(path).toSorted()).toEqual(['NOTES.txt', 'kho.dtb', 'manifest.json', 'memory.bin']);
    readImageDirectory(path);
  });
});

describe('the command', () => {
  const source = place('source');
  WRITERS.dir(source);
  const core = place('a.core');
  WRITERS.core(core);
  const bzImage = place('bzImage');
  writeFileSync(bzImage, kernel);
  const raw = place('raw');
  writeFileSync(raw, OTHER_CORE);
  const hardLink = place('hard.core');
  linkSync(core, hardLink);

  it.each<[string, string, string[]]>([
    ['a core onto itself', core, ['build', core, '-o', core, '--format', 'core']],
    ['a core onto a link of it', core, ['build', core, '-o', hardLink, '--format', 'core', '--force']],
    ['a core of somebody else onto itself', raw, ['build', raw, '-o', raw, '--format', 'core', '--force']],
    ['an image onto itself', source, ['build', source, '-o', source]],
    [
      'a part onto the image',
      source,
      ['build', source, '-o', join(source, 'memory.bin'), '--format', 'core', '--force'],
    ],
    [
      'the kernel',
      bzImage,
      ['build', source, '-o', bzImage, '--format', 'elf', '--kernel', bzImage, '--force'],
    ],
    ['a capture onto its source', source, ['capture', source, '-o', source, '--force']],
    [
      'a capture into its source',
      source,
      ['capture', join(source, 'memory.bin'), '--base', '0', '-o', source, '--force'],
    ],
  ])('refuses %s', (_what, path, args) => {
    const before = around(path);
    const { code, stderr } = khoforge(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/are the same, or one is a part of the other/)]);
    expect(around(path)).toEqual(before);
  });

  it.each<[string, string[]]>([
    ['build', ['build', 'no-such-spec.yaml', '-o', source, '--format', 'raw']],
    ['capture', ['capture', 'no-such-dump', '-o', raw]],
    ['capture --qmp', ['capture', '--qmp', '/no-such-socket', '-o', raw]],
  ])('%s says so before it does any work', (_what, args) => {
    const { code, stderr } = khoforge(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/exists and is/)]);
  });

  it.each<[string, string, RegExp]>([
    ["''", '', /the output has no name/],
    ['.', '.', /is the current directory/],
    ['/', '/', /is no khoforge image/],
    ['..', '..', /is no khoforge image/],
  ])('-o %s is bad usage', (_what, path, text) => {
    const inside = place('inside');
    WRITERS.dir(inside);
    const args = ['build', join(process.cwd(), 'examples/quickstart.yaml'), '-o', path];
    const { code, stderr } = khoforge(args, {}, inside);
    expect([code, stderr]).toEqual([2, expect.stringMatching(text)]);
  });

  it('says what a link leads to', () => {
    const link = place('link');
    symlinkSync(source, link);
    const { code, stderr } = khoforge(['build', 'examples/quickstart.yaml', '-o', link]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`name what is to be written itself: ${source}`),
    ]);
  });

  it('takes --force', () => {
    const path = place('output');
    writeFileSync(path, 'mine');
    const args: readonly [Form, string][] = [['core', path]];
    for (const [form, output] of args) {
      const run = ['build', 'examples/quickstart.yaml', '-o', output, '--format', form];
      expect(khoforge(run).stderr).toMatch(/its 4 B would be lost/);
      expect(khoforge([...run, '--force']).code).toBe(0);
    }
  });
});
