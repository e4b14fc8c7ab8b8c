import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { packageFile } from '../base/package.ts';

/** What a walk can find wrong with a preserved memory map: FindingCode of binding/core/finding.h. */
export const MAP_FINDING_CODES = [
  'ROOT_ZERO',
  'NODE_UNALIGNED',
  'NODE_OUTSIDE',
  'NODE_TWICE',
  'KEY_WITHOUT_ORDER',
  'KEY_TOO_WIDE',
  'ORDER_ABOVE_LIMIT',
  'ADDRESS_OVERFLOW',
  'PRESERVED_TWICE',
  'RANGES_LIMIT',
  'CHUNK_UNALIGNED',
  'CHUNK_OUTSIDE',
  'CHUNK_TWICE',
  'CHUNK_TOO_FULL',
  'CHUNK_ORDER',
  'BITMAP_OUTSIDE',
  'BITMAP_UNALIGNED',
  'BITMAP_TWICE',
  'START_UNALIGNED',
  'BITMAPS_LIMIT',
] as const;
export type MapFindingCode = (typeof MAP_FINDING_CODES)[number];

export interface MapFinding {
  readonly code: MapFindingCode;
  /**
   * `NODE_*`, `CHUNK_*`, `BITMAP_*`: its physical address. `START_UNALIGNED`: phys_start.
   * Else of the preserved block, 0 when the key says none.
   */
  readonly phys: bigint;
  /**
   * Physical address of the page that holds the table entry or the bit, of the chunk that holds the element, or of
   * the chunk before; 0 for the root. Of a chain's `PRESERVED_TWICE` it is not known, and 0.
   */
  readonly parent: bigint;
  /** Level of the node, or 0 for a key, since keys are in leaves. In a chain 1 is a chunk, 0 a bitmap. */
  readonly level: number;
  /** Table entry, element or bit in `parent`. `CHUNK_TOO_FULL`: num_elms. `CHUNK_ORDER`: the order. */
  readonly index: number;
  /** Order of the block, where the finding is about one. */
  readonly order?: number;
  /** `PRESERVED_TWICE`: order of the block that has the same pages. */
  readonly otherOrder?: number;
  /** `PRESERVED_TWICE`: bytes that both have. */
  readonly size?: bigint;
}

/** Result of a walk as the addon gives it; src/memory/ has the faces for everyone else. */
export interface NativeWalk {
  ranges: BigUint64Array;
  bytes: bigint;
  byOrder: BigUint64Array;
  tables: number;
  leaves: number;
  undecodable: number;
  findings: MapFinding[];
  findingCount: number;
  folioPhys: BigUint64Array;
  folioOrders: Uint8Array;
  rangesTruncated: boolean;
  foliosTruncated: boolean;
}

declare const HANDLE: unique symbol;
/** A tree that the addon has opened, and a reader of it: values without properties, freed when they are collected. */
export type NativeTreeHandle = { readonly [HANDLE]: 'tree' };
export type NativeReader = { readonly [HANDLE]: 'reader' };

/** A tree whose tables were read. */
export interface NativeTree {
  tree: NativeTreeHandle;
  tables: number;
  leaves: number;
  orders: Uint8Array;
  undecodable: number;
  findings: MapFinding[];
  findingCount: number;
}

/** Where a file looks like a part of a handover (binding/core/page_scan.h). */
export interface NativeScan {
  fdts: BigUint64Array;
  records: BigUint64Array;
  scratchArrays: BigUint64Array;
  bootParams: BigUint64Array;
  truncated: boolean;
}

/**
 * The calls of the addon (binding/addon/calls.h). All are synchronous.
 * Arrays that are passed in stay the caller's and are not kept after the call. Arrays that come back belong to the
 * caller; their memory is the addon's own, freed when they are collected.
 * A wrong argument throws TypeError or RangeError; refused data throws an Error with `code` and `index`.
 */
