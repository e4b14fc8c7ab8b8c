import { describe, expect, it } from 'vitest';
import type { Fate, Outcome } from '../../src/specfile/case-schema.ts';
import { changeSince, firstDifference, isSame } from '../../src/suite/compare.ts';

const outcome = (fate: Fate, lines: string[] = [], user?: string[]): Outcome => ({
  kernel: '7.3.4',
  fate,
  verdict: 'broken',
  reason: '',
  lines,
  ...(user && { user }),
});

describe('changeSince', () => {
  it.each([
    ['bad', 'dies', 'warns', 'better'],
    ['bad', 'revives', 'refuses', 'better'],
    ['bad', 'refuses', 'revives', 'worse'],
    ['bad', 'refuses', 'dies', 'worse'],
    ['good', 'refuses', 'revives', 'better'],
    ['good', 'revives', 'ignores', 'worse'],
    ['good', 'dies', 'dies', 'same'],
  ] as const)('of a %s handover, %s to %s, is %s', (handover, before, now, change) => {
    expect(changeSince(outcome(before), outcome(now), handover)).toBe(change);
  });

  it('is different where the fate is the same and a line is not, of the kernel or of user space', () => {
    expect(changeSince(outcome('dies', ['KHO: a']), outcome('dies', ['KHO: b']), 'bad')).toBe('different');
    expect(changeSince(outcome('revives', [], ['x']), outcome('revives', [], ['y']), 'good')).toBe(
      'different',
    );
    expect(changeSince(outcome('dies', ['KHO: a', 'KHO: b']), outcome('dies', ['KHO: a']), 'bad')).toBe(
      'different',
    );
  });

  it('calls chance by its name, whichever of the two it is about', () => {
    const flaky: Outcome = { ...outcome('dies'), flaky: ['revives'] };
    expect(changeSince(flaky, outcome('dies'), 'bad')).toBe('flaky');
    expect(changeSince(outcome('revives'), flaky, 'bad')).toBe('flaky');
  });
});

describe('isSame', () => {
  it.each([
    // 7.2 and 7.3 as they print a warning, and what differs from build to build and run to run
    [
      'WARNING: mm/memblock.c:123 at kho_fill+0x1a/0x50, CPU#0: swapper/1',
      'WARNING: mm/memblock.c:99 at kho_fill+0x2/0x60, CPU#1: init/1',
    ],
    ['WARNING: CPU: 0 PID: 1 at mm/a.c:1 f+0x1/0x2', 'WARNING: CPU: 1 PID: 77 at mm/a.c:22 f+0x3/0x4'],
    ['kernel BUG at mm/a.c:12!', 'kernel BUG at mm/a.c:34!'],
    [
      'PANIC: early exception 0x0d IP 10:ffffffff81091137 error 0 cr2 0xffff888000000413',
      'PANIC: early exception 0x0d IP 10:ffffffff81091200 error 0 cr2 0xffff888000000000',
    ],
    [
      'Oops: general protection fault, probably for non-canonical address 0x5f5de3a0c4832443: 0000 [#1] SMP',
      'Oops: general protection fault, probably for non-canonical address 0xe24c7000ff53f0: 0000 [#1] SMP',
    ],
    [
      'BUG: unable to handle page fault for address: ffff888000001000',
      'BUG: unable to handle page fault for address: ffff88800000f000',
    ],
  ])('takes no notice of what names a build, a process or a processor: %s', (a, b) => {
    expect(isSame(outcome('warns', [a]), outcome('warns', [b]))).toBe(true);
  });

  it.each([
    ['WARNING: mm/a.c:1 at f+0x1/0x2, CPU#0: init/1', 'WARNING: mm/a.c:1 at g+0x1/0x2, CPU#0: init/1'],
    ['KHO: setup: handover FDT (0x1000) is invalid: -9', 'KHO: setup: handover FDT (0x2000) is invalid: -9'],
    ['KHO: setup: handover FDT (0x1000) is invalid: -9', 'KHO: setup: handover FDT (0x1000) is invalid: -11'],
  ])('tells apart %s', (a, b) => {
    expect(isSame(outcome('warns', [a]), outcome('warns', [b]))).toBe(false);
    expect(firstDifference(outcome('warns', ['x', a]), outcome('warns', ['x', b]))).toEqual({
      before: a,
      now: b,
    });
  });
});
