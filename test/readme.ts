import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface SessionStep {
  readonly command: string;
  /** What the README says that it prints. */
  readonly output: string;
}

/** The session on the README's first screen: commands after `$ `, each with the lines that follow it. */
export function readmeSession(): SessionStep[] {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const block = /```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = '', ...lines] = text.trimEnd().split('\n');
      return { command, output: lines.join('\n') };
    });
}

/** The specs of the README, in its order. */
export function readmeSpecs(): string[] {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  return [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
}

/** Runs a command as a reader of the README would, in a clone. @returns its standard output */
export function runAsReader(command: string): string {
  return execFileSync('bash', ['-c', command], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trimEnd();
}

/** Times and temporary names differ from run to run. */
export function withoutAccidents(output: string): string {
  return output.replace(/\d+\.\d s;/g, 'N s;').replace(/console: \S+/g, 'console: FILE');
}
