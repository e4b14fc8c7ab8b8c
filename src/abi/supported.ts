import type { Abi } from './abi.ts';
import type { StructName } from './declared.ts';
import type { Facts } from './facts.ts';
import { inexpressible } from './inexpressible.ts';
import type { FieldLayout } from './layout.ts';
import { radixGeometry } from './radix.ts';
import { makeTarget, type Target } from './target.ts';

/** Structures that the bitmap engine reads and writes itself, and whose layout it has built in. */
const ENGINE: readonly StructName[] = [
  'kho_radix_node',
  'kho_radix_leaf',
  'khoser_mem_chunk_hdr',
  'khoser_mem_bitmap_ptr',
  'khoser_mem_chunk',
];

/**
 * Refuses a tree that khoforge has no code for.
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` with the name of what cannot be done
 */
export function checkSupported(target: Target, base: string): void {
  const { abi, arch, pageSize } = target;
  const plain = makeTarget({ release: base, arch, pageSize }).abi;
  for (const [name, facts] of plain.facts) {
    const own = abi.facts.get(name);
    if (own) checkKind(name, facts, own);
  }
  for (const [name, { value, size }] of plain.facts) {
    if (value === undefined && size !== undefined && !/[.:]/.test(name) && abi.facts.has(name))
      abi.struct(name as StructName);
  }
  engineSupports(abi, plain);
  if (target.generation.memoryMap.kind === 'radix') checkRadix(target, plain);
}

/** What is a number stays one, and a property that code reads as an integer keeps its length. */
function checkKind(name: string, base: Facts, own: Facts): void {
  if (typeof base.value !== typeof own.value)
    throw inexpressible(`${name} is ${String(own.value)}, where ${String(base.value)} was`);
  if (name.includes(':') && base.size !== own.size)
    throw inexpressible(`${name} has ${own.size} bytes, ${base.size} are read`);
}

/** Compares layouts, so that a structure that is only renamed inside is fine. */
function engineSupports(abi: Abi, plain: Abi): void {
  const shape = ({ layout }: { layout: { size: number; fields: readonly FieldLayout[] } }) =>
    [layout.size, ...layout.fields.map(({ offset, size }) => `${offset}+${size}`)].join(' ');
  for (const name of ENGINE) {
    if (!plain.has(name) || (abi.has(name) && shape(abi.struct(name)) === shape(plain.struct(name))))
      continue;
    throw inexpressible(`struct ${name} changed, which is built into the engine`);
  }
}

function checkRadix(target: Target, plain: Abi): void {
  for (const name of ['KHO_TABLE_SIZE_LOG2', 'KHO_BITMAP_SIZE_LOG2'] as const) {
    const [own, built] = [target.abi.number(name), plain.number(name)];
    if (own !== built) throw inexpressible(`${name} is ${own}, the engine has ${built} built in`);
  }
  radixGeometry(target);
}
