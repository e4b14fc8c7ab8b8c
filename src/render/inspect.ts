import { describeTarget } from '../abi/target.ts';
import { JsonList } from '../base/json.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { pairs } from '../memory/intervals.ts';
import { regionEnd } from '../memory/regions.ts';
import type { InspectedSubtree, Inspection } from '../receive/decode.ts';
import type { BitmapEvidence } from '../source/bitmap-evidence.ts';
import type { FoundHandover } from '../source/opened.ts';
import type { DecodedValue } from '../users/user.ts';
import { toJsonParts } from './json.ts';
import { sourceJson, sourceTrees } from './source.ts';
import { type Tree, treeText } from './tree.ts';

/** Ranges and list elements shown at the terminal; `--json` has them all. */
const SHOWN = 10;

/** @param opened how the handover was found, when it was */
export function inspectText(inspection: Inspection, source: string, opened?: FoundHandover): string[] {
  const { target, fdt, scratch, subtrees, problems } = inspection;
  const children: Tree[] = [
    ...(opened && opened.notes.length > 0 ? sourceTrees(opened) : []),
    {
      text: fdt
        ? `root FDT      ${hex(fdt.phys)}, ${fdt.size} bytes, compatible '${inspection.compatible ?? ''}'`
        : inspection.handedOver
          ? 'root FDT      unreadable'
          : 'nothing handed over: KHO was not finalized',
    },
    {
      text: `scratch       regions: ${scratch.length}`,
      children: scratch.map((region, i) => ({
        text: `[${i}] ${hex(region.start)}-${hex(regionEnd(region))}  ${humanSize(region.size)}`,
      })),
    },
    ...memoryTrees(inspection),
    { text: `subtrees      ${subtrees.length}`, children: subtrees.map(subtreeTree) },
  ];
  if (problems.length > 0) {
    children.push({ text: `problems      ${problems.length}`, children: shorten([...problems]) });
  }
  return treeText({ text: `${source}: ${describeTarget(target)}`, children });
}

/** What `nodes` and `leaves` of a walk are called. */
const MAP_WORDS = { radix: ['nodes', 'leaves'], 'bitmap-chain': ['chunks', 'bitmaps'] } as const;

/** Kernels that never hand over an unfinalized map do not check for it either (kho_mem_deserialize(), 6.17). */
const ZERO_MAP = {
  'map-zero': 'not finalized, the receiver discards this handover',
  nothing: 'the receiver takes this handover, with nothing preserved',
} as const;

function memoryTrees({ target, handedOver, finalized, memoryMap, walk, bitmaps }: Inspection): Tree[] {
  if (memoryMap === 0n)
    return [{ text: `memory map    0: ${ZERO_MAP[target.generation.beforeFinalization]}` }];
  if (!handedOver) return [];
  if (!finalized || !walk || memoryMap === null) return [{ text: 'memory map    unreadable' }];
  const orders = ordersOf(walk.byOrder);
  const [nodes, leaves] = MAP_WORDS[target.generation.memoryMap.kind];
  return [
    {
      text: `memory map    ${hex(memoryMap)}, ${nodes}: ${walk.nodes}, ${leaves}: ${walk.leaves}`,
      children: bitmaps ? [{ text: evidenceText(bitmaps) }] : [],
    },
    {
      text: `preserved     ${humanSize(walk.bytes)}, ranges: ${walk.ranges.length / 2}`,
      children: [
        ...orders.map(([order, count]) => ({ text: `order ${String(order).padStart(2)}: ${count}` })),
        ...rangeTrees(walk.ranges),
      ],
    },
  ];
}

function evidenceText({ verdict, generations, reasons }: BitmapEvidence): string {
  const names = generations.join(', ') || 'no generation';
  if (verdict === 'ambiguous') return `bitmaps as of ${names}: nothing in the image tells which`;
  return `bitmaps as of ${names}: ${reasons.join('; ')}`;
}

function subtreeTree(subtree: InspectedSubtree): Tree {
  const { name, phys, size, decoded, head } = subtree;
  const where = phys === null ? 'no address' : hex(phys);
  const length = size === null ? 'no size' : `${size} bytes`;
  if (decoded) {
    return { text: `${name}  ${where}, ${length}, ${decoded.format}`, children: fieldTrees(decoded.fields) };
  }
  const shown =
    head && head.length > 0
      ? Buffer.from(head)
          .toString('hex')
          .replaceAll(/(..)(?=.)/g, '$1 ')
      : '';
  return { text: `${name}  ${where}, ${length}, not decoded`, children: shown ? [{ text: shown }] : [] };
}

