import { maxPageOrder } from '../../abi/page-order.ts';
import { type State, sha256Of } from '../state.ts';
import type { Blob } from '../user.ts';
import { readTestData } from './kho-test.ts';

/** The folios by their orders, and what they hold. */
export function state({ target, memory, bytes }: Blob): Omit<State, 'name'> {
  const { magic, csum, folios } = readTestData(target, memory, bytes);
  const orders = folios.map(({ order }) => order);
  const isSound =
    new Set(folios.map(({ phys }) => phys)).size === folios.length &&
    orders.every((order) => order <= maxPageOrder(target));
  const pieces = folios.map(({ phys, order }) => ({ phys, size: target.pageSize * 2 ** order }));
  const sha256 = isSound ? sha256Of(memory, pieces) : null;
  return { facts: { magic: magic ?? null, csum: csum ?? null, orders, sha256 }, parts: [] };
}
