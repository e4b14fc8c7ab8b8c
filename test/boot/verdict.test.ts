import { describe, expect, it } from 'vitest';
import { Judge, judgeConsole } from '../../src/boot/verdict.ts';
import { consoleLines } from '../../src/guest/console.ts';
import type { RunEnd } from '../../src/guest/events.ts';
import * as consoles from './consoles.ts';

const lines = (text: string) => consoleLines(Buffer.from(text));
const judge = (text: string, end: RunEnd = { kind: 'exit' }, initrd = false) => {
  const made = new Judge({ initrd });
  for (const line of lines(text)) made.line(line);
  return made.finish(end);
};

describe('the verdict on a console', () => {
  it('is revived with two proofs and a panic only for want of an init', () => {
    expect(judge(consoles.revived)).toMatchObject({
      verdict: 'revived',
      reason: '3 proofs',
      proofs: [
        'KHO: found kexec handover data.',
        'KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)',
        'test_kho: KHO restore succeeded',
      ],
      refusals: [],
    });
    expect(judge(consoles.revivedOld).verdict).toBe('revived');
    expect(judge(consoles.poweredOff).verdict).toBe('revived');
  });

  it('is ignored when the handover was found, but nothing more', () => {
    const { verdict, reason } = judge(consoles.onlyFound);
    expect(verdict).toBe('ignored');
    expect(reason).toMatch(/^found, but nothing proves that it was used/);
  });

  it('counts a proof that is printed twice once', () => {
    expect(judge(consoles.onlyFound.replace(/(.*found kexec.*\r\n)/, '$1$1')).verdict).toBe('ignored');
  });

  it.each([
    [consoles.incompatible, "is incompatible with 'kho-v4': 1"],
    [consoles.invalid, 'is invalid: -9'],
    [consoles.mapZero, 'disabling KHO revival'],
    [consoles.metadataRefused, 'kexec-metadata version 9 not supported'],
  ])('is rejected when the kernel refuses it', (text, quoted) => {
    const { verdict, reason } = judge(text);
    expect(verdict).toBe('rejected');
    expect(reason).toContain(quoted);
  });

  it('stays revived when one subtree is refused and others are used', () => {
    const { verdict, reason, refusals } = judge(consoles.memblockRefused);
    expect(verdict).toBe('revived');
    expect(reason).toContain("but it refused a subtree: \"FDT 'memblock' is incompatible");
    expect(refusals).toHaveLength(1);
  });

  it('is ignored when the kernel has no KHO, or says nothing on a handover', () => {
    expect(judge(consoles.notConfigured)).toMatchObject({ verdict: 'ignored' });
    expect(judge(consoles.notConfigured).reason).toContain('CONFIG_KEXEC_HANDOVER not set');
    expect(judge(consoles.silentOnKho)).toMatchObject({
      verdict: 'ignored',
      reason: 'booted without a word on KHO',
      proofs: [],
    });
  });

  it.each([
    [
      consoles.warned,
      'kernel warning: "WARNING: kernel/liveupdate/kexec_handover.c:529 at kho_restore_folio',
    ],
    [
      consoles.oopsed,
      'kernel panic: "Kernel panic - not syncing: Attempted to kill the idle task!"; it began',
    ],
    [consoles.oopsed, 'it began with "BUG: unable to handle page fault for address: 0000087f00000000"'],
    [consoles.earlyException, 'kernel panic: "PANIC: early exception 0x0d'],
    [consoles.restoreFailed, 'test_kho did not find what was preserved: "test_kho: KHO restore failed"'],
  ])('is broken when the kernel is in trouble, whatever proofs there are', (text, reason) => {
    const made = judge(text);
    expect(made.verdict).toBe('broken');
    expect(made.reason).toContain(reason);
    expect(made.proofs.length).toBeGreaterThan(0);
  });

  it.each([
    ["Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug", 0],
    ['watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [swapper/0:1]', 10],
  ])('is none when the host was too slow for the guest: %s', (line, lost) => {
    const made = new Judge({ initrd: false });
    for (const one of lines(consoles.revived)) made.line(one);
    made.line(`[    1.000000] ${line}`);
    expect(() => made.finish({ kind: 'exit' }, lost)).toThrow(
      expect.objectContaining({
        code: 'HOST_TOO_SLOW',
        exitCode: 3,
        message: `this machine is too busy for the boot: the guest says "${line}"`,
      }),
    );
  });

  it('is broken when a kernel oopsed before it locked up, whatever the host took', () => {
    const made = new Judge({ initrd: false });
    for (const one of lines(consoles.oopsed)) made.line(one);
    made.line('watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [swapper/0:1]');
    expect(made.finish({ kind: 'exit' }, 20).verdict).toBe('broken');
  });

  it('is broken when a kernel with an initrd finds no init', () => {
    expect(judge(consoles.revived, { kind: 'exit' }, true).verdict).toBe('broken');
  });

  it.each([
    [{ kind: 'timeout', seconds: 5 }, 'hang: no end within 5 s; the last line was "KHO: found kexec'],
    [{ kind: 'flood', bytes: 100 }, 'more than 100 bytes on the console'],
    [{ kind: 'exit' }, 'reset without a message; the last line was "KHO: found kexec'],
  ] as const)('is broken when the run ends with %o', (end, reason) => {
    expect(judge(consoles.died, end)).toMatchObject({ verdict: 'broken' });
    expect(judge(consoles.died, end).reason).toContain(reason);
  });

  it('tells a silent console from others', () => {
    expect(judge('', { kind: 'silence', seconds: 30 }).reason).toBe(
      'hang: nothing on the console within 30 s',
    );
    expect(judge('', { kind: 'exit' }).reason).toBe('reset without a message; nothing on the console');
  });

  it.each([
    'WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:4713 __alloc_pages_noprof+0x2c/0x310',
    'WARNING: at kho_restore_folio+0x5f/0x130, CPU#0: swapper/0/1',
    'WARNING: possible circular locking dependency detected',
    'WARNING: suspicious RCU usage',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [swapper/0:1]',
    'kernel BUG at mm/memblock.c:1234!',
    'BUG: Bad page state in process swapper  pfn:10000',
    'Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP',
    'general protection fault, probably for non-canonical address 0xdead: 0000 [#1] PREEMPT SMP',
    'System is deadlocked on memory -- System halted',
  ])('takes %j for trouble', (line) => {
    expect(judge(`${consoles.revived}[    1.000000] ${line}\n`).verdict).toBe('broken');
  });

  it.each([
    'Spectre V2 : WARNING: Unprivileged eBPF is enabled, data leaks possible',
    'rcu: RCU debug callbacks: BUGS 0',
    'warning: this is a script, not the kernel',
    'KHO: Failed to reserve scratch area, disabling kexec handover',
  ])('takes %j for nothing special', (line) => {
    expect(judge(`[    0.100000] ${line}\r\n${consoles.revived}`).verdict).toBe('revived');
  });

  it('knows lines by their text, whatever stamps they have', () => {
    const bare = consoles.revived.replace(/^\[ +[\d.]+\] /gm, '');
    expect(judge(bare).proofs).toHaveLength(3);
    const threads = consoles.revived.replace(/^(\[ +[\d.]+\]) /gm, '<6>$1[    T1] ');
    expect(judge(threads).proofs).toEqual(judge(bare).proofs);
  });

  it('takes nothing that comes of powering off for a hang', () => {
    const ends: RunEnd[] = [
      { kind: 'stalled', seconds: 8 },
      { kind: 'timeout', seconds: 60 },
    ];
    for (const end of ends) {
      expect(judge(consoles.poweredOff, end)).toMatchObject({ verdict: 'revived', alive: true });
      expect(judge(consoles.onlyFound.replace(/Kernel panic.*/, ''), end).verdict).toBe('broken');
    }
  });

  it('judges a saved log without knowing how the run ended', () => {
    expect(judgeConsole(lines(consoles.poweredOff), { initrd: true }).verdict).toBe('revived');
    expect(judgeConsole(lines(consoles.died), { initrd: true }).verdict).toBe('ignored');
    expect(judgeConsole(lines(consoles.oopsed), { initrd: true }).verdict).toBe('broken');
  });
});

describe('expectations', () => {
  const options = {
    initrd: false,
    expect: {
      verdict: 'rejected',
      lines: ['disabling KHO revival', 'no such line'],
      absent: ['exec from', 'handover FDT'],
    },
  } as const;

  it('are checked one by one, with what was found', () => {
    const { expected } = judgeConsole(lines(consoles.incompatible), options);
    expect(expected).toEqual([
      { text: 'rejected', kind: 'verdict', ok: true, found: 'rejected' },
      {
        text: 'disabling KHO revival',
        kind: 'line',
        ok: true,
        found: '[    0.000000] KHO: disabling KHO revival',
      },
      { text: 'no such line', kind: 'line', ok: false },
      { text: 'exec from', kind: 'absent', ok: true },
      {
        text: 'handover FDT',
        kind: 'absent',
        ok: false,
        found: "[    0.000000] KHO: setup: handover FDT (0x8000000) is incompatible with 'kho-v4': 1",
      },
    ]);
  });

  it('hold for the verdict only when it came out', () => {
    const { expected } = judgeConsole(lines(consoles.revived), options);
    expect(expected[0]).toEqual({ text: 'rejected', kind: 'verdict', ok: false, found: 'revived' });
  });
});
