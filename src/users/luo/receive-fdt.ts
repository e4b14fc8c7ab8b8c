import type { Target } from '../../abi/target.ts';
import type { Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Preserved } from '../../memory/preserved.ts';
import type { LuoCheck } from './checks.ts';
import type { LuoIncoming } from './incoming.ts';
import { checkLater, logNumber, panic } from './panic.ts';
import { type LuoFdtStep, type MissingStep, walkLuoFdt } from './walk.ts';

/** luo_early_startup() of 6.19 and 7.1. @param phys of the blob */
export function* readLuoFdt(
  kernel: Kernel,
  phys: bigint,
  preserved: Preserved,
): Stage<LuoIncoming | undefined> {
  const fdt = kernel.fdtAt(phys);
  let array = 0n;
  let flbs = 0n;
  for (const step of walkLuoFdt(kernel.target, fdt)) {
    const refused = refusalOf(kernel.target, step);
    if (refused) return yield* panic(refused.check, refused.text, refused.line, refused.errno);
    if (step.kind !== 'number' || step.value === undefined) continue;
    if (!step.names) yield logNumber(step.value);
    else if (step.names.table === 'flbs') {
      flbs = step.value;
      yield* checkLater(kernel, flbs, preserved);
    } else {
      array = step.value;
      yield* checkLater(kernel, array, preserved, 'the array of sessions');
    }
  }
  return { sessions: [], array, flbs };
}

interface Refusal {
  readonly check: LuoCheck;
  readonly text: string;
  readonly line: string;
  readonly errno?: '-ENOENT';
}

function refusalOf(target: Target, step: LuoFdtStep): Refusal | undefined {
  if (step.kind === 'compatible' && step.error === 0) return undefined;
  if (step.kind === 'number' && step.value !== undefined) return undefined;
  if (step.kind !== 'missing' && !step.names) return rootRefusal(target, step);
  return step.names?.table === 'flbs' ? flbRefusal(step) : sessionRefusal(step);
}

function rootRefusal({ abi }: Target, step: Exclude<LuoFdtStep, MissingStep>): Refusal {
  if (step.kind === 'compatible') {
    const { wanted, error } = step;
    const line = `FDT '${abi.text('LUO_KHO_ENTRY_NAME')}' is incompatible with '${wanted}' [${error}]`;
    return { check: 'luo-compatible', text: `compatible is not '${wanted}'`, line };
  }
  const line = `Unable to get live update number '${step.name}' [${step.length}]`;
  return { check: 'luo-number', text: `${step.name} is missing or not 8 bytes`, line };
}

/** luo_session_setup_incoming() (kernel/liveupdate/luo_session.c, 6.19 and 7.1). */
function sessionRefusal(step: LuoFdtStep): Refusal {
  const check = 'luo-sessions';
  switch (step.kind) {
    case 'missing':
      return {
        check,
        text: 'there is no node of sessions',
        line: `Unable to get session node: [${step.names.node}]`,
      };
    case 'compatible':
      return {
        check,
        text: `the node of sessions is not '${step.wanted}'`,
        line: `Session node incompatible [${step.wanted}]`,
      };
    case 'number': {
      const line = `Unable to get session header '${step.name}' [${step.length}]`;
      return { check, text: `${step.name} is missing or not 8 bytes`, line };
    }
  }
}

/** luo_flb_setup_incoming() (kernel/liveupdate/luo_flb.c, 7.1). */
function flbRefusal(step: LuoFdtStep): Refusal {
  const check = 'luo-flbs';
  switch (step.kind) {
    case 'missing': {
      const line = `Unable to get FLB node [${step.names.node}]`;
      return { check, text: 'there is no node of FLBs', line, errno: '-ENOENT' };
    }
    case 'compatible': {
      const line = `FLB node is incompatible with '${step.wanted}' [${step.error}]`;
      return { check, text: `the node of FLBs is not '${step.wanted}'`, line };
    }
    case 'number': {
      const line = `Unable to get FLB header property '${step.name}' [${step.length}]`;
      return { check, text: `${step.name} is missing or not 8 bytes`, line };
    }
  }
}
