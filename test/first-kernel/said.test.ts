import { describe, expect, it } from 'vitest';
import { saidSessions } from '../../src/first-kernel/said.ts';
import { ownStage } from '../../src/first-kernel/stage.ts';
import { isPlanLine } from '../../src/guest/plan.ts';

const file = (token: string, what = 'made') =>
  `${what} ${token} size 8192 position 4097 seals 0x3f data 0-4096 read 8192 sha256 00ff`;
const facts = { size: 8192n, position: 4097n, seals: 0x3f, sha256: '00ff' };

describe('what init says of sessions', () => {
  it('is read, of a first kernel and of a next one alike', () => {
    const made = [
      'session a: created',
      'session b: created',
      'preserve 0x1: done',
      file('0x1'),
      'preserve 0x2: EBUSY',
    ];
    expect(saidSessions(made)).toEqual([
      { name: 'a', files: [], errors: [] },
      { name: 'b', files: [{ token: 1n, ...facts }], errors: [{ token: 2n, error: 'EBUSY' }] },
    ]);
    const retrieved = ['session b: retrieved', file('0x1', 'file'), 'file 0x2: ENOENT', 'session a: ENOENT'];
    expect(saidSessions(retrieved)).toEqual([
      { name: 'b', files: [{ token: 1n, ...facts }], errors: [{ token: 2n, error: 'ENOENT' }] },
      { name: 'a', error: 'ENOENT', files: [], errors: [] },
    ]);
  });

  it('counts a line that the kernel printed twice once', () => {
    const [session] = saidSessions(['session a: created', file('0x1'), 'session a: created', file('0x1')]);
    expect(session?.files).toHaveLength(1);
  });
});

describe('the stage of khoforge', () => {
  it('is lines that init follows', () => {
    expect(ownStage.plan.filter((line) => !isPlanLine(line))).toEqual([]);
    expect(ownStage.plan.length).toBeGreaterThan(20);
  });
});