export interface NativeAddon {
  readonly interface: number;
  /** MAP_FINDING_CODES, in its order. */
  readonly findingCodes: readonly string[];
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
  /**
   * @param offset multiple of 64 KiB
   * @param length up to 2 GiB
   * Throws an Error with `errno` and `code` FILE_MAP, or FILE_MAP_LIMIT when the system allows no more maps.
   */
  mapFile(fd: number, offset: bigint, length: number): Uint8Array;
  /**
   * Takes the bytes of a map away: the array is empty from then on, as all views of its memory are. It is unmapped when
   * the event loop turns.
   */
  unmapFile(bytes: Uint8Array): void;
  /** Pages of maps that could not be read since the start: the file shrank, or its device failed. */
  mapFaults(): number;
  /**
   * renameat2(2) without replacing, or with exchanging: then both are there before and after.
   * @param exchange 0 or 1
   * Throws an Error with `code` FILE_MOVE and `errno`: EEXIST, or EINVAL and ENOSYS where the file system cannot.
   */
  moveFile(from: string, to: string, exchange: number): void;
  /**
   * flock(2), exclusive: until the descriptor is closed, whatever ends the process.
   * Throws an Error with `code` FILE_LOCK and `errno`. @returns false when another has it
   */
  lockFile(fd: number): boolean;
  /** First offset from `offset` on, `end` at most, whose byte may not be zero: holes of a file are (SEEK_DATA, lseek(2)). */
  nextData(fd: number, offset: bigint, end: bigint): bigint;
  /** File offsets; throws an Error with `code` FILE_SCAN and `errno`. */
  scanFile(fd: number, offsets: BigUint64Array, lengths: BigUint64Array, limit: number): NativeScan;
  /**
   * Makes a pipe and sends its writing end with a message (SCM_RIGHTS, unix(7)): no other process has it then.
   * @param socket descriptor of a unix socket with nothing left to write
   * @returns descriptor of the reading end
   * Throws an Error with `code` SEND_PIPE and `errno`.
   */
  sendPipe(socket: number, message: Uint8Array): number;
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
  /** The bytes are needed again for each reading, at the same place. */
  openRadixTree(
    pageShift: number,
    depth: number,
    starts: BigUint64Array,
    bytes: readonly Uint8Array[],
    root: bigint,
    maxFindings: number,
  ): NativeTree;
  openRanges(tree: NativeTreeHandle): NativeReader;
  /** @param window written to, at least 512 long @returns how many numbers; 0 at the end */
  nextRanges(reader: NativeReader, bytes: readonly Uint8Array[], window: BigUint64Array): number;
  openBlocks(tree: NativeTreeHandle, order: number): NativeReader;
  /** @param window written to, at least 256 long; `count` is 0 at the end */
  nextBlocks(
    reader: NativeReader,
    bytes: readonly Uint8Array[],
    window: Uint32Array,
  ): { base: bigint; count: number };
  /** What is left of one base, up to about `most` numbers; none at the end. */
  allBlocks(
    reader: NativeReader,
    bytes: readonly Uint8Array[],
    most: number,
  ): { base: bigint; numbers: Uint32Array };
  /** All blocks of an order; undefined when they do not have one base. */
  listBlocks(
    tree: NativeTreeHandle,
    bytes: readonly Uint8Array[],
    order: number,
    threads: number,
  ): { base: bigint; numbers: Uint32Array } | undefined;
  buildBitmapChain(
    pageShift: number,
    bitmapBytes: number,
    ranges: BigUint64Array,
    folioPhys: BigUint64Array,
    folioOrders: Uint8Array,
    folioCounts: BigUint64Array,
    pages: BigUint64Array,
    maxPages: number,
  ): { chunks: Uint8Array; bitmaps: Uint8Array };
  linkBitmapChain(
    pageShift: number,
    bitmapBytes: number,
    chunks: Uint8Array,
    chunkBase: bigint,
    bitmapBase: bigint,
  ): void;
  walkBitmapChain(
    pageShift: number,
    bitmapBytes: number,
    starts: BigUint64Array,
    bytes: readonly Uint8Array[],
    first: bigint,
    maxRanges: number,
    maxFindings: number,
    maxFolios: number,
    maxOrder: number,
  ): NativeWalk;
}

/** Node-API version the addon is compiled for. A Node with a lower one crashes on load instead of throwing. */
const NODE_API = 9;
/** Raised when a call of binding/addon changes. CMakeLists.txt gives this line's number to the addon. */
const INTERFACE = 9;
const HINT =
  'run `npm run build:addon`; it needs cmake, a C++20 compiler and make: `apt-get install cmake g++ make`';

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call. This file is the only one that loads addons.
 * `KHOFORGE_ADDON` names another file than `build/Release/khoforge.node`.
 * @throws KhoforgeError `ADDON_MISSING` (exit code 3) when it cannot be loaded
 */
export function native(): NativeAddon {
  loaded ??= load<NativeAddon>(addonPath(), INTERFACE);
  return loaded;
}

/**
 * Another addon, whose file is beside the one above.
 * @param version its `interface`
 * @throws KhoforgeError `ADDON_MISSING` (exit code 3) when it cannot be loaded
 */
export function addonBeside<T extends { readonly interface: number }>(file: string, version: number): T {
  return load<T>(resolve(dirname(addonPath()), file), version);
}

/** Pages of mapped files that could not be read so far and were taken as zeroes; 0 when nothing was mapped. */
export function unreadPages(): number {
  return loaded?.mapFaults() ?? 0;
}

/** Path of the addon's file: the same from `src/` and from `dist/`. */
export function addonPath(): string {
  const override = process.env.KHOFORGE_ADDON;
  if (override) return resolve(override);
  return packageFile('build/Release/khoforge.node');
}

function load<T extends { readonly interface: number }>(path: string, version: number): T {
  if (Number(process.versions.napi ?? 0) < NODE_API) {
    throw missing(path, `Node ${process.version} has Node-API ${process.versions.napi}, below ${NODE_API}`);
  }
  let addon: unknown;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw missing(path, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  if (!isAddon<T>(addon, version)) throw missing(path, 'it was built from other sources');
  return addon;
}

/** An addon tells by its number which calls it has: the same number, the same types. */
function isAddon<T extends { readonly interface: number }>(value: unknown, version: number): value is T {
  return typeof value === 'object' && value !== null && 'interface' in value && value.interface === version;
}

function missing(path: string, reason: string, cause?: unknown): KhoforgeError {
  return new KhoforgeError('ADDON_MISSING', `cannot load the native addon ${path}: ${reason}`, {
    where: { file: path },
    hint: HINT,
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
