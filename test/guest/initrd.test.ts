import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpioArchive } from '../../src/guest/cpio.ts';
import { buildInitrd, initLines, planLine } from '../../src/guest/initrd.ts';
import { hostArch } from '../../src/toolchain/compiler.ts';
import { archiveEntries } from './archive.ts';
import { temporary } from './fake-qemu.ts';

const arch = hostArch();

describe('an archive', () => {
  it('is as the kernel unpacks it', () => {
    const bytes = Buffer.from('odd');
    const found = archiveEntries(
      cpioArchive([{ path: 'dev' }, { path: 'init', bytes }, { path: 'dev/x', bytes: Buffer.alloc(0) }]),
    );
    expect(found.map(({ name, mode, bytes: { length } }) => [name, mode.toString(8), length])).toEqual([
      ['dev', '40755', 0],
      ['init', '100755', 3],
      ['dev/x', '100755', 0],
    ]);
    expect(found[1]?.bytes.toString()).toBe('odd');
  });

  it('has the folders of every file, each before what is in it', () => {
    const files = { '/usr/bin/node': Buffer.from('1'), '/usr/lib/x': Buffer.from('2') };
    const names = archiveEntries(buildInitrd({ arch, plan: [], files })).map(({ name }) => name);
    const folders = ['dev', 'proc', 'sys', 'tmp', 'usr', 'usr/bin', 'usr/lib'];
    expect(names).toEqual([...folders, 'init', 'plan', 'usr/bin/node', 'usr/lib/x']);
  });
});

/** Runs the init that would be process 1 of a guest as any process. @returns its own lines, and all it printed */
function follow(plan: readonly string[], folder = temporary()): { own: string[]; all: string } {
  const entries = archiveEntries(buildInitrd({ arch, plan }));
  for (const name of ['init', 'plan']) {
    writeFileSync(join(folder, name), entries.find((entry) => entry.name === name)?.bytes ?? '');
  }
  chmodSync(join(folder, 'init'), 0o755);
  const all = execFileSync(join(folder, 'init'), [join(folder, 'plan')], { encoding: 'utf8' });
  const own = initLines(all.split('\n'));
  expect(own[0]).toBe(`start ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()}`);
  expect(own.at(-1)).toBe('done');
  return { own: own.slice(1, -1), all };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('init', () => {
  it('runs programs with any arguments, and prints how they ended', () => {
    const words = ['%s|', 'a b', '', 'tab\t', '\\x41', 'new\nline', 'ä'];
    const { own, all } = follow([
      planLine('run', '/usr/bin/printf', ...words),
      planLine('run', '/bin/sh', '-c', 'exit 3'),
      planLine('run', '/bin/sh', '-c', 'kill -KILL $$'),
      planLine('run', '/nowhere'),
    ]);
    expect(all).toContain(`${words.slice(1).join('|')}|\nkhoforge-init: exit 0\n`);
    const runs = ['exit 0', 'run /bin/sh', 'exit 3', 'run /bin/sh', 'exit 137', 'run /nowhere', 'exit 127'];
    expect(own).toEqual(['run /usr/bin/printf', ...runs]);
  });

  it('passes on what a program prints, line by line, until it ends', () => {
    const { all } = follow([
      planLine('run', '/bin/sh', '-c', 'printf "one\\n\\n%0900d|" 7; echo two >&2'),
      planLine('run', '/bin/sh', '-c', 'sleep 3607 & echo its child goes on; kill -9 $$'),
    ]);
    const zeroes = '0'.repeat(880);
    const long = `${zeroes}\n${'0'.repeat(19)}7|two\n`;
    expect(all).toContain(`run /bin/sh\none\n\n${long}khoforge-init: exit 0\n`);
    expect(all).toContain('its child goes on\nkhoforge-init: exit 137\n');
    execFileSync('pkill', ['-f', '^sleep 3607$']);
  });

  it('prints files, and hashes as they are elsewhere', () => {
    const folder = temporary();
    const bytes = Buffer.from(Array.from({ length: 200_003 }, (_, i) => (i * i) % 251));
    mkdirSync(join(folder, 'tree/sub dir'), { recursive: true });
    writeFileSync(join(folder, 'tree/big'), bytes);
    writeFileSync(join(folder, 'tree/sub dir/text'), 'one\n  two\n');
    writeFileSync(join(folder, 'tree/void'), '');
    const big = join(folder, 'tree/big');
    const { own } = follow(
      [
        planLine('print', join(folder, 'tree/sub dir/text')),
        planLine('sha256', big, '0x1000', '100000'),
        planLine('sha256', big, '0', '55'),
        planLine('sha256', big, '0', '0'),
        planLine('tree', join(folder, 'tree')),
        planLine('tree', '/no such folder'),
        planLine('sha256', big, '0', '200004'),
        planLine('print', '/nowhere'),
      ],
      folder,
    );
    expect(own).toEqual([
      `text ${folder}/tree/sub\\x20dir/text one`,
      `text ${folder}/tree/sub\\x20dir/text   two`,
      `sha256 ${big} 0x1000 ${sha256(bytes.subarray(4096, 104096))}`,
      `sha256 ${big} 0x0 ${sha256(bytes.subarray(0, 55))}`,
      `sha256 ${big} 0x0 ${sha256(Buffer.alloc(0))}`,
      `file big size=200003 sha256=${sha256(bytes)}`,
      'dir sub\\x20dir',
      `file sub\\x20dir/text size=10 sha256=${sha256(Buffer.from('one\n  two\n'))}`,
      'text sub\\x20dir/text one',
      'text sub\\x20dir/text   two',
      `file void size=0 sha256=${sha256(Buffer.alloc(0))}`,
      'no /no\\x20such\\x20folder',
      `error ${big} ends at 0x30d43`,
      'error /nowhere No such file or directory',
    ]);
  });

  it('writes, and says what it cannot do', () => {
    const folder = temporary();
    writeFileSync(join(folder, 'knob'), 'before');
    const { own } = follow(
      [
        planLine('write', join(folder, 'knob'), '1 2'),
        planLine('write', '/nowhere/knob', '1'),
        planLine('dance'),
        planLine('run'),
        planLine('print', '/a', '/b'),
        '',
        planLine('luo', 'session', '1'),
      ],
      folder,
    );
    expect(readFileSync(join(folder, 'knob'), 'utf8')).toMatch(/^1 2\n/);
    expect(own.slice(0, 5)).toEqual([
      `wrote ${folder}/knob`,
      'error /nowhere/knob No such file or directory',
      'error dance Function not implemented',
      'error run Invalid argument',
      'error print Invalid argument',
    ]);
    // Without the kernel's headers of it, or without the device.
    expect(own[5]).toMatch(/^error (luo|\/dev\/liveupdate) /);
  });

  it('compiles without a warning', () => {
    const init = join(import.meta.dirname, '../../src/guest/init');
    const flags = ['-std=gnu11', '-Os', '-Wall', '-Wextra', '-Werror', '-fsyntax-only'];
    const run = spawnSync('sh', ['-c', `gcc ${flags.join(' ')} *.c`], { cwd: init, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });
});
