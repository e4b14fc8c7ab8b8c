import type { Abi } from './abi.ts';
import { abiOf, type NumberName, type StructName } from './declared.ts';
import type { Facts } from './facts.ts';
import { inexpressible } from './inexpressible.ts';
import type { Layout } from './layout.ts';
import { radixGeometry } from './radix.ts';
import { makeTarget, type Target } from './target.ts';

/**
 * Structures whose layout is built into the bitmap engine, or into the search for a boot record in memory of which the
 * target is not known yet.
 */
const BUILT_IN: readonly StructName[] = [
  'kho_radix_node',
  'kho_radix_leaf',
  'khoser_mem_chunk_hdr',
  'khoser_mem_bitmap_ptr',
  'khoser_mem_chunk',
  'setup_data',
  'kho_data',
];

/** Constants that go with them, and whether a tree may be without. */
const BUILT_IN_NUMBERS: readonly (readonly [NumberName, 'needed' | 'optional'])[] = [
  ['KHO_TABLE_SIZE_LOG2', 'needed'],
  ['KHO_BITMAP_SIZE_LOG2', 'needed'],
  ['KHO_ORDER_0_LOG2', 'needed'],
  ['KHO_RADIX_KEY_WIDTH', 'needed'],
  ['KHOSER_BITMAP_SIZE', 'needed'],
  ['SETUP_KEXEC_KHO', 'needed'],
  ['KHO_BLOCK_SIZE', 'optional'],
];

/**
 * Refuses a tree that khoforge has no code for.
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` with the name of what cannot be done
 */
export function checkSupported(target: Target, base: string): void {
  const { abi, arch, pageSize } = target;
  const plain = makeTarget({ release: base, arch, pageSize }).abi;
  const held = structsInProperties(base, target);
  for (const [name, facts] of plain.facts) {
    const own = abi.facts.get(name);
    if (own) checkKind(name, facts, own, abi.facts.get(held.get(name) ?? '')?.size);
    else if (name.startsWith('chosen:'))
      throw inexpressible(`${name} is gone: a boot record is found by the name '${String(facts.value)}'`);
  }
  for (const name of plain.structNames) if (abi.facts.has(name)) abi.struct(name);
  engineSupports(abi, plain);
  for (const { struct, members = {} } of abiOf(base, arch)) {
    for (const [member, name] of Object.entries(members))
      if (struct) checkMember(abi, name, struct.name, member);
  }
  checkPages(target);
  if (target.generation.memoryMap.kind === 'radix') radixGeometry(target);
}

/** The structures that a device tree's properties are, by the properties' names. */
function structsInProperties(base: string, { arch }: Target): ReadonlyMap<string, string> {
  return new Map(
    abiOf(base, arch).flatMap(({ properties = {} }) =>
      Object.entries(properties).flatMap(([name, held]): [string, string][] =>
        typeof held === 'number' ? [] : [[name, held.name]],
      ),
    ),
  );
}

/**
 * What is a number stays one, and a property keeps its length, unless it is a structure that changed to the same.
 * @param structSize bytes of the structure that the property is
 */
function checkKind(name: string, base: Facts, own: Facts, structSize: number | undefined): void {
  if (typeof base.value !== typeof own.value)
    throw inexpressible(`${name} is ${String(own.value)}, where ${String(base.value)} was`);
  if (name.includes(':') && base.size !== own.size && own.size !== structSize)
    throw inexpressible(`${name} has ${own.size} bytes, ${base.size} are read`);
  if (name.startsWith('chosen:') && base.value !== own.value)
    throw inexpressible(`${name} is '${own.value}': a boot record is found by the name '${base.value}'`);
}

function engineSupports(abi: Abi, plain: Abi): void {
  const shape = ({ size, fields }: Layout) =>
    [size, ...fields.map(({ offset, size: bytes }) => `${offset}+${bytes}`)].join(' ');
  for (const name of BUILT_IN) {
    if (!plain.has(name)) continue;
    if (abi.has(name) && shape(abi.struct(name).layout) === shape(plain.struct(name).layout)) continue;
    throw inexpressible(`struct ${name} changed, which is built in`);
  }
  for (const [name, need] of BUILT_IN_NUMBERS) {
    if (!plain.has(name) || (need === 'optional' && !abi.has(name))) continue;
    const [own, built] = [abi.has(name) ? abi.number(name) : 'gone', plain.number(name)];
    if (own !== built) throw inexpressible(`${name} is ${own}, and ${built} is built in`);
  }
}

/** A compiler never gives two answers: a structure that changed also changed where it is a member. */
function checkMember({ facts }: Abi, name: string, outer: string, member: string): void {
  if (!facts.has(name) || !facts.has(outer)) return;
  const inside = [...facts].filter(([item]) => item.startsWith(`${name}.`));
  const start = ({ offset, bitOffset = 0 }: Facts) => offset ?? bitOffset / 8;
  const starts = inside.map(([item, own]) => {
    const there = facts.get(`${outer}.${member}.${item.slice(name.length + 1)}`);
    return there && there.size === own.size ? start(there) - start(own) : undefined;
  });
  const [first] = starts;
  const size = facts.get(name)?.size ?? 0;
  const others = [...facts]
    .filter(([item]) => item.startsWith(`${outer}.`) && !item.startsWith(`${outer}.${member}.`))
    .map(([, field]) => [start(field), start(field) + (field.size ?? (field.bitWidth ?? 0) / 8)] as const);
  const isSame = first !== undefined && starts.every((one) => one === first);
  const end = (first ?? 0) + size;
  const fits = isSame && first >= 0 && end <= (facts.get(outer)?.size ?? 0);
  if (fits && others.every(([from, to]) => to <= first || from >= end)) return;
  throw inexpressible(`struct ${name} is not what struct ${outer} has as ${member}`);
}

/** What code takes for a page, or for bits up to its end. */
function checkPages({ abi, pageSize }: Target): void {
  if (abi.has('kho_vmalloc_chunk')) {
    const { size, layout } = abi.struct('kho_vmalloc_chunk');
    const phys = layout.fields.find(({ name }) => name === 'phys');
    if (size !== pageSize || phys === undefined)
      throw inexpressible(`struct kho_vmalloc_chunk has ${size} bytes, a page has ${pageSize}`);
    const count = phys.size / 8;
    if (abi.has('KHO_VMALLOC_SIZE') && abi.number('KHO_VMALLOC_SIZE') !== count)
      throw inexpressible(`KHO_VMALLOC_SIZE is ${abi.number('KHO_VMALLOC_SIZE')}, a chunk has ${count}`);
  }
  if (!abi.has('kho_mem_phys_bits') && !abi.has('PRESERVE_BITS')) return;
  const { size, layout } = abi.struct('kho_mem_phys_bits');
  if (layout.fields.some((field) => field.offset !== 0 || field.size !== size))
    throw inexpressible('struct kho_mem_phys_bits has more than its bits');
  if (abi.number('PRESERVE_BITS') !== size * 8)
    throw inexpressible(`PRESERVE_BITS is ${abi.number('PRESERVE_BITS')}, a bitmap has ${size * 8}`);
}
