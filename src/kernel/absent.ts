import { hex, humanSize } from '../base/numbers.ts';
import { intersection, pairs, unionOf } from '../memory/intervals.ts';
import type { Preserved } from '../memory/preserved.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import { report } from './checks.ts';
import type { Stage } from './events.ts';
import type { Kernel } from './kernel.ts';

/** What the source of an image does not tell, so that no finding can be sure. */
export function* checkSource({ image, ram }: Kernel): Stage {
  if (image.cutShort) {
    const text = 'the dump ends before the memory that it tells of: what was cut off is taken for zeroes';
    yield report('dump-truncated', { where: 'dump', text, uncertain: true });
  }
  if (image.ramGuessed) {
    const text = `RAM is taken to be what the dump reaches over, ${total(image.ram)}: what lies outside is not found`;
    yield report('ram-guessed', { where: 'ram', text, uncertain: true });
  } else if (ram.length === 0) {
    const text = 'the image does not tell its RAM: what lies outside is not found';
    yield report('ram-unknown', { where: 'ram', text, uncertain: true });
  }
}

/** Preserved memory whose bytes the source left out. */
export function* checkAbsent({ image }: Kernel, preserved: Preserved): Stage {
  if (image.absent === undefined || image.absent.length === 0) return;
  const ranges = Array.from(pairs(preserved.ranges), ({ start, end }) => ({ start, size: end - start }));
  const lost = intersection(image.absent, unionOf(ranges));
  const [first] = lost;
  if (first === undefined) return;
  const text = `${total(lost)} of preserved memory, the first at ${hex(first.start)}-${hex(regionEnd(first))}, is not in the dump that the image comes from: it is taken for zeroes`;
  yield report('memory-absent', { where: 'memory', text, uncertain: true });
}

const total = (regions: readonly Region[]): string =>
  humanSize(regions.reduce((sum, { size }) => sum + size, 0n));
