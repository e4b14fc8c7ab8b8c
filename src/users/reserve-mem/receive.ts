import { hex } from '../../base/numbers.ts';
import type { FindingEvent, Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve } from '../../kernel/subtrees.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { report } from './checks.ts';
import { PATH, regionPath } from './paths.ts';
import { type RegionStep, walkMemblock } from './walk.ts';

const WHEN = 'a kernel booted with reserve_mem= allocates anew, what was kept there is lost';

/**
 * reserve_mem_kho_revive() (mm/memblock.c, 6.18 to 7.3) for each region that is there. A kernel looks only for those that
 * its own command line names, with reserve_mem=size:align:name; it also compares their size and alignment.
 */
export const receive: UserStage = {
  at: '__setup',

  *run(kernel, { root, preserved }) {
    const name = kernel.target.abi.text('MEMBLOCK_KHO_FDT');
    const line = `failed to retrieve FDT '${name}' from KHO: -22`;
    const blob = yield* retrieve(kernel, root, name, { line, conditional: true });
    if (typeof blob !== 'string' && kernel.inRam(blob.phys, blob.phys + 40n)) {
      yield* readFdt(kernel, blob.phys, preserved);
    }
    return undefined;
  },
};

function* readFdt(kernel: Kernel, phys: bigint, preserved: Preserved): Stage {
  const { target } = kernel;
  const fdt = kernel.fdtAt(phys);
  for (const step of walkMemblock(target, fdt)) {
    if (step.kind === 'region') {
      const event = checkRegion(step, preserved);
      if (event) yield event;
    } else if (step.error !== 0) {
      const { wanted, error } = step;
      const line = `FDT '${target.abi.text('MEMBLOCK_KHO_FDT')}' is incompatible with '${wanted}': ${error}`;
      yield refusal('memblock-format', PATH, `compatible is not '${wanted}'`, line);
      return;
    }
  }
}

function checkRegion(
  { name, wanted, error, start, size }: RegionStep,
  preserved: Preserved,
): FindingEvent | undefined {
  const where = regionPath(name);
  if (error !== 0) {
    const line = `Node '${name}' is incompatible with '${wanted}': ${error}`;
    return refusal('memblock-region', where, `'${name}' is not '${wanted}'`, line);
  }
  if (start === undefined || size === undefined) {
    return refusal('memblock-region', where, `start or size of '${name}' is missing or not 8 bytes`);
  }
  if (size > 0n && preserved.contains(start, start + size)) return undefined;
  const text = `the region '${name}' at ${hex(start)}-${hex(start + size)} is not preserved: it is free memory`;
  return report('memblock-not-preserved', { where, text });
}

/** The kernel looks only with a command line that asks for it: its lines are not among those it prints for sure. */
function refusal(
  check: Parameters<typeof report>[0],
  where: string,
  text: string,
  line?: string,
): FindingEvent {
  return report(check, {
    where,
    text: `${text}: ${WHEN}`,
    conditional: true,
    ...(line !== undefined && { line }),
  });
}