type Fields = { readonly [key: string]: DecodedValue };

function fieldTrees(fields: Fields): Tree[] {
  return Object.entries(fields).map(([key, value]) => {
    if (isFields(value)) return labelled(key, itemTree(value));
    if (!Array.isArray(value)) return { text: `${key}: ${valueText(value)}` };
    const items: readonly DecodedValue[] = value;
    if (items.length > 0 && items.every(isSingle)) return { text: `${key}: ${singlesText(items)}` };
    return { text: `${key}: ${items.length}`, children: shortenTrees(items.map(itemTree)) };
  });
}

const labelled = (key: string, { text, ...rest }: Tree): Tree => ({
  text: text === '' ? key : `${key}: ${text}`,
  ...rest,
});

/** What is single stands in the line of an item, what is several below it. */
function itemTree(item: DecodedValue): Tree {
  if (!isFields(item)) return { text: valueText(item) };
  const entries = Object.entries(item);
  const isInLine = (value: DecodedValue) =>
    isSingle(value) || (Array.isArray(value) && value.every(isSingle));
  const inLine = entries.filter(([, value]) => isInLine(value));
  const below = entries.filter(([, value]) => !isInLine(value));
  return { text: valueText(Object.fromEntries(inLine)), children: fieldTrees(Object.fromEntries(below)) };
}

const isSingle = (value: DecodedValue) => value === null || typeof value !== 'object';

function singlesText(items: readonly DecodedValue[]): string {
  const rest = items.length - SHOWN;
  const shown = items.slice(0, SHOWN).map(valueText).join(', ');
  return rest > 0 ? `${shown}, … ${rest} more (--json lists all)` : shown;
}

function isFields(value: DecodedValue): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function valueText(value: DecodedValue): string {
  if (typeof value === 'bigint') return hex(value);
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : singlesText(value);
  if (!isFields(value)) return String(value);
  return Object.entries(value)
    .map(([key, item]) => `${key} ${valueText(item)}`)
    .join(', ');
}

function shortenTrees(trees: Tree[], count = trees.length): Tree[] {
  const rest = count - SHOWN;
  return rest > 0 ? [...trees.slice(0, SHOWN), { text: `… ${rest} more (--json lists all)` }] : trees;
}

/** There can be millions: only those that are shown become text. */
function rangeTrees(ranges: BigUint64Array): Tree[] {
  const shown = Array.from(pairs(ranges.subarray(0, 2 * SHOWN)), ({ start, end }) => ({
    text: `${hex(start)}-${hex(end)}  ${humanSize(end - start)}`,
  }));
  return shortenTrees(shown, ranges.length / 2);
}

function shorten(lines: string[]): Tree[] {
  return shortenTrees(lines.map((text) => ({ text })));
}

function ordersOf(byOrder: BigUint64Array): [number, number][] {
  return [...byOrder].flatMap((count, order): [number, number][] =>
    count > 0n ? [[order, Number(count)]] : [],
  );
}

/**
 * The document that other programs rely on, in parts: that of millions of ranges is longer than a string can be.
 * @param opened how the handover was found, when it was
 */
export function inspectJson(
  inspection: Inspection,
  source: string,
  opened?: FoundHandover,
): Generator<string, void, undefined> {
  const { target, fdt, scratch, walk, memoryMap, bitmaps, subtrees } = inspection;
  return toJsonParts('inspect', 1, {
    source,
    ...(opened && { found: sourceJson(opened) }),
    generation: target.generation.name,
    compatible: inspection.compatible,
    arch: target.arch,
    pageSize: target.pageSize,
    handedOver: inspection.handedOver,
    finalized: inspection.finalized,
    fdt: fdt && { phys: fdt.phys, size: fdt.size },
    scratch: scratch.map(({ start, size }) => ({ addr: start, size })),
    memoryMap:
      memoryMap === null
        ? null
        : {
            phys: memoryMap,
            kind: target.generation.memoryMap.kind,
            nodes: walk?.nodes ?? 0,
            leaves: walk?.leaves ?? 0,
            bitmaps,
          },
    preserved: {
      pages: walk ? Number(walk.bytes / BigInt(target.pageSize)) : 0,
      bytes: walk?.bytes ?? 0n,
      byOrder: Object.fromEntries(walk ? ordersOf(walk.byOrder) : []),
      ranges: new JsonList(pairs(walk?.ranges ?? new BigUint64Array())),
    },
    subtrees: subtrees.map(({ name, phys, length: size, decoded, head }) => ({
      name,
      phys,
      size,
      decoded,
      head,
    })),
    metadata: inspection.lineage,
    problems: inspection.problems,
  });
}
