import { describe, expect, it } from 'vitest';
import { judgeConsole } from '../../src/boot/verdict.ts';
import { reporter } from '../../src/kernel/check.ts';
import { log, UNPREDICTABLE, type VerifyEvent } from '../../src/kernel/events.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verificationOf } from '../../src/receive/verification.ts';
import { verifyEvents } from '../../src/receive/verify.ts';
import { VERIFY_CHECKS } from '../../src/users/registry.ts';
import { good, SESSIONS } from './verify-fixtures.ts';

const report = reporter(VERIFY_CHECKS);
const of = (...events: VerifyEvent[]) => verificationOf(events, '7.3');
const at = { where: 'here', text: 'wrong' };

describe('what a stream of events comes to', () => {
  it('is ignored where the kernel says nothing, as a console of a boot is', () => {
    expect(of()).toEqual({
      receiver: '7.3',
      verdict: 'ignored',
      certain: true,
      findings: [],
      console: [],
      ends: 'boots',
    });
  });

  it('is judged as the same lines of a real console are', () => {
    const consoles = [
      [],
      ['KHO: found kexec handover data.'],
      ['KHO: found kexec handover data.', 'test_kho: KHO restore succeeded'],
      ['KHO: found kexec handover data.', 'test_kho: failed to retrieve kho_test FDT: -22'],
      ['KHO: found kexec handover data.', 'KHO: kexec-metadata blob too small (3 bytes)'],
      ['KHO: setup: handover FDT (0x1000) is invalid: -9', 'KHO: disabling KHO revival'],
    ];
    for (const lines of consoles) {
      const { verdict } = judgeConsole(lines, { initrd: true });
      expect({ lines, verdict: of(...lines.map(log)).verdict }).toEqual({ lines, verdict });
    }
  });

  it('is the worst outcome, whatever comes first', () => {
    const broken = report('kho-test-format', { ...at, outcome: 'broken' });
    const rejected = report('fdt-header', { ...at, line: 'KHO: disabling KHO revival' });
    expect(of(rejected).verdict).toBe('rejected');
    expect(of(broken, rejected).verdict).toBe('broken');
    expect(of(rejected, broken).verdict).toBe('broken');
  });

  it('ends with the line on which the kernel dies; what is found after that has no line', () => {
    const dies = report('scratch-none', { ...at, line: 'last', outcome: 'dies' });
    const after = report('luo-size', { ...at, line: 'never' });
    expect(of(log('first'), dies, log('never'), after)).toMatchObject({
      verdict: 'broken',
      certain: true,
      console: ['first', 'last'],
      ends: 'dies',
      findings: [{ kernel: 'last' }, { kernel: null }],
    });
  });

  it('is uncertain where the outcome is undefined, but not once it is broken for sure', () => {
    const undefinedOutcome = report('outside-ram', { ...at, outcome: 'undefined' });
    const broken = report('kho-test-format', { ...at, outcome: 'broken' });
    expect(of(undefinedOutcome, log('perhaps'))).toMatchObject({
      certain: false,
      console: [],
      ends: 'open',
    });
    expect(of(broken, undefinedOutcome)).toMatchObject({ certain: true, verdict: 'broken' });
  });

  it('has no line that cannot be predicted, while outcomes still count', () => {
    const broken = report('kho-test-format', { ...at, outcome: 'broken' });
    expect(of(log('sure'), UNPREDICTABLE, log('perhaps'), broken)).toMatchObject({
      console: ['sure'],
      verdict: 'broken',
      certain: true,
    });
  });

  it('names the line of a condition that the image does not hold, and does not promise it', () => {
    const result = of(report('memfd-folio', { ...at, line: 'only if retrieved', conditional: true }));
    expect(result).toMatchObject({ console: [], findings: [{ kernel: 'only if retrieved' }] });
  });

  it('has the severity that was asked for, else the stage’s own, else the check’s', () => {
    const lenient = report('fdt-header-alignment', { ...at, severity: 'warning' });
    const severityOf = (severities?: Parameters<typeof verificationOf>[2]) =>
      verificationOf([lenient], '6.19', severities).findings[0]?.severity;
    expect(severityOf()).toBe('warning');
    expect(severityOf(new Map([['fdt-header-alignment', 'note']]))).toBe('note');
    expect(of(report('fdt-header-alignment', at)).findings[0]?.severity).toBe('error');
  });
});

describe('the stream', () => {
  it('goes by the order of the boot: reserve_mem=, LUO, KHO itself, the self-test, user space', () => {
    const spec = {
      ...SESSIONS,
      subtrees: [
        ...(good.subtrees ?? []),
        ...(SESSIONS.subtrees ?? []).slice(1),
        { reserve_mem: [{ name: 'trace', size: '64KiB' }] },
      ],
      override: { 'memblock/trace/size': null, 'LUO/sessions[0]/files[0]/memfd/seals': 0x44 },
    };
    const order = [...verifyEvents(buildImage(spec))].flatMap((event) => {
      if (event.kind === 'line') return [event.line.replace(/:.*/, '')];
      return event.kind === 'finding' ? [event.check] : [];
    });
    expect(order).toEqual(['KHO', 'memblock-region', 'luo', 'KHO', 'test_kho', 'memfd-seals']);
  });

  it('can be left early: what lies behind is not read', () => {
    let reads = 0;
    const image = buildImage(good);
    const { memory } = image;
    const read = memory.read.bind(memory);
    memory.read = (...args) => {
      reads++;
      return read(...args);
    };
    for (const event of verifyEvents(image)) if (event.kind === 'line') break;
    const untilFirst = reads;
    for (const _ of verifyEvents(image));
    expect(reads - untilFirst).toBeGreaterThan(untilFirst);
  });
});
