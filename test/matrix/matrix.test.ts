import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures.ts';
import type { SaidSession } from '../../src/first-kernel/said.ts';
import { type Cell, findingsOf, type RealAnswer } from '../../src/matrix/cell.ts';
import { compareSessions } from '../../src/matrix/compare.ts';
import { ALL_ARRIVES, judgeCell, readExpectations } from '../../src/matrix/expect.ts';
import { readParties } from '../../src/matrix/party.ts';
import { matrixKtap, matrixText } from '../../src/render/matrix.ts';
import { matrixHtml } from '../../src/render/matrix-html.ts';
import { khoforge } from '../cli/run.ts';
import { codeOf } from '../thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-matrix-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function put(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const file = { token: 1n, size: 8192n, position: 0n, seals: 0x3f, sha256: 'aa' };
const session = (change: Partial<SaidSession> = {}): SaidSession => ({
  name: 'vm0',
  files: [file, { ...file, token: 2n }],
  errors: [],
  ...change,
});

describe('what user space got of what was made', () => {
  it('is everything, where all is as it was', () => {
    expect(compareSessions([session()], [session()])).toEqual({ made: 2, got: 2, lost: [] });
  });

  it.each<[string, SaidSession[], number, string[]]>([
    ['no answer', [], 0, ['vm0: no answer']],
    ['no session', [session({ error: 'ENOENT', files: [] })], 0, ['vm0: ENOENT']],
    [
      'a file that is gone',
      [session({ files: [file], errors: [{ token: 2n, error: 'EOPNOTSUPP' }] })],
      1,
      ['vm0 0x2: EOPNOTSUPP'],
    ],
    ['a file of which nothing is said', [session({ files: [file] })], 1, ['vm0 0x2: no answer']],
    [
      'one that is another',
      [
        session({
          files: [
            { ...file, seals: 1, position: 5n, sha256: 'bb' },
            { ...file, token: 2n },
          ],
        }),
      ],
      1,
      ['vm0 0x1: position 0, now 5, seals 0x3f, now 0x1, other bytes'],
    ],
  ])('with %s is less', (_what, got, count, lost) => {
    expect(compareSessions([session()], got)).toEqual({ made: 2, got: count, lost });
  });
});

const real = (change: Partial<RealAnswer> = {}): RealAnswer => ({
  fate: 'all',
  verdict: 'revived',
  reason: '3 proofs',
  files: { made: 2, got: 2, lost: [] },
  reserved: true,
  seconds: 1,
  ...change,
});
const cell = (change: Partial<Cell> = {}): Cell => ({
  from: '7.2.1',
  to: '7.3.4',
  abi: { outcome: 'ok', reason: 'same' },
  verify: { verdict: 'revived', certain: true, reason: '' },
  real: real(),
  findings: [],
  ...change,
});
const nothing = real({ fate: 'nothing', verdict: 'rejected', reason: 'it refused' });

describe('a finding', () => {
  it('is none where the answers agree', () => {
    expect(findingsOf(cell())).toEqual([]);
    const refused = { outcome: 'refused', reason: "'kho-v4' is not 'kho-v3'" } as const;
    const rejected = { verdict: 'rejected', certain: true, reason: '' } as const;
    expect(findingsOf(cell({ abi: refused, verify: rejected, real: nothing }))).toEqual([]);
    const corrupts = { outcome: 'corrupts', reason: 'misread' } as const;
    const broken = real({ fate: 'broken', verdict: 'broken' });
    expect(findingsOf({ abi: corrupts, real: broken })).toEqual([]);
  });

  it('is what headers or verify say otherwise', () => {
    const found = findingsOf(cell({ real: nothing }));
    expect(found).toEqual([
      "the headers say 'ok' (same), the kernel: nothing: it refused",
      "verify foretold 'revived', the kernel is 'rejected': it refused",
    ]);
    const unsure = { verdict: 'revived', certain: false, reason: '' } as const;
    expect(findingsOf({ verify: unsure, real: nothing })).toEqual([]);
  });
});

