import { hex, humanSize } from '../base/numbers.ts';
import type { MapFinding } from '../memory/map-walk.ts';
import type { VerifyCheck } from './checks.ts';
import type { Context, Fate } from './context.ts';

const WHERE = 'memory-map';

/** What the walk found, as the kernel would meet it. */
export function reportMapFinding(context: Context, finding: MapFinding): void {
  if (finding.code.endsWith('_OUTSIDE')) reportOutside(context, finding);
  else if (finding.code === 'START_UNALIGNED') reportStart(context, finding);
  else {
    const { check, text, fate } = meaning(finding);
    context.found(check, { where: whereOf(finding), text, ...(fate && { fate }) });
  }
}

function whereOf({ parent, index }: MapFinding): string {
  return parent === 0n ? WHERE : `${WHERE} ${hex(parent)}[${index}]`;
}

interface Meaning {
  readonly check: VerifyCheck;
  readonly text: string;
  readonly fate?: Fate;
}

const GARBAGE = 'the kernel reserves and marks memory by whatever is there';

function meaning(finding: MapFinding): Meaning {
  const { code, phys, index } = finding;
  const fate = 'undefined';
  switch (code) {
    case 'NODE_UNALIGNED':
    case 'CHUNK_UNALIGNED':
    case 'BITMAP_UNALIGNED':
      return { check: 'map-node-alignment', text: `${hex(phys)} is not aligned: ${GARBAGE}`, fate };
    case 'NODE_TWICE':
    case 'BITMAP_TWICE': {
      const text = `the map leads to ${hex(phys)} a second time, where it means something else: ${GARBAGE}`;
      return { check: 'map-node-twice', text, fate };
    }
    case 'CHUNK_TWICE': {
      const text = `the chain of chunks comes back to ${hex(phys)}: the kernel never ends reading it`;
      return { check: 'map-node-twice', text, fate: 'dies' };
    }
    case 'KEY_WITHOUT_ORDER':
    case 'KEY_TOO_WIDE':
      return { check: 'map-key', text: `bit ${index} is a key without a valid order: ${GARBAGE}`, fate };
    case 'ADDRESS_OVERFLOW':
      return { check: 'map-address', text: `the block at ${hex(phys)} ends beyond 64 bits`, fate };
    case 'PRESERVED_TWICE':
      return { check: 'preserved-twice', text: twiceText(finding), fate };
    case 'CHUNK_TOO_FULL': {
      const text = `the chunk tells ${index} elements, more than a page holds: ${GARBAGE}`;
      return { check: 'map-chunk', text, fate };
    }
    case 'CHUNK_ORDER':
      return { check: 'map-chunk', text: `the chunk has order ${index}, larger than all memory`, fate };
    default:
      return { check: 'map-partly-read', text: `the map has more than can be read (${code})` };
  }
}

/** An image need not have pages of zeroes. */
function reportOutside(context: Context, finding: MapFinding): void {
  const { phys } = finding;
  const where = whereOf(finding);
  const end = phys + context.pageSize;
  if (context.ram.length > 0 && context.inRam(phys, end)) {
    const text = `${hex(phys)} is not in the image: it is read as zeroes`;
    context.found('map-node-empty', { where, text });
    return;
  }
  const text = `${hex(phys)} is not in RAM: the kernel faults as it reads there, and panics`;
  const dies = context.ram.length > 0 && !context.hasStructPages(phys, end);
  context.found('outside-ram', { where, text, fate: dies ? 'dies' : 'undefined' });
}

/** A start that is off its span but on its block only makes an unusual map. */
function reportStart(context: Context, finding: MapFinding): void {
  const { phys, order = 0 } = finding;
  const block = context.pageSize << BigInt(order);
  const misaligned = phys % block !== 0n;
  const rest = misaligned
    ? `which is no multiple of its blocks of ${humanSize(block)}: they are no buddies, and overlap those of others`
    : 'no multiple of what it spans, as no kernel writes it';
  const text = `a bitmap starts at ${hex(phys)}, ${rest}`;
  context.found('map-chunk', {
    where: whereOf(finding),
    text,
    ...(misaligned && { fate: 'undefined' as const }),
  });
}

function twiceText({ phys, order, otherOrder, size }: MapFinding): string {
  const shared = size === undefined ? '' : `, ${humanSize(size)} of it`;
  const other = otherOrder === undefined ? 'in another block' : `in a block of order ${otherOrder}`;
  return `the block of order ${order} at ${hex(phys)} is also preserved ${other}${shared}: whoever restores one of them frees or marks pages of the other`;
}
