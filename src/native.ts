import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode, KhoforgeError } from './errors.ts';

/** What a walk can find wrong with a preserved memory map (binding/core/finding.h). */
export type RadixFindingCode =
  | 'ROOT_ZERO'
  | 'NODE_UNALIGNED'
  | 'NODE_OUTSIDE'
  | 'NODE_TWICE'
  | 'KEY_WITHOUT_ORDER'
  | 'KEY_TOO_WIDE'
  | 'ORDER_ABOVE_LIMIT'
  | 'ADDRESS_OVERFLOW'
  | 'PRESERVED_TWICE'
  | 'RANGES_LIMIT';

export interface RadixFinding {
  readonly code: RadixFindingCode;
  /** `NODE_*`: physical address of the node. Else of the preserved block, 0 when the key says none. */
  readonly phys: bigint;
  /** Physical address of the page that holds the table entry or the bit; 0 for the root. */
  readonly parent: bigint;
  /** Level of the node, or 0 for a key: keys are in leaves. */
  readonly level: number;
  /** Table entry or bit in `parent`. */
  readonly index: number;
  /** Order of the block, where the finding is about one. */
  readonly order?: number;
  /** `PRESERVED_TWICE`: order of the block that has the same pages. */
  readonly otherOrder?: number;
  /** `PRESERVED_TWICE`: bytes that both have. */
  readonly size?: bigint;
}

/** Result of a walk as the addon gives it; src/memory/radix-tree.ts is the face for everyone else. */
export interface NativeWalk {
  ranges: BigUint64Array;
  bytes: bigint;
  byOrder: BigUint64Array;
  tables: number;
  leaves: number;
  undecodable: number;
  findings: RadixFinding[];
  findingCount: number;
  folioPhys: BigUint64Array;
  folioOrders: Uint8Array;
  rangesTruncated: boolean;
  foliosTruncated: boolean;
}

/**
 * The calls of the addon (binding/addon/calls.h). All are synchronous.
 * Arrays that are passed in stay the caller's and are not kept after the call. Arrays that come back belong to the
 * caller; their memory is the addon's own, freed when they are collected.
 * A wrong argument throws TypeError or RangeError; refused data throws an Error with `code` and `index`.
 */
export interface NativeAddon {
  readonly interface: number;
  buildRadixTree(
    pageShift: number,
    depth: number,
    ranges: BigUint64Array,
    folioPhys: BigUint64Array,
    folioOrders: Uint8Array,
    folioCounts: BigUint64Array,
    pages: BigUint64Array,
    maxPages: number,
  ): { pages: Uint8Array; levels: Uint8Array };
  relocateRadixTree(
    pageShift: number,
    depth: number,
    pages: Uint8Array,
    levels: Uint8Array,
    from: bigint,
    to: bigint,
  ): void;
  splitRange(pageShift: number, start: bigint, end: bigint): { pfns: BigUint64Array; orders: Uint8Array };
  walkRadixTree(
    pageShift: number,
    depth: number,
    starts: BigUint64Array,
    bytes: readonly Uint8Array[],
    root: bigint,
    maxRanges: number,
    maxFindings: number,
    maxFolios: number,
    maxOrder: number,
  ): NativeWalk;
}

/** Node-API version the addon is compiled for. A Node with a lower one crashes on load instead of throwing. */
const NODE_API = 9;
/** `kInterface` in binding/addon/addon.cc. */
const INTERFACE = 1;
const HINT =
  'run `npm run build:addon`; it needs cmake, a C++20 compiler and make: `apt-get install cmake g++ make`';

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call. This is the only place that loads it.
 * `KHOFORGE_ADDON` names another file than `build/Release/khoforge.node`.
 * @throws KhoforgeError `ADDON_MISSING` (exit code 3) when it cannot be loaded
 */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}

/** Path of the addon's file: the same from `src/` and from `dist/`. */
export function addonPath(): string {
  const override = process.env.KHOFORGE_ADDON;
  if (override) return resolve(override);
  return fileURLToPath(new URL('../build/Release/khoforge.node', import.meta.url));
}

function load(): NativeAddon {
  const path = addonPath();
  if (Number(process.versions.napi ?? 0) < NODE_API) {
    throw missing(path, `Node ${process.version} has Node-API ${process.versions.napi}, below ${NODE_API}`);
  }
  let addon: unknown;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw missing(path, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  if (!isNativeAddon(addon)) throw missing(path, 'it was built from other sources');
  return addon;
}

function isNativeAddon(value: unknown): value is NativeAddon {
  return typeof value === 'object' && value !== null && 'interface' in value && value.interface === INTERFACE;
}

function missing(path: string, reason: string, cause?: unknown): KhoforgeError {
  return new KhoforgeError('ADDON_MISSING', `cannot load the native addon ${path}: ${reason}`, {
    where: { file: path },
    hint: HINT,
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
