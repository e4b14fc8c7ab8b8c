import { maxPageOrder } from '../../abi/page-order.ts';
import { hex } from '../../base/numbers.ts';

import { type FindingEvent, log, type Stage, UNPREDICTABLE } from '../../kernel/events.ts';

import type { Kernel } from '../../kernel/kernel.ts';

import type { KernelFdt } from '../../kernel/libfdt.ts';
import type { Receiver } from '../../kernel/receivers.ts';
import type { Restorer, Unrestored } from '../../kernel/restore.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve, survivesFdt } from '../../kernel/subtrees.ts';

import { type RestoredArea, restoreVmalloc, warnings } from '../vmalloc/receive.ts';
import { entriesHeld } from '../vmalloc/walk.ts';
import { report } from './checks.ts';

import { csumPartial, folioParts } from './checksum.ts';
import { PATH } from './paths.ts';
import { FOLIO_ENTRY_BYTES, readTestFdt, walkFolios } from './walk.ts';

/** Bytes of test data that are added up. The kernel's own test has 8 MiB. */
const MAX_DATA_BYTES = 256 << 20;

/** kho_test_init() (lib/test_kho.c, 6.18 to 7.3), in a kernel that has it built in. */
export const receive: UserStage = {
  at: 'device_initcall',
  option: 'CONFIG_TEST_KEXEC_HANDOVER',

  *run(kernel, { root, restorer }) {
    if (!kernel.boot.kho) return undefined;
    const name = kernel.target.abi.text('KHO_TEST_FDT');
    const line = `test_kho: failed to retrieve ${name} FDT: -22`;
    const blob = yield* retrieve(kernel, root, name, { line });
    if (typeof blob === 'string') return undefined;
    if (!(yield* survivesFdt(kernel, blob.phys))) return 'halts';
    if (!restorer.complete) {
      yield UNPREDICTABLE;
      return undefined;
    }
    const fdt = kernel.fdtAt(blob.phys);
    if (yield* restore(kernel, fdt, restorer)) yield log('test_kho: KHO restore succeeded');
    else if (reportsFailure(kernel.receiver)) yield log(FAILED);
    return undefined;
  },
};

const FAILED = 'test_kho: KHO restore failed';

/** Receivers whose kho_test_init() ends without a word when its restore fails (lib/test_kho.c, 6.18). */
const SILENT: ReadonlySet<string> = new Set(['6.18']);

/** Whether the console says that the self-test failed. */
const reportsFailure = ({ release, tree }: Receiver): boolean => !SILENT.has(tree?.base ?? release);

/** kho_test_restore(). @returns whether the self-test succeeds */
function* restore(kernel: Kernel, fdt: KernelFdt, restorer: Restorer): Stage<boolean> {
  const refuse = (text: string) => refusal(kernel, 'kho-test-format', text);
  if (fdt.probe !== 0) {
    yield refuse(`libfdt refuses its FDT with ${fdt.probe}`);
    return false;
  }
  const wanted = kernel.target.abi.text('KHO_TEST_COMPAT');
  if (fdt.checkCompatible(wanted) !== 0) {
    yield refuse(`compatible is not '${wanted}'`);
    return false;
  }
  const { magic, count, csum, info } = readTestFdt(kernel.target, fdt);
  const expected = kernel.target.abi.number('KHO_TEST_MAGIC');
  if (magic !== expected) {
    const shown = magic === undefined ? 'missing or not 4 bytes' : hex(magic);
    yield refuse(`magic is ${shown}, expected ${hex(expected)}`);
    return false;
  }
  const descriptor = info?.length === kernel.target.abi.struct('kho_vmalloc').size ? info : undefined;
  if (count === undefined || csum === undefined || descriptor === undefined) {
    yield refuse('/data lacks nr_folios, csum or folios_info, or one has another length');
    return false;
  }
  return yield* restoreData(kernel, restorer, { count, csum, descriptor });
}

interface TestData {
  readonly count: number;
  readonly csum: number;
  /** struct kho_vmalloc */
  readonly descriptor: Uint8Array;
}