describe('expectations', () => {
  const path = () =>
    put(
      'expect.yaml',
      '- { from: "7.2*", to: "7.3*", expect: all }\n- { from: "*", to: "7.2*", expect: [nothing, part] }\n',
    );

  it('go by the first rule that names a pair', () => {
    const rules = readExpectations(path());
    expect(judgeCell(cell(), rules)).toMatchObject({ fates: ['all'], ok: true });
    expect(judgeCell(cell({ real: nothing }), rules).ok).toBe(false);
    expect(judgeCell(cell({ from: '7.3.4', to: '7.2.1', real: nothing }), rules).ok).toBe(true);
    expect(judgeCell(cell({ from: '7.3.4', to: '7.2.1' }), rules).ok).toBe(false);
  });

  it('say nothing of a pair that no rule names, and everything without a file', () => {
    const rules = readExpectations(path());
    expect(judgeCell(cell({ to: '7.9', real: nothing }), rules)).toMatchObject({
      fates: undefined,
      ok: true,
    });
    expect(judgeCell(cell({ to: '7.9', real: nothing }), ALL_ARRIVES).ok).toBe(false);
  });

  it('do not hold for a pair that was not tried', () => {
    const { real: _, ...untried } = cell({ why: 'kexec_file_load() failed' });
    expect(judgeCell(untried, readExpectations(path())).ok).toBe(false);
  });

  it.each([
    ['no list', 'from: 7.2'],
    ['another fate', '- { from: a, to: b, expect: maybe }'],
    ['a key too many', '- { from: a, to: b, expect: all, why: x }'],
    ['no YAML', '- { from: a'],
  ])('with %s are an error that names the file', (_what, text) => {
    expect(codeOf(() => readExpectations(put('bad.yaml', text)))).toBe('EXPECT_INVALID');
  });
});

const stop = (): string => put('bzImage', ARCHITECTURES.x86_64.stopKernel());

describe('the kernels of a matrix', () => {
  const kernel = stop;

  it('go by the names that they are given', () => {
    const parties = readParties([`a=${kernel()}`, `b=${kernel()}`], { abi: { a: '7.3' } });
    expect(parties.map(({ name, profile }) => [name, profile !== undefined])).toEqual([
      ['a', true],
      ['b', false],
    ]);
  });

  it('have names of their own', () => {
    expect(codeOf(() => readParties([`a=${kernel()}`, `a=${kernel()}`]))).toBe('USAGE');
    expect(codeOf(() => readParties([`a=${kernel()}`], { abi: { c: '7.3' } }))).toBe('USAGE');
  });
});

describe('a report', () => {
  const judged = [judgeCell(cell({ real: nothing, findings: ['odd'] }), ALL_ARRIVES)];
  const report = { parties: [], notes: new Map([['7.2.1', ['sessions: none']]]), cells: [], seconds: 3 };

  it('says of a pair what was expected, what came, and what is odd', () => {
    const text = matrixText(report, judged).join('\n');
    for (const part of [
      '7.2.1 → 7.3.4: nothing (expected all)',
      'kernel   rejected: it refused',
      'finding  odd',
      '7.2.1: sessions: none',
      '0 of 1 pairs are as expected',
    ]) {
      expect(text).toContain(part);
    }
    expect(matrixKtap(report, judged)).toContain('not ok 1 - 7.2.1 to 7.3.4: nothing');
  });
});

describe('a page', () => {
  it('has of each pair what came of it, and nothing of a name as markup', () => {
    const judged = [judgeCell(cell({ from: '<b>old', real: nothing, findings: ['1 < 2'] }), ALL_ARRIVES)];
    const notes = new Map([['<b>old', ['sessions: none']]]);
    const page = matrixHtml(
      {
        parties: readParties([stop()]).map((one) => ({ ...one, name: '<b>old' })),
        notes,
        cells: [],
        seconds: 3,
      },
      judged,
    );
    expect(page).not.toMatch(/<b>/);
    for (const part of [
      '&lt;b&gt;old: sessions: none',
      'finding  1 &lt; 2',
      'all: it is not',
      '0 of 1 pairs',
    ]) {
      expect(page).toContain(part);
    }
  });
});

describe('khoforge matrix', () => {
  it('has one form at a time', () => {
    const both = khoforge(['matrix', stop(), '--json', '--format', 'html']);
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('exclude each other')]);
  });

  it('refuses what is no kernel, and expectations that are none', () => {
    const none = khoforge(['matrix', put('text', 'no kernel')]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('is no kernel')]);
    const bad = khoforge(['matrix', 'nowhere', '--expect', put('bad.yaml', '{}')]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('bad.yaml')]);
  });
});
