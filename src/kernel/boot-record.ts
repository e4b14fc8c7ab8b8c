import { ARCHITECTURES } from '../arch/architectures.ts';
import type { SetupDataRecord } from '../model/image.ts';
import { report } from './checks.ts';
import { earlyMemremap, MAPPING_WARNING } from './early-memremap.ts';
import { log, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';

/** ARCH_LOW_ADDRESS_LIMIT: no region of RAM crosses it. */
const LOW_END = 1n << 32n;
const NO_SCRATCH = 'KHO: Failed to reserve scratch area, disabling kexec handover';

/** @returns whether the kernel goes on to kho_populate() */
export function* readBootRecord(kernel: Kernel): Stage<boolean> {
  const { target } = kernel;
  const { bootRecord } = kernel.image;
  switch (bootRecord.kind) {
    case 'setup_data':
      return yield* parseSetupData(kernel, bootRecord);
    case 'chosen':
      return true; // two properties, which have neither type nor length
    case 'none': {
      const where = ARCHITECTURES[target.arch].recordKind;
      const text = 'nothing was handed over: the kernel before had KHO on but did not finalize it';
      yield report('boot-record-absent', { where, text });
      return false;
    }
  }
}

/** A kernel that was built without KHO (arch/x86/kernel/setup.c add_kho(), 7.3). */
export function* withoutKho({ image, target }: Kernel): Stage {
  const { bootRecord } = image;
  if (bootRecord.kind !== 'setup_data') return;
  if (bootRecord.setupDataType !== target.abi.number('SETUP_KEXEC_KHO')) return;
  yield log('Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.');
}

/**
 * Without a handover the kernel reserves scratch of its own (KH: kho_reserve_scratch()), first below 4 GiB: twice what it
 * has reserved there by then, which by memblock_x86_reserve_range_setup_data() (arch/x86/kernel/setup.c, 7.3) is the record as long as it says.
 * Up to 6.18 it does so on a node without memory as well, which fails; the only processor is on node 0 (qemuArguments()),
 * and others without memory are not online.
 * @returns whether KHO is on from then on
 */
export function* reserveScratch({ boot, image, ram, receiver }: Kernel): Stage<boolean> {
  const { bootRecord: record, nodes } = image;
  if (!boot.kho) return false;
  const room = ram.reduce((sum, { start, size }) => (start < LOW_END ? sum + size : sum), 0n);
  const length = record.kind === 'setup_data' ? BigInt(record.setupDataLen) : 0n;
  const fits = room === 0n || 2n * length <= room;
  if (fits && !(receiver.scratchOnEachNode && nodes?.[0] === 0n)) return true;
  if (!fits && receiver.namesScratch) yield log('KHO: Failed to reserve lowmem scratch buffer');
  yield log(NO_SCRATCH);
  return false;
}

/** parse_setup_data(), add_kho() (arch/x86/kernel/setup.c, 7.3). */
function* parseSetupData(
  kernel: Kernel,
  { setupDataType: type, setupDataLen: len }: SetupDataRecord,
): Stage<boolean> {
  const { target } = kernel;
  const where = 'setup_data';
  const kho = target.abi.number('SETUP_KEXEC_KHO');
  if (type !== kho) {
    const text = `setup_data has type ${type}, KHO is ${kho}: the kernel boots as if there were no KHO`;
    yield report('setup-data-type', { where, text });
    return false;
  }
  const size = target.abi.struct('kho_data').size;
  // len is added to the header's 16 bytes in 32 bits, and the header taken off again in 64.
  const wanted = BigInt.asUintN(64, BigInt((len + 16) % 2 ** 32) - 16n);
  if (earlyMemremap(kernel, kernel.pageSize, wanted) === undefined) {
    yield MAPPING_WARNING;
    yield report('setup-data-unmapped', {
      where,
      text: `setup_data has len ${len}, which cannot be mapped: a kernel warning, and the boot goes on without KHO`,
      line: 'setup: failed to memremap kho data (',
      outcome: 'broken',
    });
    return false;
  }
  // Where in its page the data stands, the boot loader decides.
  if (earlyMemremap(kernel, 2n * kernel.pageSize - 1n, wanted) === undefined) {
    const text = `setup_data has len ${len}: whether it can be mapped depends on where in its page it stands`;
    yield report('setup-data-unmapped', { where, text, outcome: 'undefined' });
    return false;
  }
  if (len !== size) {
    const text = `setup_data has len ${len}, struct kho_data has ${size} bytes, and the kernel reads it all the same`;
    yield report('setup-data-length', { where, text });
  }
  return true;
}

/** The end of every refusal in kho_populate(). */
export function* giveUp({ receiver }: Kernel, errno: number): Stage {
  yield log(`KHO: disabling KHO revival${receiver.refusalErrno ? `: ${errno}` : ''}`);
}

export const EFAULT = -14;
export const EINVAL = -22;
export const ENOENT = -2;
