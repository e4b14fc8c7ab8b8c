import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { runToolOk } from '../oracle/tools.ts';

const NATIVE = new URL('../../dist/memory/native.js', import.meta.url).href;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'khoforge-bus-error-'));
afterAll(() => rmSync(folder, { recursive: true }));

function library(name: string): string {
  const path = join(folder, `${name}.node`);
  const headers = here('../../node_modules/node-api-headers/include');
  runToolOk('cc', ['-Wall', '-Werror', '-shared', '-fPIC', '-I', headers, '-o', path, here(`${name}.c`)]);
  return path;
}

const FAULT = library('fault');

/** What the programs below do, in whatever thread it is called. */
const DEFINITIONS = `
const { openSync, readFileSync, truncateSync, writeFileSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const FILE = ${JSON.stringify(join(folder, 'file'))};
const mapped = async () => {
  const { native } = await import(${JSON.stringify(NATIVE)});
  writeFileSync(FILE, Buffer.alloc(65536, 1));
  return native().mapFile(openSync(FILE, 'r'), 0n, 65536);
};
const fault = () => require(${JSON.stringify(FAULT)}).fault();
const send = () => process.kill(process.pid, 'SIGBUS');
/** Node unloads an addon with the last thread that loaded it. */
const worker = () => new Promise((resolve) => new Worker(DEFINITIONS + 'mapped();', { eval: true }).on('exit', resolve));
`;

function run(program: string, env: NodeJS.ProcessEnv = {}) {
  const source = `const DEFINITIONS = ${JSON.stringify(DEFINITIONS)};${DEFINITIONS}
    (async () => { ${program} setTimeout(() => console.log('alive'), 200); })();`;
  const { stdout, stderr, signal } = spawnSync(process.execPath, ['-e', source], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...env },
  });
  return { stdout, stderr, signal };
}

describe('SIGBUS elsewhere than in a mapped file ends the process by SIGBUS', () => {
  it.each(['fault', 'send'])('%s', (how) => {
    const ended = { stdout: '', stderr: '', signal: 'SIGBUS' };
    expect(run(`${how}();`), 'without the addon').toEqual(ended);
    expect(run(`await mapped(); ${how}();`), 'with the addon').toEqual(ended);
    expect(run(`await worker(); ${how}();`), 'after a worker with the addon').toEqual(ended);
    expect(run(`await worker(); await mapped(); ${how}();`), 'in a worker, then here').toEqual(ended);
  });
});

describe('a mapped file that shrinks', () => {
  const READ = 'const map = await mapped(); truncateSync(FILE, 0); console.log(map[0]);';

  it('reads as zeroes, also after a worker had the addon', () => {
    expect(run(`await worker(); ${READ}`)).toEqual({ stdout: '0\nalive\n', stderr: '', signal: null });
  });

  it('reads as zeroes when the handler could be installed only later', () => {
    const refused = 'await mapped().catch(({ code, message }) => console.log(code, message));';
    expect(run(`${refused} ${READ}`, { LD_PRELOAD: library('failing-sigaction') })).toEqual({
      stdout: 'FILE_MAP Resource temporarily unavailable\n0\nalive\n',
      stderr: '',
      signal: null,
    });
  });
});
