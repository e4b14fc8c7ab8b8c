import type { Target } from '../abi/target.ts';
import { KhoforgeError, withinSpec } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { CHECKS, isCheck } from '../emit/checks.ts';
import type { Place } from '../emit/placer.ts';
import type { LoadedSpec } from '../specfile/load.ts';
import { parseSpec } from '../specfile/parse.ts';
import type { ParsedSpec, Spec } from '../specfile/schema.ts';
import { Assembly, type BuiltImage, type Job } from './assembly.ts';
import { MEMORY_MAP, MEMORY_MAP_ROOT } from './place-map.ts';
import { specTarget } from './spec-machine.ts';

export interface BuildOptions {
  /** Folder that relative file names in the spec start from; default: the working directory. */
  baseDir?: string;
  /** What the image is made for, in place of what the spec says: the target of a tree, from targetOf(). */
  target?: Target;
  /** How far the contents are read that have to be known before the image can be written: those with a checksum. */
  onProgress?: (progress: ByteProgress) => void;
  /** Whether `paths` of the image has also those of each page of the memory map. */
  listPaths?: boolean;
}

/**
 * Makes the memory that a producing kernel would leave for its successor.
 * @param spec in the words of the YAML file; see spec.schema.json
 * @throws KhoforgeError when the spec is wrong, does not fit, or breaks a check that it does not allow
 */
export function buildImage(spec: Spec, options: BuildOptions = {}): BuiltImage {
  return buildParsed(parseSpec(spec), options);
}

/** `buildImage` for a spec that is already checked, as loadSpec() gives it. */
export function buildParsed(parsed: ParsedSpec, options: BuildOptions): BuiltImage {
  const target = options.target ?? withinSpec(['target'], () => specTarget(parsed));
  const job: Job = {
    spec: parsed,
    listPaths: options.listPaths === true,
    baseDir: options.baseDir ?? process.cwd(),
    target,
    taken: takenRanges(parsed, target),
    ...(options.onProgress && { onProgress: options.onProgress }),
  };
  const place = specPlaces(parsed);
  if (place.size === 0) return new Assembly(job, { place, splits: new Set() }).finish();
  // The sizes of explicitly placed structures are known only once they are made: a first pass finds them,
  // so that in the second nothing else is put there.
  const splits = new Set(place.keys());
  return new Assembly(job, { place, splits, placeSizes: measure(job, place) }).finish();
}

/** Paths that a spec can use, before it does. */
export interface SpecPaths {
  /** Structures: for `place`, `omit` and `unpreserve`. */
  readonly place: readonly string[];
  /** Fields, for `override`; of an array the first element. */
  readonly override: readonly string[];
}

/**
 * The paths of what a spec makes where it is not wrong on purpose: before places, overrides, omissions are applied.
 * @throws KhoforgeError of buildParsed()
 */
export function specPaths(parsed: ParsedSpec, options: BuildOptions): SpecPaths {
  const { place: _, override, omit, unpreserve, patch, ...rest } = parsed;
  const preserve = parsed.preserve?.map(({ addr, ...entry }) => entry);
  const spec = { ...rest, ...(preserve && { preserve }), allow: Object.keys(CHECKS).filter(isCheck) };
  const image = buildParsed(spec, { ...options, listPaths: true });
  const places = image.placements.map(({ path }) => path);
  const root = places.includes(MEMORY_MAP) ? [MEMORY_MAP_ROOT] : [];
  return { place: [...places, ...root], override: image.paths };
}

/** What the image of a file's spec is made for. */
export function loadedTarget(loaded: LoadedSpec): Target {
  return locating(loaded, () => withinSpec(['target'], () => specTarget(loaded.spec)));
}

/** `buildParsed` for a spec of a file: errors name file and line. */
export function buildLoaded(loaded: LoadedSpec, options: BuildOptions): BuiltImage {
  return locating(loaded, () => buildParsed(loaded.spec, { baseDir: loaded.baseDir, ...options }));
}

/** `specPaths` for a spec of a file. */
export function loadedPaths(loaded: LoadedSpec, options: BuildOptions): SpecPaths {
  return locating(loaded, () => specPaths(loaded.spec, { baseDir: loaded.baseDir, ...options }));
}

function locating<T>({ locate }: LoadedSpec, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw locate(error);
  }
}

/** Where a spec wants structures: `place`, and `addr` of what it preserves. */
function specPlaces({ place = {}, preserve = [] }: ParsedSpec): Map<string, Place> {
  const places = Object.entries(place).map(([path, start]): [string, Place] => [
    path,
    { start, specPath: ['place', path] },
  ]);
  const own = preserve.flatMap(({ name, addr }, i): [string, Place][] =>
    addr === undefined ? [] : [[`preserve/${name}`, { start: addr, specPath: ['preserve', i, 'addr'] }]],
  );
  return new Map([...places, ...own]);
}

function measure(job: Job, place: ReadonlyMap<string, Place>): Map<string, bigint> {
  const { producer } = new Assembly(job, {
    place: new Map(),
    splits: new Set(place.keys()),
    measuring: true,
  });
  const placed = producer.placements.filter(({ path }) => place.has(path));
  return new Map(placed.map(({ path, size }) => [path, size]));
}

/** Memory of entries that say page frame by page frame where it is. */
function takenRanges({ preserve = [] }: ParsedSpec, { pageShift }: Target): Map<string, BigUint64Array> {
  const limit = (1n << BigInt(64 - pageShift)) - 1n;
  return new Map(
    preserve.flatMap(({ name, pfns }, i) => {
      if (!pfns) return [];
      const end = pfns.at(-1) ?? 0n;
      if (end > limit) {
        const message = `page frame ${hex(end - 1n)} is above ${hex(limit - 1n)}, the last that ends below 2^64`;
        throw new KhoforgeError('PFN_BEYOND', message, {
          specPath: ['preserve', i, 'pfns'],
          hint: `page frames are addresses divided by ${1 << pageShift}`,
        });
      }
      return [[`preserve/${name}`, pfns.map((pfn) => pfn << BigInt(pageShift))] as const];
    }),
  );
}
