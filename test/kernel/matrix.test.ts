import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fate } from '../../src/matrix/cell.ts';
import { khoforge } from '../cli/run.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

/** Those of whose images and receivers `verify` knows everything. */
const RELEASES = ['7.3', ...RECEIVERS.filter((release) => release !== '6.17')].filter(
  (release) => whyUnfetchable(release) === undefined,
);

/**
 * What is to come of each pair: docs/generations.md, and where user space loses something by itself. 6.19 hands over no
 * seals, and 6.18 has no sessions to give.
 */
function expected(from: string, to: string): Fate {
  const generations = [['7.3', '7.2'], ['7.1'], ['6.19', '6.18']];
  if (!generations.some((releases) => releases.includes(from) && releases.includes(to))) return 'nothing';
  return from === '6.19' ? 'part' : 'all';
}

const folder = mkdtempSync(join(tmpdir(), 'khoforge-matrix-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

interface Document {
  readonly cells: readonly {
    readonly from: string;
    readonly to: string;
    readonly abi?: { readonly outcome: string };
    readonly verify?: { readonly verdict: string };
    readonly real?: {
      readonly fate: Fate;
      readonly verdict: string;
      readonly files: { readonly lost: readonly string[] };
    };
    readonly findings: readonly string[];
    readonly ok: boolean;
  }[];
}

describe('each released kernel, and each next one', () => {
  let document: Document;
  let code: number | null;
  const kernels = () => RELEASES.map((release) => `${release}=${buildKernel('--release', release)}`);
  const output = join(folder, 'matrix');
  const expectations = join(folder, 'expect.yaml');

  beforeAll(() => {
    const rules = RELEASES.flatMap((from) =>
      RELEASES.map((to) => ({ from, to, expect: expected(from, to) })),
    );
    writeFileSync(expectations, JSON.stringify(rules));
    const args = ['matrix', ...kernels(), '-o', output, '--expect', expectations, '--timeout', '300'];
    const run = khoforge([...args, '--json']);
    code = run.code;
    said.push(run.stderr);
    document = JSON.parse(run.stdout);
    // Nothing is made again: the text is of the same handovers.
    said.push(khoforge(['matrix', ...kernels().slice(0, 1), '-o', output]).stdout);
  });

  it('come to what the generations of the ABI say', () => {
    said.push(...document.cells.map(({ from, to, real }) => `${from} to ${to}: ${real?.fate}`));
    expect(document.cells.filter(({ ok }) => !ok)).toEqual([]);
    expect(code).toBe(0);
    expect(document.cells).toHaveLength(RELEASES.length ** 2);
  });

  it('are foretold by verify', () => {
    for (const { verify, real } of document.cells) expect(real?.verdict).toBe(verify?.verdict);
  });

  it('are foretold by their headers, but for the seals that 6.19 does not hand over', () => {
    const odd = document.cells.filter(({ findings }) => findings.length > 0);
    expect(odd.map(({ from, to }) => `${from} to ${to}`)).toEqual(
      RELEASES.includes('6.19') ? ['6.19 to 6.19'] : [],
    );
    for (const { real } of odd) {
      expect(real?.files.lost.every((text) => /: seals 0x\w+, now 0x1$/.test(text))).toBe(true);
    }
  });
});

describe('arm64 kernels of one release', () => {
  it('with pages of different sizes kill each other, as headers and verify say', () => {
    const kernels = ['4K', '16K'].map(
      (size) => `${size}=${buildKernel('--arch', 'arm64', '--page-size', size)}`,
    );
    const { stdout } = khoforge(['matrix', ...kernels, '--memory', '1GiB', '--timeout', '300', '--json']);
    const { cells }: Document = JSON.parse(stdout);
    said.push(...cells.map(({ from, to, real }) => `arm64, ${from} to ${to}: ${real?.fate}`));
    const found = cells.map(({ abi, verify, real, findings }) =>
      [abi?.outcome, verify?.verdict, real?.fate, findings.length].join(' '),
    );
    const killed = 'corrupts broken broken 0';
    expect(found).toEqual(['ok revived all 0', killed, killed, 'ok revived all 0']);
  });
});
