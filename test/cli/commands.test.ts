import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { mainCaught } from './in-process.ts';
import { khoforge } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-cli-'));
const quickstart = 'examples/quickstart.yaml';

function spec(name: string, text: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

const sums = (directory: string) =>
  execFileSync('sh', ['-c', 'sha256sum -- *'], { cwd: directory, encoding: 'utf8' });

describe('khoforge build', () => {
  it('gives equal bytes on every run and from every directory', () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'deeper', 'second')];
    expect(khoforge(['build', quickstart, '-o', first]).code).toBe(0);
    expect(khoforge(['build', quickstart, '-o', second]).code).toBe(0);
    expect(sums(second)).toBe(sums(first));
    expect(readdirSync(first).sort()).toEqual(['kho.dtb', 'manifest.json', 'memory.bin']);
  });

  it('writes an FDT that dtc reads, without a warning', () => {
    const directory = join(folder, 'dtb');
    khoforge(['build', quickstart, '-o', directory]);
    const dts = execFileSync('dtc', ['-I', 'dtb', '-O', 'dts', join(directory, 'kho.dtb')], {
      encoding: 'utf8',
    });
    expect(dts).toContain('compatible = "kho-v4";');
    expect(dts.indexOf('kho_test {')).toBeLessThan(dts.indexOf('kexec-metadata {'));
  });

  it('makes an ELF core of a spec, of its image directory and of that core: the same', () => {
    const [directory, core, again, third] = ['forms', 'a.core', 'b.core', 'c.core'].map((name) =>
      join(folder, name),
    );
    khoforge(['build', quickstart, '-o', directory ?? '']);
    for (const [from, to] of [
      [quickstart, core],
      [directory, again],
      [core, third],
    ]) {
      const { code, stderr, stdout } = khoforge(['build', from ?? '', '-o', to ?? '', '--format', 'core']);
      expect(stderr).toBe('');
      expect(stdout).toContain('root FDT at 0x200000');
      expect(code).toBe(0);
    }
    expect(khoforge(['diff', directory ?? '', third ?? '']).code).toBe(0);
    execFileSync('cmp', [core ?? '', again ?? '']);
  });

  it('does not write a file over one that is something else', () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'mine');
    for (const path of [precious, folder]) {
      const { code, stderr } = khoforge(['build', quickstart, '-o', path, '--format', 'core']);
      expect(stderr).toMatch(/exists and is (a directory|no older image of this form)/);
      expect(code).toBe(2);
    }
    expect(readFileSync(precious, 'utf8')).toBe('mine');
  });

  it('makes the boot.elf of an image directory alone', () => {
    const [directory, elf, kernel] = [
      join(folder, 'bootable'),
      join(folder, 'boot.elf'),
      join(folder, 'bzImage'),
    ];
    writeFileSync(kernel, fakeBzImage());
    expect(khoforge(['build', quickstart, '-o', directory, '--kernel', kernel]).code).toBe(0);
    expect(khoforge(['build', quickstart, '-o', elf, '--format', 'elf', '--kernel', kernel]).code).toBe(0);
    execFileSync('cmp', [elf, join(directory, 'boot.elf')]);
  });

  it('lists the paths of a spec', () => {
    const { code, stdout } = khoforge(['build', quickstart, '--paths']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^place +kho_test\/folios\[0\]$/m);
    expect(stdout).toMatch(/^override +root-fdt\/compatible$/m);
  });

  it.each([
    ['a spec that is not there', ['build', 'nowhere.yaml', '-o', 'x'], 2, /cannot read nowhere.yaml: ENOENT/],
    [
      'a spec with a misspelt key',
      ['build', spec('typo', 'finalised: no'), '-o', 'x'],
      2,
      /did you mean 'finalized'/,
    ],
    [
      'a spec over RAM',
      ['build', spec('big', 'preserve: [{ name: a, size: 1GiB }]'), '-o', 'x'],
      2,
      /no room for preserve\/a/,
    ],
    [
      'placements that overlap',
      [
        'build',
        spec('overlap', 'preserve: [{name: a, size: 8K, addr: 4M}, {name: b, size: 4K, addr: 0x401000}]'),
        '-o',
        'x',
      ],
      2,
      /placement-overlap: preserve\/\w at 0x40[01]000/,
    ],
    ['no output', ['build', quickstart], 2, /add -o DIR/],
    [
      'an output that is something else',
      ['build', quickstart, '-o', folder],
      2,
      /exists and is no khoforge image/,
    ],
    [
      'an unreadable kernel',
      ['build', quickstart, '-o', 'x', '--kernel', 'nowhere'],
      2,
      /cannot read nowhere/,
    ],
    ['a kernel that is none', ['build', quickstart, '-o', 'x', '--kernel', quickstart], 2, /bzImage/],
    [
      'an option that is of no use to a format',
      ['build', quickstart, '-o', 'x', '--vmlinux', 'vmlinux'],
      2,
      /--vmlinux is of no use to --format dir/,
    ],
    ['a format without its kernel', ['build', quickstart, '-o', 'x', '--format', 'elf'], 2, /add --kernel/],
    ['an initrd for no kernel', ['build', quickstart, '-o', 'x', '--initrd', quickstart], 2, /add --kernel/],
    ['an unknown option', ['build', quickstart, '--outptu', 'x'], 2, /--output/],
    ['an unknown command', ['biuld'], 2, /build/],
    [
      'an output where none can be',
      ['build', quickstart, '-o', '/proc/none/image'],
      3,
      /cannot write \/proc\/none\/image: ENOENT/,
    ],
    [
      'a file for output where none can be',
      ['build', quickstart, '-o', 'package.json/image.core', '--format', 'core'],
      3,
      /cannot write package.json\/image.core: ENOTDIR/,
    ],
    ['an image that is not there', ['inspect', 'nowhere'], 2, /cannot read/],
  ])('tells of %s, with exit code and way out', async (_what, args, expected, text) => {
    const { code, stdout, stderr } = await mainCaught(args);
    expect(stderr).toMatch(text);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).toBe('');
    expect(code).toBe(expected);
    expect(existsSync('x')).toBe(false);
  });

  it('leaves nothing behind on a full disk, and keeps the image that was there', () => {
    const parent = join(folder, 'full');
    mkdirSync(parent);
    khoforge(['build', quickstart, '-o', join(parent, 'image')]);
    const before = sums(join(parent, 'image'));
    const { code, stderr } = runLimited(['build', quickstart, '-o', join(parent, 'image')]);
    expect(stderr).toMatch(/cannot write .*image: /);
    expect(code).toBe(3);
    expect(readdirSync(parent)).toEqual(['image']);
    expect(sums(join(parent, 'image'))).toBe(before);
  });

  it('has its errors as JSON, too', () => {
    const { code, stdout } = khoforge(['build', 'nowhere.yaml', '-o', 'x', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: { name: 'khoforge-error', version: 1 },
      code: 'FILE_UNREADABLE',
      where: { file: 'nowhere.yaml' },
    });
  });
});

