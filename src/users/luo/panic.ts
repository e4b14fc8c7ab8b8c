import { hex } from '../../base/numbers.ts';
import { DEATH, type FindingEvent, type LineEvent, log, type Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { type LuoCheck, report } from './checks.ts';
import { PATH } from './paths.ts';

const where = PATH;
type Errno = '-EINVAL' | '-ENOENT';

/** An error number follows, or its name, as the kernel is configured. */
const PANIC = log('Kernel panic - not syncing: The incoming tree failed to initialize properly [');

/** How a refusal of the whole state ends. */
export function* die(): Stage {
  yield PANIC;
  yield DEATH;
}

export function* panic(
  check: LuoCheck,
  text: string,
  line: string,
  errno: Errno = '-EINVAL',
): Stage<undefined> {
  yield report(check, {
    where,
    text: `${text}: the kernel panics, even when it is not booted with liveupdate=on`,
    line: `luo: ${line}`,
    errno,
    outcome: 'broken',
  });
  yield* die();
  return undefined;
}

export function logNumber(number: bigint): LineEvent {
  return log(`luo: Retrieved live update data, liveupdate number: ${BigInt.asIntN(64, number)}`);
}

/** FLBs and, before 7.2, sessions are read only when somebody asks for them. */
export function* checkLater(
  kernel: Kernel,
  phys: bigint,
  preserved: Preserved,
  what = 'the page of FLBs',
): Stage {
  const end = phys + kernel.pageSize;
  const inRam = kernel.inRam(phys, end);
  if (inRam && preserved.contains(phys, end)) return;
  const text = `${what} at ${hex(phys)} is ${inRam ? 'not preserved' : 'not in RAM'}: who asks for it gets garbage, or a fault`;
  yield report(inRam ? 'luo-not-preserved' : 'outside-ram', { where, text });
}

export function unpreserved(phys: bigint, what: string): FindingEvent {
  const text = `${what} at ${hex(phys)} is not preserved: it may be overwritten, and restoring it gives a kernel warning`;
  return report('luo-not-preserved', { where, text, outcome: 'undefined' });
}