/** kho_test_restore_data(). */
function* restoreData(
  kernel: Kernel,
  restorer: Restorer,
  { count, csum, descriptor }: TestData,
): Stage<boolean> {
  const area = restoreVmalloc(kernel, restorer, descriptor);
  if ('text' in area) {
    yield* warnings(area, restorer);
    const event = refusal(kernel, 'kho-test-vmalloc', area.text);
    yield area.outcome ? { ...event, outcome: area.outcome } : event;
    return false;
  }
  const { wrong, dies, sum } = restoreFolios(kernel, restorer, area, count);
  if (dies !== undefined) {
    yield report('kho-test-vmalloc', { where: PATH, text: dies, outcome: 'dies' });
    return false;
  }
  if (wrong) yield* restorer.warn(wrong);
  if (sum === undefined) {
    const text = 'the contents of the test folios are not in the image: what they add up to is not known';
    yield report('kho-test-contents', { where: PATH, text });
  } else if (sum !== csum) {
    yield wrong
      ? refusal(kernel, 'kho-test-folio', wrong.text)
      : refusal(kernel, 'kho-test-checksum', `the folios add up to ${hex(sum)}, csum is ${hex(csum)}`);
    return false;
  }
  if (wrong) {
    const text = `${wrong.text}: nothing more is restored, and as the checksum is right the self-test passes`;
    yield report('kho-test-folio', { where: PATH, text });
  }
  return true;
}

interface RestoredFolios {
  /** Why the first folio that is not as listed ended the loop. */
  readonly wrong?: Unrestored;
  /** Why the kernel does not come back from it. */
  readonly dies?: string;
  /** What was added up until then; undefined when one was not in the image. */
  readonly sum: number | undefined;
}

function restoreFolios(
  kernel: Kernel,
  restorer: Restorer,
  area: RestoredArea,
  count: number,
): RestoredFolios {
  const sum = new Sum(kernel);
  let i = 0;
  const room = Math.floor((area.pages * kernel.target.pageSize) / FOLIO_ENTRY_BYTES);
  const held = entriesHeld(kernel.image.memory, kernel.target, area, FOLIO_ENTRY_BYTES);
  // Behind what the image holds the list is zeroes, of which the first ends the loop.
  for (const { phys, order } of walkFolios(kernel, kernel.target, area, Math.min(count, held + 1))) {
    const found = restorer.restore(phys);
    if (typeof found !== 'number') {
      return { wrong: { ...found, text: `folio ${i}: ${found.text}` }, sum: sum.value };
    }
    if (found !== order) {
      const text = `folio ${i} at ${hex(phys)} has order ${found}, listed as ${order}`;
      return { wrong: { text, warns: false }, sum: sum.value };
    }
    if (kernel.faultsAt(phys, phys + (kernel.pageSize << BigInt(order)))) {
      return {
        dies: `folio ${i} at ${hex(phys)} is not in RAM: the kernel faults as it reads it`,
        sum: undefined,
      };
    }
    sum.add(phys, order);
    i++;
  }
  const text = `${count} folios do not fit ${area.pages} pages: the kernel faults`;
  return { sum: sum.value, ...(count > room && { dies: text }) };
}

/** Adds up folios as the kernel does; undefined as soon as one is not in the image. */
class Sum {
  readonly #kernel: Kernel;
  #bytes = 0;
  value: number | undefined = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  add(phys: bigint, order: number): void {
    const { target, image } = this.#kernel;
    const size = target.pageSize * 2 ** order;
    this.#bytes += size;
    const known =
      order <= maxPageOrder(target) && this.#bytes <= MAX_DATA_BYTES && image.memory.covers(phys, size);
    if (this.value === undefined || !known) this.value = undefined;
    else this.value = csumPartial(target.arch, folioParts(this.#kernel, phys, size), this.value);
  }
}

function refusal({ receiver }: Kernel, check: Parameters<typeof report>[0], text: string): FindingEvent {
  return report(check, {
    where: PATH,
    text: `${text}: the self-test fails, its memory is lost; all else goes on`,
    ...(reportsFailure(receiver) && { line: FAILED, conditional: true }),
    errno: '-EINVAL',
  });
}
