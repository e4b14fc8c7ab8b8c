import { KhoforgeError } from '../base/errors.ts';
import { humanSize, isAligned } from '../base/numbers.ts';
import type { Machine } from './machine.ts';
import { type Region, regionEnd } from './regions.ts';

const MiB = 1n << 20n;

/**
 * The memory of each NUMA node: QEMU gives them the machine's memory in the order of addresses.
 * @param sizes bytes of each node, together all memory of the machine
 * @throws KhoforgeError `NODES_SIZE`
 */
export function nodeRegions(machine: Machine, sizes: readonly bigint[]): Region[][] {
  checkSizes(machine, sizes);
  const spans = spansOf(machine);
  let from = 0n;
  return sizes.map((size) => {
    const until = from + size;
    const regions = spans.flatMap((span) => slice(span, from, until));
    from = until;
    return regions;
  });
}

/** A machine with nodes; what it has beyond their memory goes to the last. @throws KhoforgeError `NODES_SIZE` */
export function withNodes(machine: Machine, sizes: readonly bigint[]): Machine {
  const total = sizes.reduce((sum, size) => sum + size, 0n);
  const more = machine.size > total ? machine.size - total : 0n;
  const nodes = [...sizes.slice(0, -1), (sizes.at(-1) ?? 0n) + more];
  checkSizes(machine, nodes);
  return { ...machine, nodes };
}

/** Memory that begins at byte `offset` of the machine's. */
interface Span extends Region {
  readonly offset: bigint;
}

function spansOf({ backing }: Machine): Span[] {
  let offset = 0n;
  return backing.map((bank): Span => {
    const span = { ...bank, offset };
    offset += bank.size;
    return span;
  });
}

function slice({ start, size, offset }: Span, from: bigint, until: bigint): Region[] {
  const first = from > offset ? from : offset;
  const end = until < offset + size ? until : offset + size;
  return end > first ? [{ start: start + first - offset, size: end - first }] : [];
}

/** The parts of `regions` that are in some of `others`. */
export function intersect(regions: readonly Region[], others: readonly Region[]): Region[] {
  return regions.flatMap((region) =>
    others.flatMap((other) => slice({ ...region, offset: region.start }, other.start, regionEnd(other))),
  );
}

function checkSizes(machine: Machine, sizes: readonly bigint[]): void {
  const total = sizes.reduce((sum, size) => sum + size, 0n);
  const odd = sizes.find((size) => !isAligned(size, MiB));
  if (total === machine.size && odd === undefined) return;
  const list = sizes.map(humanSize).join(' + ');
  const why =
    odd === undefined
      ? `${list} is ${humanSize(total)}, the machine has ${humanSize(machine.size)}`
      : `${humanSize(odd)} is not made of MiB`;
  throw new KhoforgeError('NODES_SIZE', `nodes: ${why}`, {
    where: { spec: 'nodes' },
    hint: 'give each node its part of all memory, in the order of addresses',
  });
}
