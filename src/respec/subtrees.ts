import { kho_vmalloc } from '../abi/kexec_handover.ts';
import { decodeStruct, layoutOf } from '../abi/layout.ts';
import { findNode, getProperty, readFdt } from '../fdt/reader.ts';
import type { Image } from '../model/image.ts';
import type { InspectedSubtree } from '../receive/decode.ts';
import type { Spec } from '../specfile/schema.ts';
import { luoPart } from '../users/luo/respec.ts';
import { reserveMemPart } from '../users/reserve-mem/respec.ts';
import type { DecodedValue } from '../users/subtree.ts';
import { readVmalloc } from '../users/vmalloc/vmalloc.ts';
import type { Block, BlockSet } from './blocks.ts';

/** One subtree in the words of a spec, and where its parts are. */
export interface SubtreePart {
  readonly subtree: NonNullable<Spec['subtrees']>[number];
  readonly place: Readonly<Record<string, bigint>>;
  /** What a spec would preserve and the handover does not. */
  readonly unpreserve?: string;
}

/** Longest blob that is written into a spec; none of the kernel's comes near. */
const LARGEST_BLOB = 1n << 20n;

export type Maker = (image: Image, subtree: Found, blocks: BlockSet) => SubtreePart | undefined;
export type Found = InspectedSubtree & { readonly phys: bigint };

/** Those that are told by what they mean; all others, and these when they are damaged, by their bytes. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'kexec-metadata': metadataPart,
  kho_test: testPart,
  memblock: reserveMemPart,
  LUO: luoPart,
};

/** Takes the blocks that the subtree preserves by itself out of `blocks`. */
export function subtreePart(image: Image, subtree: InspectedSubtree, blocks: BlockSet): SubtreePart {
  const { name, phys } = subtree;
  if (phys === null) return { subtree: { raw: { name, content: { bytes: new Uint8Array() } } }, place: {} };
  const found = { ...subtree, phys };
  const sound = subtree.decoded?.problems.length === 0;
  return (sound && MAKERS[name]?.(image, found, blocks)) || rawPart(image, found, blocks);
}

function metadataPart(_image: Image, { phys, decoded }: Found, blocks: BlockSet): SubtreePart | undefined {
  const { previous_release, kexec_count } = decoded?.fields ?? {};
  if (typeof previous_release !== 'string' || typeof kexec_count !== 'number') return undefined;
  if (!blocks.take(phys, 0)) return undefined;
  return {
    subtree: { 'kexec-metadata': { previous_release, kexec_count } },
    place: { 'kexec-metadata': phys },
  };
}

/** The folios' contents are generated, and with them the checksum, so that the handover holds without user data. */
function testPart(image: Image, { phys, decoded }: Found, blocks: BlockSet): SubtreePart | undefined {
  const folios = foliosOf(decoded?.fields.folios);
  const order = blocks.orderAt(phys);
  const area = listArea(image, phys);
  if (!folios || !area || order === undefined) return undefined;
  const wanted: Block[] = [
    [phys, order],
    ...[...area.pages, ...area.chunks].map((page): Block => [page, 0]),
    ...folios.map((folio): Block => [folio.phys, folio.order]),
  ];
  if (!blocks.takeAll(wanted)) return undefined;
  return {
    subtree: { kho_test: { orders: folios.map((folio) => folio.order) } },
    place: {
      'kho_test/fdt': phys,
      ...Object.fromEntries(area.pages.map((page, i) => [`kho_test/folios_info/pages[${i}]`, page])),
      ...Object.fromEntries(area.chunks.map((chunk, i) => [`kho_test/folios_info/chunks[${i}]`, chunk])),
      ...Object.fromEntries(folios.map((folio, i) => [`kho_test/folios[${i}]`, folio.phys])),
    },
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
function listArea(
  { memory, target }: Image,
  fdt: bigint,
): { pages: readonly bigint[]; chunks: readonly bigint[] } | undefined {
  if (target.generation.testFolios === 'inline') return { pages: [], chunks: [] };
  const data = findNode(readFdt(memory.read(fdt, target.pageSize)).root, '/data');
  const value = data && getProperty(data, 'folios_info')?.value;
  if (value?.length !== layoutOf(kho_vmalloc, target).size) return undefined;
  const descriptor = decodeStruct(kho_vmalloc, target, value);
  const { blocks, chunks, problems } = readVmalloc(memory, target, descriptor);
  return problems.length > 0 ? undefined : { pages: blocks, chunks };
}

/** Any subtree: its bytes, in the folio that is preserved where they begin. */
function rawPart(
  { memory, target }: Image,
  { name, phys, size, head }: Found,
  blocks: BlockSet,
): SubtreePart {
  const wanted = size ?? BigInt(fdtSize(memory.read(phys, 8)) ?? head?.length ?? target.pageSize);
  const bytes = memory.read(phys, Number(wanted < LARGEST_BLOB ? wanted : LARGEST_BLOB));
  const order = blocks.orderAt(phys);
  if (order !== undefined) blocks.take(phys, order);
  return {
    subtree: { raw: { name, content: { bytes }, ...(order !== undefined && { order }) } },
    place: { [name]: phys },
    ...(order === undefined && { unpreserve: name }),
  };
}

function fdtSize(head: Uint8Array): number | undefined {
  const bytes = Buffer.from(head);
  return bytes.readUInt32BE(0) === 0xd00dfeed ? bytes.readUInt32BE(4) : undefined;
}
