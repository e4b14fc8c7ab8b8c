import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { SetupDataRecord } from '../model/image.ts';
import { report } from './checks.ts';
import { type LineEvent, log, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import type { Receiver } from './receivers.ts';

/** NR_FIX_BTMAPS pages, 256 KiB whatever the page size (arch/x86/include/asm/fixmap.h, arm64's, 7.3). */
const MAX_MAPPING_BYTES = 256n << 10n;

/**
 * Whether early_memremap() gives a mapping (mm/early_ioremap.c: __early_ioremap(), 7.3). Where it does not, it also
 * prints a kernel warning.
 */
export function canMap(start: bigint, length: bigint, pageSize: bigint): boolean {
  const last = BigInt.asUintN(64, start + length - 1n);
  if (length === 0n || last < start) return false;
  return mappedEnd(start, length, pageSize) - (start & ~(pageSize - 1n)) <= MAX_MAPPING_BYTES;
}

/** Mappings are whole pages. */
export function mappedEnd(start: bigint, length: bigint, pageSize: bigint): bigint {
  return (start + length + pageSize - 1n) & ~(pageSize - 1n);
}

/** @returns whether the kernel goes on to kho_populate() */
export function* readBootRecord({ image, target }: Kernel): Stage<boolean> {
  const { bootRecord } = image;
  switch (bootRecord.kind) {
    case 'setup_data':
      return yield* parseSetupData(target, bootRecord);
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

/** parse_setup_data(), add_kho() (arch/x86/kernel/setup.c, 7.3). */
function* parseSetupData(
  target: Target,
  { setupDataType: type, setupDataLen: len }: SetupDataRecord,
): Stage<boolean> {
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
  if (!canMap(0n, wanted, BigInt(target.pageSize))) {
    yield report('setup-data-unmapped', {
      where,
      text: `setup_data has len ${len}, which cannot be mapped: a kernel warning, and the boot goes on without KHO`,
      line: 'setup: failed to memremap kho data (',
      outcome: 'broken',
    });
    return false;
  }
  if (len !== size) {
    const text = `setup_data has len ${len}, struct kho_data has ${size} bytes, and the kernel reads it all the same`;
    yield report('setup-data-length', { where, text });
  }
  return true;
}

/** The end of every refusal in kho_populate(). */
export function logRefusal({ refusalErrno }: Receiver, errno: number): LineEvent {
  return log(`KHO: disabling KHO revival${refusalErrno ? `: ${errno}` : ''}`);
}

export const EFAULT = -14;
export const EINVAL = -22;
export const ENOENT = -2;
