import { describe, expect, it } from 'vitest';
import { judgeSteps, type Reached, type Step } from '../../src/first-kernel/steps.ts';

/** What a kernel prints on the whole way; what stage 1 says is shortened. */
const ALL = [
  'Linux version 7.3.4 (build@host) #1 SMP',
  'khoforge-init: start 7.3.4',
  'khoforge-init: session s: created',
  'khoforge-init: preserve 0x1: done',
  'khoforge-init: made 0x1 size 4096 position 0 seals 0x0 data 0-4096 read 4096 sha256 00ff',
  'khoforge-init: error /sys/kernel/debug/kho/out/finalize No such file or directory',
  'khoforge-init: loaded',
  'kexec_core: Starting new kernel',
];
const CMDLINE = 'console=ttyS0 kho=on liveupdate=on';

const reached: Reached = { lines: ALL, isOwnInit: true, cmdline: CMDLINE, record: true };
const last = (change: Partial<Reached>): Step | undefined =>
  judgeSteps({ ...reached, record: false, ...change }).at(-1);
/** The way up to a line, and what comes then. */
const upTo = (line: string, ...more: string[]) => [
  ...ALL.slice(0, ALL.indexOf(`khoforge-init: ${line}`)),
  ...more,
];

describe('the steps of a first kernel', () => {
  it('are all done where the next kernel gets a handover', () => {
    const steps = judgeSteps(reached);
    expect(steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'boot done',
      'sessions done',
      'load done',
      'jump done',
      'handover done',
    ]);
    expect(steps[1]?.text).toBe('1 sessions, 1 files preserved');
  });

  it('have one more where a kernel finalizes', () => {
    const lines = [...ALL, 'khoforge-init: wrote /sys/kernel/debug/kho/out/finalize'];
    const without = lines.filter((line) => !line.includes('No such file'));
    expect(judgeSteps({ ...reached, lines: without }).map(({ name }) => name)).toContain('finalize');
  });

  it.each<[string, Partial<Reached>, string, RegExp, string | undefined]>([
    [
      'a kernel that prints nothing',
      { lines: [], end: { kind: 'silence', seconds: 30 } },
      'boot',
      /nothing of a kernel/,
      'CONFIG_SERIAL_8250_CONSOLE=y',
    ],
    [
      'a kernel without initrds',
      {
        lines: [ALL[0] ?? '', 'Kernel panic - not syncing: VFS: Unable to mount root fs on'],
        end: { kind: 'exit' },
      },
      'boot',
      /Unable to mount/,
      'CONFIG_BLK_DEV_INITRD=y',
    ],
    [
      'a refusal to finalize',
      {
        lines: upTo(
          'loaded',
          'khoforge-init: error /sys/kernel/debug/kho/out/finalize Cannot allocate memory',
        ).filter((line) => !line.includes('No such file')),
        end: { kind: 'exit' },
      },
      'finalize',
      /refused to finalize: Cannot allocate memory/,
      undefined,
    ],
    [
      'a kernel without kexec_file_load',
      {
        lines: upTo('loaded', 'khoforge-init: error kexec_file_load Function not implemented'),
        end: { kind: 'exit' },
      },
      'load',
      /Function not implemented/,
      'CONFIG_KEXEC_FILE=y',
    ],
    [
      'scratch that is too small',
      {
        lines: upTo('loaded', 'khoforge-init: error kexec_file_load Cannot assign requested address'),
        end: { kind: 'exit' },
      },
      'load',
      /Cannot assign/,
      'kho_scratch=64M,32M,32M',
    ],
    [
      'a user of live update that refuses',
      { lines: [...ALL, 'khoforge-init: error kexec Device or resource busy'], end: { kind: 'exit' } },
      'jump',
      /refused to jump: Device or resource busy/,
      undefined,
    ],
    [
      'a purgatory that loops',
      { end: { kind: 'stalled', seconds: 30 } },
      'jump',
      /30 s of processor time without a line; its last line is "kexec_core: Starting new kernel"/,
      undefined,
    ],
    ['KHO that is off', { cmdline: `${CMDLINE} kho=off` }, 'handover', /KHO is off/, 'kho=on'],
    [
      'a kernel without KHO',
      {
        lines: [
          'Unknown kernel command line parameters "kho=on liveupdate=on", will be passed to user space.',
          ...ALL,
        ],
      },
      'handover',
      /no KHO/,
      'CONFIG_KEXEC_HANDOVER=y',
    ],
    [
      'a kernel without memory for scratch',
      { lines: ['KHO: Failed to reserve scratch area, disabling kexec handover', ...ALL] },
      'handover',
      /disabling kexec handover/,
      'kho_scratch=64M,32M,32M',
    ],
  ])('end with %s', (_what, change, name, text, line) => {
    const step = last(change);
    expect(step).toMatchObject({ name, state: 'failed' });
    expect(step?.text).toMatch(text);
    expect(step?.add?.line.split(' ')[0]).toBe(line);
  });

  const noLuo = ALL.filter((line) => !/session|0x1/.test(line));
  it.each<[string, Partial<Reached>, string | undefined]>([
    [
      'no Live Update Orchestrator',
      {
        lines: [
          'Unknown kernel command line parameters "liveupdate=on", will be passed to user space.',
          ...noLuo,
        ],
      },
      'CONFIG_LIVEUPDATE=y',
    ],
    ['one that is off', { lines: noLuo, cmdline: `${CMDLINE} liveupdate=0` }, 'liveupdate=on'],
    [
      'one that takes no memfd',
      {
        lines: ALL.flatMap((line) =>
          line.includes('made 0x1') ? [] : line.replace('0x1: done', '0x1: ENOENT'),
        ),
      },
      'CONFIG_LIVEUPDATE_MEMFD=y',
    ],
  ])('go on with %s, and say so', (_what, change, line) => {
    const steps = judgeSteps({ ...reached, ...change });
    expect(steps[1]).toMatchObject({ name: 'sessions', state: 'absent' });
    expect(steps[1]?.add?.line).toBe(line);
    expect(steps.at(-1)).toMatchObject({ name: 'handover', state: 'done' });
  });

  it('of an initrd of the user are those that show', () => {
    const lines = [ALL[0] ?? '', 'Linux version 7.3.4 once more'];
    expect(judgeSteps({ ...reached, isOwnInit: false, lines }).map(({ name }) => name)).toEqual([
      'jump',
      'handover',
    ]);
    const step = last({ isOwnInit: false, lines, end: { kind: 'exit' } });
    expect(step?.text).toContain('load /khoforge/next');
  });
});
