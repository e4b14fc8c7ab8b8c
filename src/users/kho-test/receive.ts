import { constantOf } from '../../abi/constants.ts';
import { kho_vmalloc } from '../../abi/kexec_handover.ts';
import { layoutOf } from '../../abi/layout.ts';
import { maxPageOrder } from '../../abi/page-order.ts';
import { hex } from '../../base/numbers.ts';
import { asU32Native } from '../../fdt/values.ts';
import type { VerifyCheck } from '../../kernel/checks.ts';
import type { Context } from '../../kernel/context.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import { RESTORE_WARNING, type Restorer } from '../../kernel/restore.ts';
import type { RootFdt } from '../../kernel/root-fdt.ts';
import { retrieve } from '../../kernel/subtrees.ts';
import { restoreVmalloc, type VmallocArea } from '../vmalloc/receive.ts';
import { KHO_TEST_COMPAT, KHO_TEST_DATA, KHO_TEST_FDT, KHO_TEST_MAGIC } from './abi.ts';
import { csumPartial } from './checksum.ts';

const LARGEST_FDT = 256 << 10;
/** Bytes of test data that are added up. The kernel's own test has 8 MiB. */
const LARGEST_DATA = 256 << 20;

/** kho_test_init() (lib/test_kho.c, 6.18 to 7.3), in a kernel that has it built in. */
export function verifyKhoTest(context: Context, root: RootFdt, restorer: Restorer): void {
  const name = constantOf(context.target, { KHO_TEST_FDT });
  const blob = retrieve(context, root, name, {
    line: `test_kho: failed to retrieve ${name} FDT: -22`,
  });
  // Outside RAM, which is told already, there is nothing to read; the kernel does not come back from there.
  if (!blob || !restorer.complete || !context.inRam(blob.phys, blob.phys + 40n)) return;
  const fdt = new KernelFdt(context.read(blob.phys, LARGEST_FDT));
  if (restore(context, fdt, restorer)) context.say('test_kho: KHO restore succeeded');
  else if (context.receiver.testTellsFailure) context.say(FAILED);
}

const FAILED = 'test_kho: KHO restore failed';

/** kho_test_restore(). @returns whether the self-test succeeds */
function restore(context: Context, fdt: KernelFdt, restorer: Restorer): boolean {
  if (typeof fdt.root === 'number') return refuse(context, 'kho-test-format', 'the FDT has no root node');
  const wanted = constantOf(context.target, { KHO_TEST_COMPAT });
  const compatible = fdt.checkCompatible(wanted);
  if (compatible !== 0) return refuse(context, 'kho-test-format', `compatible is not '${wanted}'`);
  const magic = u32(context, fdt.property('magic'));
  const expected = constantOf(context.target, { KHO_TEST_MAGIC });
  if (magic !== expected) {
    const shown = magic === undefined ? 'missing or not 4 bytes' : hex(magic);
    return refuse(context, 'kho-test-format', `magic is ${shown}, expected ${hex(expected)}`);
  }
  return restoreData(context, fdt, restorer);
}

/** kho_test_restore_data(). */
function restoreData(context: Context, fdt: KernelFdt, restorer: Restorer): boolean {
  const data = fdt.child(constantOf(context.target, { 'kho_test:data': KHO_TEST_DATA }));
  const count = u32(context, fdt.property('nr_folios', data));
  const csum = u32(context, fdt.property('csum', data));
  const descriptor = fdt.property('folios_info', data);
  if (
    count === undefined ||
    csum === undefined ||
    typeof descriptor === 'number' ||
    descriptor.length !== layoutOf(kho_vmalloc, context.target).size
  ) {
    return refuse(
      context,
      'kho-test-format',
      '/data lacks nr_folios, csum or folios_info, or one has another length',
    );
  }
  const area = restoreVmalloc(context, restorer, descriptor);
  if ('text' in area) {
    if (area.warns) context.say(RESTORE_WARNING);
    return refuse(context, 'kho-test-vmalloc', area.text);
  }
  if (count * 8 > area.pages * context.target.pageSize) {
    return refuse(
      context,
      'kho-test-vmalloc',
      `${count} folios do not fit ${area.pages} pages: the kernel faults`,
    );
  }
  return restoreFolios(context, restorer, { area, count, csum });
}

interface Folios {
  readonly area: VmallocArea;
  readonly count: number;
  readonly csum: number;
}

/** The loop ends at the first folio that is not as listed; what was added up until then is compared. */
function restoreFolios(context: Context, restorer: Restorer, { area, count, csum }: Folios): boolean {
  const sum = new Sum(context);
  for (let i = 0; i < count; i++) {
    const { phys, order } = listed(context, area, i);
    const found = restorer.restore(phys);
    if (typeof found === 'string') {
      context.say(RESTORE_WARNING);
      refuse(context, 'kho-test-folio', `folio ${i}: ${found}`);
      break;
    }
    if (found !== order) {
      refuse(context, 'kho-test-folio', `folio ${i} at ${hex(phys)} has order ${found}, listed as ${order}`);
      break;
    }
    sum.add(phys, order);
  }
  return compare(context, sum, csum);
}

function compare(context: Context, sum: Sum, csum: number): boolean {
  if (sum.value === csum) return context.verdict !== 'broken' || !brokenByTest(context);
  if (sum.value !== undefined) {
    if (!brokenByTest(context)) {
      refuse(context, 'kho-test-checksum', `the folios add up to ${hex(sum.value)}, csum is ${hex(csum)}`);
    }
    return false;
  }
  const text = 'the contents of the test folios are not in the image: what they add up to is not known';
  context.found('kho-test-contents', { where: KHO_TEST_FDT, text });
  return !brokenByTest(context);
}

function brokenByTest({ findings }: Context): boolean {
  return findings.some(({ check }) => check === 'kho-test-folio');
}

/** Adds up folios as the kernel does; undefined as soon as one is not in the image. */
class Sum {
  readonly #context: Context;
  #bytes = 0;
  value: number | undefined = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  add(phys: bigint, order: number): void {
    const { target, image } = this.#context;
    const size = target.pageSize * 2 ** order;
    this.#bytes += size;
    const known =
      order <= maxPageOrder(target) && this.#bytes <= LARGEST_DATA && image.memory.covers(phys, size);
    if (this.value === undefined || !known) this.value = undefined;
    else this.value = csumPartial(target.arch, this.#context.read(phys, size), this.value);
  }
}

function listed(
  context: Context,
  { blocks, order }: VmallocArea,
  index: number,
): { phys: bigint; order: number } {
  const perBlock = (context.target.pageSize * 2 ** order) / 8;
  const block = blocks[Math.floor(index / perBlock)] ?? 0n;
  const entry = Buffer.from(context.read(block + BigInt((index % perBlock) * 8), 8)).readBigUInt64LE();
  const mask = context.pageSize - 1n;
  return { phys: entry & ~mask, order: Number(entry & mask) };
}

function u32(context: Context, value: Uint8Array | number): number | undefined {
  return typeof value === 'number' ? undefined : asU32Native(value, context.target.endian);
}

function refuse(context: Context, check: VerifyCheck, text: string): false {
  context.found(check, {
    where: KHO_TEST_FDT,
    text: `${text}: the self-test fails, its memory is lost; all else goes on`,
    fate: 'broken',
    ...(context.receiver.testTellsFailure && { kernel: FAILED, conditional: true }),
    errno: '-EINVAL',
  });
  return false;
}
