import { describeTarget } from '../abi/target.ts';
import type { Image } from '../model/image.ts';
import type { DecodedValue } from '../users/user.ts';
import { type InspectedSubtree, type Inspection, inspect } from './decode.ts';
import { type BlockRun, diffBlocks } from './diff-blocks.ts';

/** One value that two handovers have differently; null where one has none. */
export interface ValueDifference {
  /** E.g. `root-fdt/compatible`, `kexec-metadata/kexec_count`, `kho_test/folios[3]/phys`. */
  readonly path: string;
  readonly a: DecodedValue;
  readonly b: DecodedValue;
}

/** How two handovers differ in what they mean; where their bytes stand matters only where it is handed over. */
export interface HandoverDiff {
  readonly values: readonly ValueDifference[];
  /** Preserved memory that only B has, and that only A has. A block of another order is another block. */
  readonly added: readonly BlockRun[];
  readonly removed: readonly BlockRun[];
}

export function isSame({ values, added, removed }: HandoverDiff): boolean {
  return values.length + added.length + removed.length === 0;
}

export function diffImages(a: Image, b: Image): HandoverDiff {
  const [left, right] = [inspect(a), inspect(b)];
  const values = [
    ...diffValues('', facts(left), facts(right)),
    ...diffSubtrees({ image: a, inspection: left }, { image: b, inspection: right }),
  ];
  return { values, ...diffBlocks({ image: a, map: left.memoryMap }, { image: b, map: right.memoryMap }) };
}

function facts({
  target,
  compatible,
  finalized,
  fdt,
  scratch,
  memoryMap,
  subtrees,
}: Inspection): DecodedValue {
  return {
    target: describeTarget(target),
    'root-fdt': {
      phys: fdt?.phys ?? null,
      size: fdt?.size ?? null,
      compatible,
      [target.abi.text('KHO_FDT_MEMORY_MAP_PROP_NAME')]: memoryMap,
      nodes: subtrees.map(({ name }) => name),
    },
    finalized,
    scratch: scratch.map(({ start, size }) => ({ addr: start, size })),
  };
}

interface Side {
  readonly image: Image;
  readonly inspection: Inspection;
}

/** By name, in A's order, then what only B has. */
function diffSubtrees(a: Side, b: Side): ValueDifference[] {
  const all = [...a.inspection.subtrees, ...b.inspection.subtrees].map(({ name }) => name);
  return [...new Set(all)].flatMap((name) => {
    const [left, right] = [subtreeFacts(a, name), subtreeFacts(b, name)];
    return diffValues(name, left, right);
  });
}

/** Fields where both can be decoded; for any other blob its bytes decide. */
function subtreeFacts({ image, inspection }: Side, name: string): DecodedValue {
  const subtree = inspection.subtrees.find((one) => one.name === name);
  if (!subtree) return null;
  const { phys, size, decoded } = subtree;
  if (!decoded) return { phys, size, bytes: blobText(image, subtree) };
  return { phys, size, format: decoded.format, ...decoded.fields };
}

/** Longest blob that is compared byte by byte. */
const MAX_BLOB_SIZE = 1n << 20n;

function blobText({ memory }: Image, { phys, size, head }: InspectedSubtree): string {
  if (phys === null) return '';
  if (size === null) return Buffer.from(head ?? []).toString('hex');
  return Buffer.from(memory.read(phys, Number(size < MAX_BLOB_SIZE ? size : MAX_BLOB_SIZE))).toString('hex');
}

/** The leaves that differ, in the order of A's keys, then B's. A part that one side lacks is one difference. */
function diffValues(path: string, a: DecodedValue, b: DecodedValue): ValueDifference[] {
  const [left, right] = [partsOf(a), partsOf(b)];
  if (!left || !right) return a === b ? [] : [{ path, a, b }];
  const keys = new Set([...left.keys(), ...right.keys()]);
  return [...keys].flatMap((key) => {
    const below = key.startsWith('[') || path === '' ? `${path}${key}` : `${path}/${key}`;
    return diffValues(below, left.get(key) ?? null, right.get(key) ?? null);
  });
}

function partsOf(value: DecodedValue): Map<string, DecodedValue> | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const list: readonly DecodedValue[] = value;
  return new Map(list.map((item, i): [string, DecodedValue] => [`[${i}]`, item]));
}
