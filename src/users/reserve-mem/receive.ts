import { hex } from '../../base/numbers.ts';
import type { FindingEvent, Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { RootFdt } from '../../kernel/root-fdt.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve, survivesFdt } from '../../kernel/subtrees.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { report } from './checks.ts';
import { PATH, regionPath } from './paths.ts';
import { reviveWanted } from './revive.ts';
import { type MemblockStep, type RegionStep, walkMemblock } from './walk.ts';

const WHEN = 'a kernel booted with reserve_mem= allocates anew, what was kept there is lost';

/**
 * reserve_mem_kho_revive() (mm/memblock.c, 6.18 to 7.3) for each region that is there. A kernel looks only for those that
 * its own command line names, with reserve_mem=size:align:name; it also compares their size and alignment.
 */
export const receive: UserStage = {
  at: '__setup',

  *run(kernel, incoming) {
    const { root, preserved } = incoming;
    if (kernel.boot.hasCmdline) {
      return yield* reviveWanted(kernel, incoming, () => retrieveFdt(kernel, root, preserved));
    }
    const blob = yield* retrieve(kernel, root, nodeOf(kernel), { line: lineOf(kernel), conditional: true });
    if (typeof blob !== 'string' && kernel.inRam(blob.phys, blob.phys + 40n)) {
      yield* readFdt(kernel, blob.phys, preserved);
    }
    return undefined;
  },
};

const nodeOf = ({ target }: Kernel) => target.abi.text('MEMBLOCK_KHO_FDT');
const lineOf = (kernel: Kernel) => `failed to retrieve FDT '${nodeOf(kernel)}' from KHO: -22`;

/** reserve_mem_kho_retrieve_fdt(), for a kernel that asks. @returns undefined where there is no such tree */
function* retrieveFdt(
  kernel: Kernel,
  root: RootFdt,
  preserved: Preserved,
): Stage<readonly MemblockStep[] | undefined> {
  const blob = yield* retrieve(kernel, root, nodeOf(kernel), { line: lineOf(kernel) });
  if (typeof blob === 'string') return undefined;
  if (!(yield* survivesFdt(kernel, blob.phys))) return undefined;
  const [tree, ...regions] = walkMemblock(kernel.target, kernel.fdtAt(blob.phys));
  if (tree && tree.error !== 0) {
    const { wanted, error } = tree;
    const text = `compatible is not '${wanted}': the kernel allocates anew, what was kept there is lost`;
    const line = `FDT '${nodeOf(kernel)}' is incompatible with '${wanted}': ${error}`;
    yield report('memblock-format', { where: PATH, text, line });
    return undefined;
  }
  for (const step of regions) if (step.kind === 'region') yield* checkPreserved(step, preserved);
  return regions;
}

function* readFdt(kernel: Kernel, phys: bigint, preserved: Preserved): Stage {
  const { target } = kernel;
  const fdt = kernel.fdtAt(phys);
  for (const step of walkMemblock(target, fdt)) {
    if (step.kind === 'region') {
      yield* checkRegion(step, preserved);
    } else if (step.error !== 0) {
      const { wanted, error } = step;
      const line = `FDT '${target.abi.text('MEMBLOCK_KHO_FDT')}' is incompatible with '${wanted}': ${error}`;
      yield refusal('memblock-format', PATH, `compatible is not '${wanted}'`, line);
      return;
    }
  }
}

function* checkRegion(step: RegionStep, preserved: Preserved): Stage {
  const { name, wanted, error, start, size } = step;
  const where = regionPath(name);
  if (error !== 0) {
    const line = `Node '${name}' is incompatible with '${wanted}': ${error}`;
    yield refusal('memblock-region', where, `'${name}' is not '${wanted}'`, line);
  } else if (start === undefined || size === undefined) {
    yield refusal('memblock-region', where, `start or size of '${name}' is missing or not 8 bytes`);
  } else yield* checkPreserved(step, preserved);
}

function* checkPreserved({ name, start, size }: RegionStep, preserved: Preserved): Stage {
  if (start === undefined || size === undefined) return;
  if (size > 0n && preserved.contains(start, start + size)) return;
  const text = `the region '${name}' at ${hex(start)}-${hex(start + size)} is not preserved: it is free memory`;
  yield report('memblock-not-preserved', { where: regionPath(name), text });
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
