import { hex } from '../../base/numbers.ts';
import type { VerifyCheck } from '../../kernel/checks.ts';
import type { Context } from '../../kernel/context.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { LUO_KHO_ENTRY_NAME } from './abi.ts';

const WHERE = LUO_KHO_ENTRY_NAME;
type Errno = '-EINVAL' | '-ENOENT';

/** An error number follows, or its name, as the kernel is configured. */
export function sayPanic(context: Context): void {
  context.say('Kernel panic - not syncing: The incoming tree failed to initialize properly [');
}

export function panic(
  context: Context,
  check: VerifyCheck,
  text: string,
  line: string,
  errno: Errno = '-EINVAL',
): undefined {
  const rest = 'the kernel panics, even when it is not booted with liveupdate=on';
  context.found(check, {
    where: WHERE,
    text: `${text}: ${rest}`,
    kernel: `luo: ${line}`,
    errno,
    fate: 'broken',
  });
  sayPanic(context);
}

export function sayNumber(context: Context, number: bigint): void {
  context.say(`luo: Retrieved live update data, liveupdate number: ${BigInt.asIntN(64, number)}`);
}

/** FLBs and, before 7.2, sessions are read only when somebody asks for them. */
export function checkLater(
  context: Context,
  phys: bigint,
  preserved: Preserved,
  what = 'the page of FLBs',
): void {
  const end = phys + context.pageSize;
  const inRam = context.inRam(phys, end);
  if (inRam && preserved.contains(phys, end)) return;
  const text = `${what} at ${hex(phys)} is ${inRam ? 'not preserved' : 'not in RAM'}: who asks for it gets garbage, or a fault`;
  context.found(inRam ? 'luo-not-preserved' : 'outside-ram', { where: WHERE, text });
}

export function reportUnpreserved(context: Context, phys: bigint, what: string): void {
  context.found('luo-not-preserved', {
    where: WHERE,
    text: `${what} at ${hex(phys)} is not preserved: it may be overwritten, and restoring it gives a kernel warning`,
    fate: 'undefined',
  });
}
