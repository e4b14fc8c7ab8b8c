import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** Debian: slurm-wlm and munge. Root, since slurmd starts jobs of others. */
export function whyNoSlurm(): string | undefined {
  const missing = ['munged', 'slurmctld', 'slurmd'].filter(
    (tool) => spawnSync(tool, ['--version'], { timeout: 60_000 }).error !== undefined,
  );
  if (missing.length > 0) return `no ${missing.join(', ')}: apt-get install -y munge slurm-wlm`;
  return process.getuid?.() === 0 ? undefined : 'it takes root';
}

/** A job, or a task of an array such as `7_2`, as Slurm shows it. */
export type SlurmJob = Readonly<Record<string, string | undefined>>;

/** Slurm on this machine alone, with two processors: it is gone after the test. */
export class Slurm {
  readonly #env: NodeJS.ProcessEnv;
  readonly #folder: string;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = { ...process.env, ...env, SLURM_CONF: join(folder, 'slurm.conf') };
  }

  /** @param folder empty, for all that it keeps; @param env of jobs */
  static async start(folder: string, env: NodeJS.ProcessEnv): Promise<Slurm> {
    const at = (name: string) => join(folder, name);
    const node = hostname().split('.')[0] ?? '';
    writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o600 });
    writeFileSync(at('slurm.conf'), configuration(node, at));
    const slurm = new Slurm(folder, env);
    const files = ['key-file=munge.key', 'socket=munge', 'pid-file=munged.pid', 'log-file=munged.log'];
    const words = [...files, 'seed-file=munged.seed'].map((word) => `--${word.replace('=', `=${folder}/`)}`);
    slurm.#daemon('munged', '--foreground', '--force', ...words);
    await vi.waitFor(() => slurm.run('munge', '-n', '-S', at('munge')), WAIT);
    slurm.#daemon('slurmctld', '-D');
    slurm.#daemon('slurmd', '-D');
    await vi.waitFor(() => {
      if (!slurm.run('sinfo', '-h', '-o', '%t').startsWith('idle')) throw new Error('the node is not there');
    }, WAIT);
    return slurm;
  }

  run(command: string, ...args: string[]): string {
    return execFileSync(command, args, { encoding: 'utf8', env: this.#env, cwd: this.#folder }).trim();
  }

  job(name: string): SlurmJob {
    const words = this.run('scontrol', 'show', 'job', '-o', name).split(' ');
    return Object.fromEntries(words.map((word) => word.split('=', 2)));
  }

  /** Waits until a job is in a state. */
  async until(name: string, ...states: string[]): Promise<void> {
    await vi.waitFor(() => {
      const { JobState: state = '' } = this.job(name);
      if (!states.includes(state)) throw new Error(`job ${name} is ${state}`);
    }, WAIT);
  }

  /** What Slurm runs of a job, as it would see it. */
  processes(name: string): number[] {
    const [, ...lines] = this.run('scontrol', 'listpids', this.job(name).JobId ?? '').split('\n');
    return lines.map((line) => Number(line.trim().split(/\s+/)[0])).filter((pid) => pid > 0);
  }

  #daemon(program: string, ...args: string[]): void {
    const child: ChildProcess = spawn(program, args, { env: this.#env, cwd: this.#folder, stdio: 'ignore' });
    // It writes its state as it ends.
    const ended = once(child, 'exit');
    onTestFinished(async () => {
      if (child.kill()) await ended;
    });
  }
}

const WAIT = { timeout: 300_000, interval: 200 };

/** Ports and files of its own, beside a Slurm that the machine may have. */
function configuration(node: string, at: (name: string) => string): string {
  const port = 16_000 + (process.pid % 4000) * 2;
  return [
    'ClusterName=khoforge',
    `SlurmctldHost=${node}(127.0.0.1)`,
    'SlurmUser=root',
    'SlurmdUser=root',
    'AuthType=auth/munge',
    // What is run again waits until the credential of its first run is no longer good: 120 s by default.
    `AuthInfo=socket=${at('munge')},cred_expire=5`,
    `SlurmctldPort=${port}`,
    `SlurmdPort=${port + 1}`,
    `SlurmctldPidFile=${at('slurmctld.pid')}`,
    `SlurmdPidFile=${at('slurmd.pid')}`,
    `StateSaveLocation=${at('state')}`,
    `SlurmdSpoolDir=${at('spool')}`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'SwitchType=switch/none',
    'MpiDefault=none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU',
    'ReturnToService=2',
    'SlurmdParameters=config_overrides',
    `NodeName=${node} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
    `PartitionName=all Nodes=${node} Default=YES MaxTime=INFINITE State=UP`,
    '',
  ].join('\n');
}
