import { findNode, getProperty, readFdt } from '../../fdt/reader.ts';
import type { Block } from '../../memory/preserved-blocks.ts';
import type { DecodedValue, LocatedSubtree, SpecFragment } from '../user.ts';
import { readVmalloc } from '../vmalloc/vmalloc.ts';

/** The folios' contents are generated, and with them the checksum, so that the handover holds without user data. */
export function respec(subtree: LocatedSubtree): SpecFragment | undefined {
  const { phys, decoded } = subtree;
  const folios = foliosOf(decoded?.fields.folios);
  const order = subtree.orderAt(phys);
  const area = listArea(subtree);
  if (!folios || !area || order === undefined) return undefined;
  return {
    spec: { orders: folios.map((folio) => folio.order) },
    place: {
      'kho_test/fdt': phys,
      ...Object.fromEntries(area.pages.map((page, i) => [`kho_test/folios_info/pages[${i}]`, page])),
      ...Object.fromEntries(area.chunks.map((chunk, i) => [`kho_test/folios_info/chunks[${i}]`, chunk])),
      ...Object.fromEntries(folios.map((folio, i) => [`kho_test/folios[${i}]`, folio.phys])),
    },
    claims: [
      [phys, order],
      ...[...area.pages, ...area.chunks].map((page): Block => [page, 0]),
      ...folios.map((folio): Block => [folio.phys, folio.order]),
    ],
  };
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
  if (target.generation.testFolios === 'inline') return { pages: [], chunks: [] };
  const data = findNode(readFdt(bytes).root, '/data');
  const value = data && getProperty(data, 'folios_info')?.value;
  if (value?.length !== target.abi.struct('kho_vmalloc').size) return undefined;
  const descriptor = target.abi.struct('kho_vmalloc').decode(value);
  const { blocks, chunks, problems } = readVmalloc(memory, target, descriptor);
  return problems.length > 0 ? undefined : { pages: blocks, chunks };
}
