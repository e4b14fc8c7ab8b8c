import { findNode, getProperty, readFdt } from '../../fdt/reader.ts';
import { Places } from '../places.ts';
import type { DecodedValue, LocatedSubtree, SpecFragment } from '../user.ts';
import { placeArea } from '../vmalloc/respec.ts';
import { readVmalloc } from '../vmalloc/vmalloc.ts';
import { isInline } from './list-form.ts';
import { FDT_PATH, folioPath, LIST_PATH } from './paths.ts';

/** The folios' contents are generated, and with them the checksum, so that the handover holds without user data. */
export function respec(subtree: LocatedSubtree): SpecFragment | undefined {
  const { phys, decoded } = subtree;
  const folios = foliosOf(decoded?.fields.folios);
  const order = subtree.orderAt(phys);
  const area = listArea(subtree);
  if (!folios || !area || order === undefined) return undefined;
  const places = new Places();
  places.add(FDT_PATH, phys, order);
  placeArea(places, LIST_PATH, area);
  folios.forEach((folio, i) => {
    places.add(folioPath(i), folio.phys, folio.order);
  });
  const spec = { orders: folios.map((folio) => folio.order) };
  return { spec, place: places.place, claims: places.claims };
}

function foliosOf(value: DecodedValue | undefined): { phys: bigint; order: number }[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const list: readonly DecodedValue[] = value;
  return list.flatMap((item) => {
    if (item === null || typeof item !== 'object' || !('phys' in item) || !('order' in item)) return [];
    const { phys, order } = item;
    return typeof phys === 'bigint' && typeof order === 'number' ? [{ phys, order }] : [];
  });
}

/** The pages that hold the list of folios, and the chunks that lead to them; none where the list is inline. */
function listArea({
  memory,
  target,
  bytes,
}: LocatedSubtree): { pages: readonly bigint[]; chunks: readonly bigint[] } | undefined {
  if (isInline(target)) return { pages: [], chunks: [] };
  const data = findNode(readFdt(bytes).root, `/${target.abi.text('kho_test:data')}`);
  const value = data && getProperty(data, target.abi.text('kho_test:folios_info'))?.value;
  if (value?.length !== target.abi.struct('kho_vmalloc').size) return undefined;
  const descriptor = target.abi.struct('kho_vmalloc').decode(value);
  const { blocks, chunks, problems } = readVmalloc(memory, target, descriptor);
  return problems.length > 0 ? undefined : { pages: blocks, chunks };
}
