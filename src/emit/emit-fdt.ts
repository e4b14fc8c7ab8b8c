import type { Allowed } from '../fdt/checks.ts';
import { getField, HEADER_FIELDS, setField, viewOf } from '../fdt/format.ts';
import { FdtSequentialWriter } from '../fdt/sequential.ts';
import { asU32, type Offer, type Overrides } from './overrides.ts';
import type { Producer } from './producer.ts';

/** Writes nodes and properties, each of which an override may replace or leave out. */
export interface FdtBody {
  property(name: string, value: Uint8Array): void;
  node(name: string, body: () => void): void;
}

/**
 * A tree written front to back, as the kernel writes every FDT but its root one.
 * @param path of the tree, the start of its overrides' paths
 * @param limit bytes that the tree may take
 * @returns the finished tree, `totalsize` bytes; its header is for `overrideHeader` when no edit follows
 */
export function emitFdt(
  producer: Producer,
  path: string,
  limit: number,
  body: (fdt: FdtBody) => void,
): Uint8Array {
  const { overrides, target } = producer;
  const writer = new FdtSequentialWriter(limit, { label: path, allow: allowedFdtChecks(producer) });
  writer.finishReservemap();
  writer.beginNode('');
  let at = path;
  body({
    property(name, value) {
      const final = overrides.property(`${at}/${name}`, value, target.endian);
      if (final) writer.property(name, final);
    },
    node(name, inner) {
      if (overrides.leavesOut(`${at}/${name}`)) return;
      const outer = at;
      at = `${at}/${name}`;
      writer.beginNode(name);
      inner();
      writer.endNode();
      at = outer;
    },
  });
  writer.endNode();
  return writer.finish();
}

/** Header fields are overridden last, so that they may lie about the tree. */
export function overrideHeader(overrides: Overrides, path: string, tree: Uint8Array): void {
  const header = viewOf(tree);
  for (const field of HEADER_FIELDS) {
    const offer: Offer = { kind: 'number', value: BigInt(getField(header, field)), bits: 32 };
    const value = overrides.take(`${path}/header/${field}`, offer);
    if (value !== undefined) setField(header, field, asU32(value, `${path}/header/${field}`));
  }
}

export function allowedFdtChecks({ checker }: Producer): Allowed {
  return { has: (check) => checker.allows(check) };
}
