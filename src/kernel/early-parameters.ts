import { memparse } from '../base/command-line.ts';
import { log, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';

const MOST_PERCENT = 2n ** 32n;

/** kho_parse_scratch_size() (KH, 6.18 to 7.3), which speaks of what it takes. */
export function* readEarlyParameters({ boot }: Kernel): Stage {
  for (const value of boot.cmdline.values('kho_scratch')) {
    const [, percent] = /^(\d{1,10})%$/.exec(value) ?? [];
    if (percent !== undefined && BigInt(percent) < MOST_PERCENT) {
      yield log(`KHO: scratch scale is ${BigInt.asIntN(32, BigInt(percent))}%`);
    }
    const sizes = value.split(',').map(memparse);
    if (percent !== undefined || sizes.length !== 3 || sizes.some(({ rest }) => rest !== '')) continue;
    const [low = 0n, global = 0n, node = 0n] = sizes.map((size) => size.value >> 20n);
    if (sizes.every((size) => size.value === 0n)) continue;
    yield log(`KHO: scratch areas: lowmem: ${low}MiB global: ${global}MiB pernode: ${node}MiB`);
  }
}
