import { describe, expect, it } from 'vitest';
import type { BootResult } from '../../src/boot/boot-image.ts';
import { bootJson, bootKtap, bootPassed, bootText, progressText } from '../../src/render/boot.ts';

const good: BootResult = {
  verdict: 'revived',
  reason: '2 proofs',
  proofs: ['KHO: found kexec handover data.', 'KHO: exec from: 6.19.0 (count 41)'],
  refusals: [],
  troubles: [],
  alive: true,
  expected: [{ text: 'revived', kind: 'verdict', ok: true, found: 'revived' }],
  console: '/tmp/x/console.log',
  seconds: 4.512,
  argv: ['qemu-system-x86_64', '-kernel', '/tmp/x/boot.elf'],
  accel: 'tcg',
  kernelVersion: '7.3.4 (a@b) #1 SMP',
};
const bad: BootResult = {
  ...good,
  verdict: 'rejected',
  reason: 'refused: "KHO: disabling KHO revival"',
  proofs: [],
  refusals: ['KHO: disabling KHO revival'],
  expected: [
    { text: 'revived', kind: 'verdict', ok: false, found: 'rejected' },
    { text: 'exec from', kind: 'line', ok: false },
    { text: 'disabling KHO', kind: 'absent', ok: false, found: '[    0.0] KHO: disabling KHO revival' },
    { text: 'Oops', kind: 'absent', ok: true },
  ],
};

describe('bootText', () => {
  it('is short when all is well', () => {
    expect(bootText(good)).toEqual([
      'revived: 2 proofs',
      '  + KHO: found kexec handover data.',
      '  + KHO: exec from: 6.19.0 (count 41)',
      '  1 of 1 expectations hold; 4.5 s; console: /tmp/x/console.log',
    ]);
  });

  it('names everything that is not as expected, and ends with the log', () => {
    expect(bootText(bad)).toEqual([
      'rejected: refused: "KHO: disabling KHO revival"',
      '  - KHO: disabling KHO revival',
      '  expected verdict revived, got rejected',
      '  expected a line with "exec from": there is none',
      '  expected no line with "disabling KHO", got "[    0.0] KHO: disabling KHO revival"',
      '  1 of 4 expectations hold; 4.5 s; console: /tmp/x/console.log',
    ]);
  });
});

describe('bootKtap', () => {
  it('has one test for the verdict and one for each line', () => {
    expect(bootKtap(bad)).toEqual([
      'KTAP version 1',
      '1..4',
      '# refused: "KHO: disabling KHO revival"',
      '# expected verdict revived, got rejected',
      '# console: /tmp/x/console.log',
      'not ok 1 - verdict revived',
      '# expected a line with "exec from": there is none',
      '# console: /tmp/x/console.log',
      'not ok 2 - line exec from',
      '# expected no line with "disabling KHO", got "[    0.0] KHO: disabling KHO revival"',
      '# console: /tmp/x/console.log',
      'not ok 3 - absent disabling KHO',
      'ok 4 - absent Oops',
    ]);
  });
});

describe('bootJson', () => {
  it('is one document with the keys that others rely on', () => {
    expect(JSON.parse(bootJson(good))).toEqual({
      schema: { name: 'khoforge-boot', version: 1 },
      verdict: 'revived',
      reason: '2 proofs',
      expected: [{ text: 'revived', kind: 'verdict', ok: true, found: 'revived' }],
      proofs: good.proofs,
      refusals: [],
      console: '/tmp/x/console.log',
      seconds: 4.512,
      kernel: '7.3.4 (a@b) #1 SMP',
      accel: 'tcg',
      argv: ['qemu-system-x86_64', '-kernel', '/tmp/x/boot.elf'],
    });
  });
});

describe('bootPassed', () => {
  it('needs every expectation', () => {
    expect([bootPassed(good), bootPassed(bad)]).toEqual([true, false]);
  });
});

describe('progressText', () => {
  it('speaks of starts and fallbacks only', () => {
    expect(progressText({ type: 'start', argv: [], accel: 'kvm' })).toBe('booting with kvm');
    expect(progressText({ type: 'fallback', from: 'kvm', to: 'tcg', reason: 'silence' })).toBe(
      'kvm: silence; falling back to tcg',
    );
    expect(progressText({ type: 'line', text: 'x', seconds: 1 })).toBeUndefined();
  });
});
