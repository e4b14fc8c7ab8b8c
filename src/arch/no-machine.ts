import { KhoforgeError } from '../base/errors.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { type Region, regionEnd } from '../memory/regions.ts';

/**
 * No QEMU machine has this RAM.
 * @param size bytes of guest memory, when the user asked for them
 * @param hint where the architecture's machines have theirs
 */
export function noMachine(ram: readonly Region[], size: bigint | undefined, hint: string): KhoforgeError {
  const list = ram.map((region) => `${hex(region.start)}-${hex(regionEnd(region))}`).join(', ');
  const given = size === undefined ? '' : ` with ${humanSize(size)} of memory`;
  return new KhoforgeError('RAM_NOT_QEMU', `no QEMU machine${given} has its RAM at ${list || '(nothing)'}`, {
    where: { spec: 'ram' },
    hint,
  });
}
