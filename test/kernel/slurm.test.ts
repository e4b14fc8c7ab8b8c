import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { khoforge } from '../cli/run.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { buildKernel } from './receiver.ts';
import { Slurm, whyNoSlurm } from './slurm.ts';

const why = whyNoSlurm();
if (why !== undefined) console.log(`SKIPPED: Slurm: ${why}`);

/** As many cases as take a part some seconds. */
const FILTER = ['--filter', 'root-fdt/m'];

/** One that ended meanwhile, as its parent was, is as dead. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

describe.skipIf(why !== undefined)('a Slurm job array, on 7.3', () => {
  it('comes to what one run comes to, also where a part of it was killed and run again', async () => {
    const folder = temporary();
    const at = (name: string) => join(folder, name);
    for (const name of ['bin', 'slurm', 'out']) mkdirSync(at(name));
    symlinkSync(resolve('bin/khoforge.js'), at('bin/khoforge'));
    const kernel = buildKernel();
    const env = { PATH: `${at('bin')}:${process.env.PATH}`, KERNEL: kernel, OUT: at('out'), PARTS: '2' };
    const slurm = await Slurm.start(at('slurm'), env);

    const script = resolve('examples/cluster/suite.sbatch');
    const options = ['--array=1-2', '--cpus-per-task=1', '--mem-per-cpu=0'];
    const array = slurm.run('sbatch', '--parsable', ...options, script, ...FILTER);
    const second = `${array}_2`;
    const results = at('out/part-2/results.jsonl');
    const names = () => {
      const [, ...lines] = existsSync(results) ? readFileSync(results, 'utf8').trimEnd().split('\n') : [];
      return lines.map((line) => String(JSON.parse(line).name));
    };
    await vi.waitFor(() => expect(names().length).toBeGreaterThanOrEqual(2), WAIT);
    for (const pid of slurm.processes(second)) killed(pid);
    await slurm.until(second, 'FAILED');
    await slurm.until(`${array}_1`, 'COMPLETED');
    const before = names();
    const early = merged(at('out'), at('early'));
    expect(early.code).toBe(1);
    expect(early.report.left).toBeGreaterThan(0);

    slurm.run('scontrol', 'requeue', second);
    await slurm.until(second, 'COMPLETED');
    expect(slurm.job(second).Restarts).toBe('1');
    // What it had found stays, and nothing is asked twice.
    expect(names().slice(0, before.length)).toEqual(before);
    expect(new Set(names()).size).toBe(names().length);

    const whole = merged(at('out'), at('whole'));
    const alone = khoforge(['suite', '--kernel', kernel, ...FILTER, '--json']);
    expect(whole.code).toBe(alone.code);
    expect(whole.report).toEqual(reportOf(alone.stdout));
    expect(whole.report.left).toBe(0);
    console.log(`${slurm.run('sinfo', '--version')}: job ${array}, ${before.length} cases before the kill`);
  });
});

const WAIT = { timeout: 300_000, interval: 100 };

const reportOf = (text: string) => ({ ...JSON.parse(text), seconds: 0 });

function merged(out: string, output: string) {
  const parts = readdirSync(out).map((name) => join(out, name));
  const { code, stdout } = khoforge(['merge', ...parts, '-o', output, '--json']);
  return { code, report: reportOf(stdout) };
}
