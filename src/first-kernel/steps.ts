import type { RunEnd } from '../guest/events.ts';
import { INIT_PREFIX, initLines } from '../guest/initrd.ts';
import { saidSessions } from './said.ts';

export type StepName = 'boot' | 'sessions' | 'finalize' | 'load' | 'jump' | 'handover';

/** One step of a first kernel on its way to the jump. */
export interface Step {
  readonly name: StepName;
  /** `absent`: the kernel has no such thing, and hands over without it. */
  readonly state: 'done' | 'absent' | 'failed';
  readonly text: string;
  /** The line to add to what, where that helps. */
  readonly add?: { readonly line: string; readonly to: 'configuration' | 'command line' };
}

export interface Reached {
  /** Lines of the console, without stamps. */
  readonly lines: readonly string[];
  /** Whether khoforge's own init ran, and not the user's. */
  readonly isOwnInit: boolean;
  /** All of the kernel command line. */
  readonly cmdline: string;
  /** How the run ended, where the kernel that stops did not run. */
  readonly end?: RunEnd | undefined;
  /** Whether that was given a handover, where it ran. */
  readonly record: boolean;
}

/** The steps up to the first that failed. */
export function judgeSteps(reached: Reached): Step[] {
  const own = reached.isOwnInit ? [boot, sessions, finalize, load] : [boot];
  const steps: Step[] = [];
  for (const judge of [...own, jump, handover]) {
    const step = judge(reached);
    if (step) steps.push(step);
    if (step?.state === 'failed') break;
  }
  return steps;
}

/** Kernels that a boot needs these of say one of them when they lack it (init/main.c, init/do_mounts.c, 7.3). */
const NO_INIT = /^Kernel panic - not syncing: (?:VFS: Unable to mount root fs|No working init found)/;

function boot({ lines, isOwnInit, end }: Reached): Step | undefined {
  const start = lines.find((line) => line.startsWith(`${INIT_PREFIX}start `));
  if (start !== undefined) return done('boot', `${start.split(' ').at(-1)} started init`);
  if (!isOwnInit && end === undefined) return undefined;
  const banner = lines.find((line) => line.startsWith('Linux version '));
  if (!banner) {
    return failed('boot', `nothing of a kernel on the console: ${ending(end, lines)}`, {
      line: 'CONFIG_SERIAL_8250_CONSOLE=y (x86_64), CONFIG_SERIAL_AMBA_PL011_CONSOLE=y (arm64)',
      to: 'configuration',
    });
  }
  const noInit = lines.find((line) => NO_INIT.test(line));
  if (noInit) return failed('boot', noInit, { line: 'CONFIG_BLK_DEV_INITRD=y', to: 'configuration' });
  return isOwnInit ? failed('boot', `init did not start: ${ending(end, lines)}`) : undefined;
}

function sessions(reached: Reached): Step {
  const said = saidSessions(initLines(reached.lines));
  const [first] = said.flatMap(({ errors }) => errors);
  const refused = said.flatMap(({ errors }) => errors).length;
  const made = said.flatMap(({ files }) => files).length;
  const sound = said.filter(({ error }) => error === undefined);
  if (sound.length === 0) return withoutSessions(reached);
  const text = `${sound.length} sessions, ${made} files preserved`;
  if (first === undefined) return done('sessions', text);
  const why = `${refused} refused, the first, 0x${first.token.toString(16)}, with ${first.error}`;
  // No handler takes the file (kernel/liveupdate/luo_file.c: luo_preserve_file(), 7.3).
  const noHandler = made === 0 && first.error === 'ENOENT';
  const add = { line: 'CONFIG_LIVEUPDATE_MEMFD=y', to: 'configuration' } as const;
  return { name: 'sessions', state: 'absent', text: `${text}, ${why}`, ...(noHandler && { add }) };
}

function withoutSessions({ lines, cmdline }: Reached): Step {
  const absent = (text: string, add?: Step['add']): Step => ({
    name: 'sessions',
    state: 'absent',
    text,
    ...(add && { add }),
  });
  if (isUnknown(lines, 'liveupdate')) {
    const text = 'none: the kernel has no Live Update Orchestrator (there is one from 6.19 on)';
    return absent(text, { line: 'CONFIG_LIVEUPDATE=y', to: 'configuration' });
  }
  if (isOff(cmdline, 'liveupdate')) {
    return absent('none: the Live Update Orchestrator is off', { line: 'liveupdate=on', to: 'command line' });
  }
  const said = initLines(lines).find((line) => /^(?:error \/dev\/liveupdate|session \S+: E)/.test(line));
  return absent(`none: ${said ?? 'none was made'}`);
}

