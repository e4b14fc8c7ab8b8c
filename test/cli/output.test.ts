import { spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mainCaught } from './in-process.ts';

describe('a usage error', () => {
  it.each([
    ['an option that is not known', ['verify', 'x.yaml', '--jsom'], /^unknown option '--jsom'$/],
    ['an argument that is missing', ['verify'], /^missing required argument 'source'$/],
    ['a value that is none', ['bench', '--size', 'x'], /^option '--size <list>' argument 'x' is invalid/],
    ['a command of abi that is not known', ['abi', 'nope'], /^unknown command 'nope'$/],
    ['a form that is not known', ['verify', 'x.yaml', '--format', 'xml'], /argument 'xml' is invalid/],
    ['two forms', ['verify', 'x.yaml', '--format', 'ktap'], /^--json and --format ktap exclude each other$/],
    ['DTS as JSON', ['inspect', 'x', '--dts'], /^option '--dts' cannot be used with option '--json'$/],
    [
      'a spec as JSON',
      ['inspect', 'x', '--as-spec'],
      /^option '--as-spec' cannot be used with option '--json'/,
    ],
  ])('is JSON with --json: %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await mainCaught([...args, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: { name: 'khoforge-error', version: 1 },
      code: 'USAGE',
      message: expect.stringMatching(message),
    });
    expect(stderr.trim().split('\n')[0]).toMatch(message.source.startsWith('^--') ? /exclude/ : /^error: /);
    expect(code).toBe(2);
  });

  it('names the option that was meant, as a hint', async () => {
    const { stdout, stderr } = await mainCaught(['verify', 'x.yaml', '--recever', '--format', 'json']);
    expect(JSON.parse(stdout).hint).toBe('(Did you mean --receiver?)');
    expect(stderr).toMatch(/^error: unknown option '--recever'\n\(Did you mean --receiver\?\)\n/);
  });
});

const program = 'bin/khoforge.js';

describe('what khoforge cannot run on', () => {
  it.each([
    ['verify', 'examples/quickstart.yaml'],
    ['inspect', '--help'],
  ])('is a full disk behind standard output: %s %s', (...args) => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    expect(stderr).toBe(
      'khoforge: cannot write to standard output: ENOSPC: no space left on device, write\n',
    );
    expect(status).toBe(3);
  });

  it('is an older Node.js than package.json names', () => {
    const { engines }: { engines: { node: string } } = JSON.parse(readFileSync('package.json', 'utf8'));
    const fake = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.16.0"})';
    const { status, stderr } = spawnSync(process.execPath, ['--import', fake, program, '--version'], {
      encoding: 'utf8',
    });
    expect(stderr).toBe(
      `khoforge: Node.js 20.16.0 is too old: it takes ${engines.node.replace('>=', '')} or later\n`,
    );
    expect(status).toBe(3);
  });
});
