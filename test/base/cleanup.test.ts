import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../src/base/cleanup.ts';

const CLEANUP = new URL('../../dist/base/cleanup.js', import.meta.url);
/** For `waitFor`: what is left is removed a moment after the end. */
const SOON = { timeout: 60_000 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'khoforge-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that claims a folder, a file and a child, prints the child's number, and ends in its way. */
async function run(end: string): Promise<{ code: number | null; signal: string | null; child: number }> {
  const program = `
    import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    import { claimChildren, claimPath, temporaryFolder } from ${JSON.stringify(CLEANUP.href)};
    const made = temporaryFolder('a b\\n\\\\nc');
    writeFileSync(made.path + '/file', 'text');
    const file = claimPath('file');
    writeFileSync('file', 'text');
    // A child of a child, and nothing that a process number would tell.
    const { env } = claimChildren();
    const child = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    child.unref();
    child.stdout.once('data', (line) => {
      process.stdout.write(line, () => { ${end} });
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child: Number(await text(child.stdout)), ...(await ended) };
}

const left = () => readdirSync(folder);

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('what is claimed', () => {
  const ENDS: [string, string, object][] = [
    ['the end of the program', 'child.stdout.destroy()', { code: 0 }],
    ['process.exit()', 'process.exit(3)', { code: 3 }],
    ['an error', 'throw new Error()', { code: 1 }],
    ...['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'].map((signal): [string, string, object] => [
      `${signal} while the event loop stands`,
      `process.kill(process.pid, '${signal}'); for (;;);`,
      { signal },
    ]),
  ];
  it.each(ENDS)('goes at %s', async (_name, end, how) => {
    const ended = await run(end);
    expect(ended).toMatchObject(how);
    expect(ended.child).toBeGreaterThan(1);
    await vi.waitFor(() => expect([left(), isAlive(ended.child)]).toEqual([[], false]), SOON);
  });

  it('stays once it is released', async () => {
    const { child } = await run('file.release(); made[Symbol.dispose](); process.exit();');
    await vi.waitFor(() => expect(isAlive(child)).toBe(false), SOON);
    expect(left()).toEqual(['file']);
  });
});

describe('temporaryFolder', () => {
  it('is private, and gone at the end of its use', () => {
    let path: string;
    {
      using made = temporaryFolder('test');
      path = made.path;
      expect(statSync(path).mode & 0o777).toBe(0o700);
      writeFileSync(join(path, 'inside'), '');
    }
    expect(existsSync(path)).toBe(false);
  });
});