/** Up to 6.18 nothing is handed over that was not finalized; 6.19 has the file and does not need it (docs/generations.md). */
function finalize({ lines }: Reached): Step | undefined {
  const said = initLines(lines).find((line) => line.includes('/kho/out/finalize'));
  if (said === undefined || said.endsWith('No such file or directory')) return undefined;
  return said.startsWith('wrote ')
    ? done('finalize', 'the kernel took it')
    : failed('finalize', `the kernel refused to finalize: ${afterPath(said)}`);
}

const afterPath = (said: string) => said.split(' ').slice(2).join(' ');

/** What kexec_file_load(2) may come back with, by its text, and what helps. */
const LOAD_ERRORS: readonly (readonly [text: string, add: Step['add']])[] = [
  ['Function not implemented', { line: 'CONFIG_KEXEC_FILE=y', to: 'configuration' }],
  ['Operation not permitted', { line: 'kexec_load_disabled=0', to: 'command line' }],
  ['Cannot assign requested address', { line: 'kho_scratch=64M,32M,32M', to: 'command line' }],
];

function load({ lines, end }: Reached): Step {
  const own = initLines(lines);
  if (own.includes('loaded')) return done('load', 'kexec_file_load() took the next kernel');
  const error = own.find((line) => line.startsWith('error kexec_file_load '));
  if (error === undefined) return failed('load', `init did not get to it: ${ending(end, lines)}`);
  const text = afterPath(error);
  const [, add] = LOAD_ERRORS.find(([known]) => text === known) ?? [];
  return failed('load', `kexec_file_load() failed: ${text}`, add);
}

function jump({ lines, isOwnInit, end }: Reached): Step {
  if (end === undefined) return done('jump', 'the next kernel was entered');
  const error = initLines(lines).find((line) => line.startsWith('error kexec '));
  if (error) return failed('jump', `the kernel refused to jump: ${afterPath(error)}`);
  const another = lines.filter((line) => line.startsWith('Linux version ')).length > 1;
  if (another) return failed('jump', `it jumped into a Linux: load ${NEXT}, which stops`);
  return failed('jump', `${isOwnInit ? '' : `the initrd did not jump into ${NEXT}: `}${ending(end, lines)}`);
}

/** Where the kernel that stops is, for an initrd of the user's. */
export const NEXT = '/khoforge/next';

function handover({ lines, cmdline, record }: Reached): Step {
  if (record) return done('handover', 'the next kernel is told of it');
  if (isUnknown(lines, 'kho')) {
    const text = 'none: this kernel has no KHO';
    return failed('handover', text, { line: 'CONFIG_KEXEC_HANDOVER=y', to: 'configuration' });
  }
  if (isOff(cmdline, 'kho')) {
    return failed('handover', 'none: KHO is off', { line: 'kho=on', to: 'command line' });
  }
  const noScratch = lines.find((line) => line.includes('disabling kexec handover'));
  if (noScratch) {
    const add = { line: 'kho_scratch=64M,32M,32M', to: 'command line' } as const;
    return failed('handover', `none: ${noScratch}`, add);
  }
  return failed('handover', 'none, and the kernel does not say why: was it finalized?', {
    line: 'CONFIG_KEXEC_HANDOVER_DEBUGFS=y',
    to: 'configuration',
  });
}

/** Whether a kernel does not know one of its parameters (init/main.c: print_unknown_bootoptions(), 7.3). */
function isUnknown(lines: readonly string[], parameter: string): boolean {
  const told = lines.find((line) => line.startsWith('Unknown kernel command line parameters "'));
  return told !== undefined && new RegExp(`[" ]${parameter}=`).test(told);
}

/** Of a parameter given twice the last counts (lib/kstrtox.c: kstrtobool(), 7.3). */
function isOff(cmdline: string, parameter: string): boolean {
  const values = cmdline.split(/\s+/).filter((word) => word.startsWith(`${parameter}=`));
  const last = values.at(-1)?.slice(parameter.length + 1) ?? '';
  return !/^(?:[yYtT1]|[oO][nN])/.test(last);
}

function ending(end: RunEnd | undefined, lines: readonly string[]): string {
  const last = lines.findLast((line) => line.trim() !== '');
  const what = last === undefined ? 'it printed nothing' : `its last line is "${last}"`;
  switch (end?.kind) {
    case 'timeout':
      return `no end within ${end.seconds} s; ${what}`;
    case 'silence':
      return `nothing on the console within ${end.seconds} s`;
    case 'stalled':
      return `${end.seconds} s of processor time without a line; ${what}`;
    case 'flood':
      return `more than ${end.bytes} bytes on the console; ${what}`;
    default:
      return what;
  }
}

const done = (name: StepName, text: string): Step => ({ name, state: 'done', text });

const failed = (name: StepName, text: string, add?: Step['add']): Step => ({
  name,
  state: 'failed',
  text,
  ...(add && { add }),
});
