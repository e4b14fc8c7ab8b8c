import { ARCHITECTURES } from '../arch/architectures.ts';
import { hex, humanSize } from '../base/numbers.ts';
import type { MapFinding } from '../memory/map-walk.ts';
import { isWithin } from '../memory/regions.ts';
import { type KernelCheck, report } from './checks.ts';
import type { FindingEvent, Outcome } from './events.ts';
import type { Kernel } from './kernel.ts';

const WHERE = 'memory-map';

/**
 * What the walk found, as the kernel would meet it.
 * @param isKnown what comes of it all is told apart
 */
export function mapEvent(kernel: Kernel, finding: MapFinding, isKnown: boolean): FindingEvent {
  const { outcome, ...event } = eventOf(kernel, finding);
  return outcome === undefined || isKnown ? event : { ...event, outcome };
}

function eventOf(kernel: Kernel, finding: MapFinding): FindingEvent {
  if (finding.code.endsWith('_OUTSIDE')) return outsideEvent(kernel, finding);
  if (finding.code === 'START_UNALIGNED') return startEvent(kernel, finding);
  const { check, text, outcome } = meaning(finding);
  return report(check, { where: whereOf(finding), text, ...(outcome && { outcome }) });
}

function whereOf({ parent, index }: MapFinding): string {
  return parent === 0n ? WHERE : `${WHERE} ${hex(parent)}[${index}]`;
}

interface Meaning {
  readonly check: KernelCheck;
  readonly text: string;
  readonly outcome?: Outcome;
}

const GARBAGE = 'the kernel reserves and marks memory by whatever is there';

function meaning(finding: MapFinding): Meaning {
  const { code, phys, index } = finding;
  const outcome = 'undefined';
  switch (code) {
    case 'NODE_UNALIGNED':
    case 'CHUNK_UNALIGNED':
    case 'BITMAP_UNALIGNED':
      return { check: 'map-node-alignment', text: `${hex(phys)} is not aligned: ${GARBAGE}`, outcome };
    case 'NODE_TWICE':
    case 'BITMAP_TWICE': {
      const text = `the map leads to ${hex(phys)} a second time, where it means something else: ${GARBAGE}`;
      return { check: 'map-node-twice', text, outcome };
    }
    case 'CHUNK_TWICE': {
      const text = `the chain of chunks comes back to ${hex(phys)}: the kernel never ends reading it`;
      return { check: 'map-node-twice', text, outcome: 'dies' };
    }
    case 'KEY_WITHOUT_ORDER':
    case 'KEY_TOO_WIDE':
      return { check: 'map-key', text: `bit ${index} is a key without a valid order: ${GARBAGE}`, outcome };
    case 'ADDRESS_OVERFLOW':
      return { check: 'map-address', text: `the block at ${hex(phys)} ends beyond 64 bits`, outcome };
    case 'PRESERVED_TWICE':
      // Both are reserved and marked; what comes of it is up to who restores them.
      return { check: 'preserved-twice', text: twiceText(finding) };
    case 'CHUNK_TOO_FULL': {
      const text = `the chunk tells ${index} elements, more than a page holds: ${GARBAGE}`;
      return { check: 'map-chunk', text, outcome };
    }
    case 'CHUNK_ORDER':
      return { check: 'map-chunk', text: `the chunk has order ${index}, larger than all memory`, outcome };
    default:
      return { check: 'map-partly-read', text: `the map has more than can be read (${code})` };
  }
}

/** An image need not have pages of zeroes. */
function outsideEvent(kernel: Kernel, finding: MapFinding): FindingEvent {
  const { phys } = finding;
  const where = whereOf(finding);
  const end = phys + kernel.pageSize;
  if (isWithin(kernel.image.absent ?? [], phys, phys + 1n)) {
    const text = `${hex(phys)} is not in the dump: what it says is not known, and taken for zeroes`;
    return report('memory-absent', { where, text, uncertain: true });
  }
  if (phys < ARCHITECTURES[kernel.target.arch].lowestPreserved) {
    const text = `${hex(phys)} is below 1 MiB, where firmware keeps what nobody knows: the kernel reserves and marks memory by that`;
    return report('first-megabyte', { where, text, outcome: 'undefined' });
  }
  if (kernel.ram.length > 0 && kernel.inRam(phys, end)) {
    const text = `${hex(phys)} is not in the image: it is read as zeroes`;
    return report('map-node-empty', { where, text });
  }
  const text = `${hex(phys)} is not in RAM: the kernel faults as it reads there, and panics`;
  const dies = kernel.ram.length > 0 && !kernel.hasStructPages(phys, end);
  return report('outside-ram', { where, text, outcome: dies ? 'dies' : 'undefined' });
}

/** A start that is off its span but on its block only makes an unusual map. */
function startEvent(kernel: Kernel, finding: MapFinding): FindingEvent {
  const { phys, order = 0 } = finding;
  const block = kernel.pageSize << BigInt(order);
  const misaligned = phys % block !== 0n;
  const rest = misaligned
    ? `which is no multiple of its blocks of ${humanSize(block)}: they are no buddies, and overlap those of others`
    : 'no multiple of what it spans, as no kernel writes it';
  const text = `a bitmap starts at ${hex(phys)}, ${rest}`;
  return report('map-chunk', {
    where: whereOf(finding),
    text,
    ...(misaligned && { outcome: 'undefined' as const }),
  });
}

function twiceText({ phys, order, otherOrder, size }: MapFinding): string {
  const shared = size === undefined ? '' : `, ${humanSize(size)} of it`;
  const other = otherOrder === undefined ? 'in another block' : `in a block of order ${otherOrder}`;
  return `the block of order ${order} at ${hex(phys)} is also preserved ${other}${shared}: whoever restores one of them frees or marks pages of the other`;
}