/** Runs with a limit of 256 KiB per file: writing more fails, as on a full disk. */
function runLimited(args: readonly string[]) {
  const program = join(process.cwd(), 'bin', 'khoforge.js');
  const script = `trap '' XFSZ; ulimit -f 256; exec "$0" "$@"`;
  try {
    execFileSync('bash', ['-c', script, process.execPath, program, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return { code: 0, stderr: '' };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    return { code: status, stderr };
  }
}

describe('khoforge inspect', () => {
  it('has the keys that others rely on', () => {
    const directory = join(folder, 'inspected');
    khoforge(['build', quickstart, '-o', directory]);
    const { code, stdout } = khoforge(['inspect', directory, '--json']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    const address = expect.stringMatching(/^0x[0-9a-f]+$/);
    expect(found).toMatchObject({
      schema: { name: 'khoforge-inspect', version: 1 },
      generation: 'kho-v4',
      arch: 'x86_64',
      pageSize: 4096,
      finalized: true,
      fdt: { phys: '0x200000', size: 293 },
      memoryMap: { phys: address, nodes: expect.any(Number), leaves: expect.any(Number) },
      preserved: { pages: 262, bytes: '0x106000', ranges: [{ start: '0x200000', end: '0x306000' }] },
      metadata: { version: 1, previousRelease: '6.19.0-rc4-next-20260107', kexecCount: 41 },
    });
    expect(found.scratch).toHaveLength(3);
    expect(found.scratch[0]).toEqual({ addr: address, size: '0x4000000' });
    expect(found.subtrees.map(({ name }: { name: string }) => name)).toEqual(['kho_test', 'kexec-metadata']);
  });

  it('says that a handover was never finalized', () => {
    const directory = join(folder, 'unfinalized');
    khoforge(['build', spec('unfinalized', 'finalized: false'), '-o', directory]);
    expect(khoforge(['inspect', directory]).stdout).toMatch(/not finalized, the receiver discards/);
  });

  it('tells of bytes that changed since they were written', () => {
    const directory = join(folder, 'changed');
    khoforge(['build', quickstart, '-o', directory]);
    const file = join(directory, 'memory.bin');
    const bytes = readFileSync(file);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { code, stderr } = khoforge(['inspect', directory]);
    expect(stderr).toMatch(/the bytes of 0x200000 in .*memory.bin are not those written/);
    expect(code).toBe(2);
  });
});

describe('khoforge boot', () => {
  it.each([
    ['an unreadable kernel', [quickstart, '--kernel', 'nowhere'], /cannot read nowhere/],
    ['a kernel that is none', [quickstart, '--kernel', quickstart], /bzImage/],
    ['no kernel', [quickstart], /--kernel/],
    [
      'a limit that is no number',
      [quickstart, '--kernel', 'x', '--timeout', 'soon'],
      /number of seconds above 0/,
    ],
  ])('tells of %s', async (_what, args, text) => {
    const { code, stderr } = await mainCaught(['boot', ...args]);
    expect(stderr).toMatch(text);
    expect(code).toBe(2);
  });
});

describe('khoforge doctor', () => {
  const emulator = process.arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64';

  it('names what is missing and the lines that install it', () => {
    const { code, stdout } = khoforge(['doctor'], { PATH: folder });
    expect(stdout).toMatch(/^ok +node +v\d/m);
    expect(stdout).toMatch(/^missing +qemu-system-x86_64 +needed for: boot/m);
    expect(stdout).toMatch(/^apt-get install -y qemu-system-x86 {2}# boot of x86_64 images$/m);
    expect(stdout).toMatch(/^apt-get install -y cmake g\+\+ make {2}# npm ci in a clone$/m);
    expect(code).toBe(3);
  });

  it('exits with 3 for what the installed package needs alone', () => {
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    writeFileSync(join(tools, emulator), '#!/bin/sh\necho an emulator\n', { mode: 0o755 });
    const { code, stdout } = khoforge(['doctor', '--json'], { PATH: tools });
    const { findings } = JSON.parse(stdout);
    const names = (wanted: boolean) =>
      findings
        .filter(({ found }: { found: string | null }) => (found !== null) === wanted)
        .map(({ name }: { name: string }) => name);
    expect(names(true)).toEqual(['node', 'native addon', emulator]);
    expect(names(false)).toEqual(expect.arrayContaining(['bison', 'dtc', 'cmake']));
    expect(code).toBe(0);
  });
});

it('ends quietly when its reader has seen enough', () => {
  const script = '"$0" bin/khoforge.js build --help | true';
  const { stderr } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8' });
  expect(stderr).toBe('');
});

describe('help', () => {
  it.each([[[]], [['build']], [['inspect']], [['boot']]])(
    'of %j has an example and the exit codes',
    async (command) => {
      const { code, stdout } = await mainCaught([...command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Exit codes: 0 all holds; 1 it ran/);
      if (command.length > 0) expect(stdout).toMatch(/Example:\n {2}khoforge/);
    },
  );
});
