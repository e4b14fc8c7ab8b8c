import { describe, expect, it } from 'vitest';
import type { Finding, Verification } from '../../src/model/finding.ts';
import type { Outcome } from '../../src/specfile/case-schema.ts';
import { differenceOf } from '../../src/suite/prediction.ts';

const FOUND = 'KHO: found kexec handover data.';
const TEST = 'test_kho: KHO restore succeeded';
const WARNING = 'WARNING: mm/a.c:1 at kho_restore_page+0x1/0x2, CPU#0: swapper/0/1';

const predicted = (own: Partial<Verification> = {}): Verification => ({
  ...{
    receiver: '7.3',
    verdict: 'revived',
    certain: true,
    findings: [],
    console: [FOUND, TEST],
    ends: 'boots',
  },
  ...own,
});
const outcome = (own: Partial<Outcome> = {}): Outcome => ({
  ...{ kernel: '7.3.4', fate: 'revives', verdict: 'revived', reason: '', lines: [FOUND, TEST] },
  ...own,
});
const finding = (own: Partial<Finding> = {}): Finding => ({
  ...{ check: 'luo-files', severity: 'error', text: '', where: '', kernel: null, errno: null },
  ...own,
});
const REVIVED = { predicted: 'revived', actual: 'revived' };

/** Without a user space, and with one that asks. */
const booted = (before: Verification, after: Outcome) => differenceOf(before, after, false);
const asked = (before: Verification, after: Outcome) => differenceOf(before, after, true);

describe('what differs from what was foretold', () => {
  it('is nothing where verdict and lines are the same, and the rest of a line may be of the build', () => {
    expect(booted(predicted(), outcome())).toBeUndefined();
    const broken = predicted({ verdict: 'broken', console: [FOUND, 'kho_restore_page+0x'], ends: 'open' });
    expect(booted(broken, outcome({ verdict: 'broken', lines: [FOUND, WARNING, 'RIP'] }))).toBeUndefined();
  });

  it('is a line that does not come, or comes later', () => {
    expect(booted(predicted(), outcome({ lines: [FOUND] }))).toEqual({ ...REVIVED, foretold: TEST });
    const said = { ...REVIVED, foretold: FOUND, said: TEST };
    expect(booted(predicted(), outcome({ lines: [TEST, FOUND] }))).toEqual(said);
  });

  it('is not what no log keeps: bytes that are no text, and control characters', () => {
    const before = predicted({ console: [FOUND, 'KHO: exec from: 7.\udc9b\u0013\x1b[1m3 (count 1)'] });
    const after = outcome({ lines: [FOUND, 'KHO: exec from: 7.\ufffd3 (count 1)'] });
    expect(booted(before, after)).toBeUndefined();
    expect(booted(before, outcome({ lines: [FOUND, 'KHO: exec from: 7.3 (count 1)'] }))).toMatchObject(
      REVIVED,
    );
  });

  it('is a line that was not foretold', () => {
    const said = 'KHO: failed to add blob a/b to debugfs: -13';
    expect(booted(predicted(), outcome({ lines: [FOUND, TEST, said] }))).toEqual({ ...REVIVED, said });
  });

  it('is the verdict alone, with the check that tells of the worst', () => {
    const findings = [finding({ check: 'a', severity: 'warning' }), finding({ check: 'b' })];
    const verdicts = { predicted: 'broken', actual: 'revived', check: 'b' };
    expect(booted(predicted({ verdict: 'broken', findings }), outcome())).toEqual(verdicts);
  });

  it('is none of what comes after a point from which nobody can tell', () => {
    const open = predicted({ verdict: 'broken', certain: false, console: [FOUND], ends: 'open' });
    expect(booted(open, outcome())).toBeUndefined();
    expect(booted(open, outcome({ lines: [TEST] }))).toMatchObject({ foretold: FOUND });
  });

  it('is a death that was not foretold, and one that did not come', () => {
    const dead = outcome({ fate: 'dies', verdict: 'broken', reason: 'panic' });
    const warned = outcome({ fate: 'warns', verdict: 'broken', reason: 'warning' });
    const broken = (ends: Verification['ends']) => predicted({ verdict: 'broken', ends });
    expect(booted(broken('boots'), dead)).toMatchObject({ foretold: 'that it goes on', said: 'panic' });
    expect(booted(broken('dies'), warned)).toMatchObject({ foretold: 'its death', said: 'warning' });
    expect(booted(broken('dies'), dead)).toBeUndefined();
    expect(booted(broken('open'), dead)).toBeUndefined();
  });

  it('is what user space was denied, or what harmed the kernel, where no finding tells of it', () => {
    const denied = outcome({ fate: 'refuses', user: ['session vm0: EIO'] });
    expect(asked(predicted(), denied)).toEqual({ ...REVIVED, said: 'session vm0: EIO' });
    expect(asked(predicted({ findings: [finding()] }), denied)).toBeUndefined();
    expect(asked(predicted(), outcome({ user: ['file 0x1: ENOENT'] }))).toBeUndefined();
    const harmed = outcome({ verdict: 'broken', lines: [FOUND, TEST, WARNING] });
    expect(asked(predicted(), harmed)).toMatchObject({ actual: 'broken', said: WARNING });
    expect(asked(predicted({ findings: [finding()] }), harmed)).toBeUndefined();
    const hung = outcome({ fate: 'dies', verdict: 'broken', reason: 'hang: no end' });
    expect(asked(predicted(), hung)).toMatchObject({ said: 'hang: no end' });
  });

  it('is a line at a retrieval that is not the one of a finding', () => {
    const after = outcome({ lines: [FOUND, TEST, 'luo: one 1', 'luo: two'] });
    const told = (kernel: string | null) => predicted({ findings: [finding({ kernel })] });
    expect(asked(told('luo: one'), after)).toMatchObject({ said: 'luo: two' });
    expect(asked(told('luo: '), after)).toBeUndefined();
    expect(asked(told(null), after)).toBeUndefined();
  });
});
