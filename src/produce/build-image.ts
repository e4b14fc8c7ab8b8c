import { makeTarget, type Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError, withinSpec } from '../base/errors.ts';
import { hex, humanSize, isAligned, overlaps, parseSize, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { CHECKS, type Check, Checker, isCheck } from '../emit/checks.ts';
import { Overrides, type OverrideValue } from '../emit/overrides.ts';
import { type Place, Producer, unknownPath } from '../emit/producer.ts';
import { ZEROES } from '../memory/contents.ts';
import { intersect, nodeRegions } from '../memory/nodes.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { BootRecord, Image } from '../model/image.ts';
import type { LoadedSpec } from '../specfile/load.ts';
import { parseSpec } from '../specfile/parse.ts';
import type { ParsedSpec, Spec } from '../specfile/schema.ts';
import { USER_KEYS, USERS } from '../users/registry.ts';
import type { User } from '../users/user.ts';
import { emitMemoryMap } from './memory-map.ts';
import { MEMORY_MAP, MEMORY_MAP_ROOT } from './place-map.ts';
import { emitPreserved } from './preserve.ts';
import { emitRootFdt, ROOT_FDT } from './root-fdt.ts';
import { defaultRam, emitScratchArray, layOutScratch } from './scratch.ts';

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

export interface BuiltImage extends Image {
  /** Every path that this spec can override. */
  readonly paths: readonly string[];
  /** Checks that the spec allows and nothing broke. */
  readonly unusedAllows: readonly Check[];
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

/** What is built. */
interface Job {
  readonly listPaths: boolean;
  readonly spec: ParsedSpec;
  readonly baseDir: string;
  readonly target: Target;
  /** As in ProducerOptions. */
  readonly taken: ReadonlyMap<string, BigUint64Array>;
  readonly onProgress?: (progress: ByteProgress) => void;
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

interface Placing {
  readonly place: ReadonlyMap<string, Place>;
  readonly splits: ReadonlySet<string>;
  readonly placeSizes?: ReadonlyMap<string, bigint>;
  readonly measuring?: boolean;
}

/** One pass over a spec, in the order in which a kernel comes to its parts. */
class Assembly {
  readonly producer: Producer;
  readonly #spec: ParsedSpec;
  readonly #target: Target;
  readonly #ram: readonly Region[];
  readonly #scratch: readonly Region[];
  readonly #record: BootRecord;

  constructor(job: Job, { place, splits, placeSizes = new Map(), measuring = false }: Placing) {
    const { spec, listPaths, baseDir, target, taken, onProgress } = job;
    this.#spec = spec;
    this.#target = target;
    const checker = new Checker(spec.allow ?? []);
    this.#ram = checker.within(['ram'], () => specRam(spec, target));
    const nodes = checker.within(['nodes'], () => specNodes(spec, target, this.#ram));
    const { reserved } = spec;
    this.#scratch = checker.within(['scratch'], () =>
      layOutScratch({ target, ram: this.#ram, nodes, reserved }, spec.scratch, checker),
    );
    this.producer = new Producer({
      target: this.#target,
      ram: this.#ram,
      nodes,
      scratch: this.#scratch,
      checker,
      overrides: new Overrides(overrideValues(spec), { lists: listPaths }),
      place,
      splits,
      placeSizes,
      taken,
      unpreserve: new Set(spec.unpreserve ?? []),
      baseDir,
      measuring,
      onProgress,
    });
    this.#record = this.#emit();
  }

  finish(): BuiltImage {
    const { producer } = this;
    this.#omitAndPatch();
    producer.checker.finish();
    producer.finish();
    producer.overrides.finish();
    return {
      target: this.#target,
      ram: this.#ram,
      ...(this.#spec.nodes && this.#spec.nodes.length > 1 && { nodes: this.#spec.nodes }),
      bootRecord: this.#record,
      scratch: this.#scratch,
      memory: producer.memory,
      placements: producer.placements,
      expect: {
        verdict: this.#spec.expect?.verdict ?? 'revived',
        lines: this.#spec.expect?.lines ?? [],
        absent: this.#spec.expect?.absent ?? [],
      },
      paths: producer.overrides.offered,
      unusedAllows: producer.checker.unused,
    };
  }

  #emit(): BootRecord {
    const { producer } = this;
    const finalized = this.#spec.finalized !== false;
    if (!finalized && this.#target.generation.beforeFinalization === 'nothing') return this.#emitNothing();
    const fdt = producer.allocateFolio(ROOT_FDT, 0);
    this.#emitUsers();
    const memoryMap = finalized ? emitMemoryMap(producer) : 0n;
    producer.memory.write(fdt, emitRootFdt(producer, memoryMap));
    const array = emitScratchArray(producer, this.#scratch);
    return this.#bootRecord(fdt, array);
  }

  /**
   * Up to 6.18 the users hand over their subtrees only when KHO is finalized: before, there is no root FDT, and the
   * new kernel gets neither a boot record nor the scratch array (kho_fill_kimage(), kernel/kexec_handover.c, 6.18).
   * What users have in memory until then stays there, and belongs to nobody.
   */
  #emitNothing(): BootRecord {
    this.#emitUsers();
    return { kind: 'none', fdtAddr: 0n, fdtSize: 0n, scratchAddr: 0n, scratchSize: 0n };
  }

  #emitUsers(): void {
    const { checker } = this.producer;
    for (const [i, entry] of (this.#spec.subtrees ?? []).entries()) {
      for (const key of USER_KEYS) {
        const user: User = USERS[key];
        if (entry[key] === undefined) continue;
        checker.within(['subtrees', i, key], () => user.emit(this.producer, entry[key]));
      }
    }
    for (const [i, entry] of (this.#spec.preserve ?? []).entries()) {
      checker.within(['preserve', i], () => emitPreserved(this.producer, entry));
    }
  }

  /** The record tells a page for the FDT, whatever its totalsize (setup_kho(), kexec-bzimage64.c, 7.3). */
  #bootRecord(fdt: bigint, array: Region): BootRecord {
    const { overrides } = this.producer;
    const { abi } = this.#target;
    const data = overrides.struct('kho_data', abi.struct('kho_data'), {
      fdt_addr: fdt,
      fdt_size: this.producer.pageSize,
      scratch_addr: array.start,
      scratch_size: array.size,
    });
    const record = ARCHITECTURES[this.#target.arch].bootRecord(this.#target, {
      fdtAddr: data.fdt_addr,
      fdtSize: data.fdt_size,
      scratchAddr: data.scratch_addr,
      scratchSize: data.scratch_size,
    });
    if (record.kind !== 'setup_data') return record;
    const header = overrides.struct('setup_data', abi.struct('setup_data'), {
      next: 0n,
      type: record.setupDataType,
      len: record.setupDataLen,
    });
    return { ...record, setupDataType: header.type, setupDataLen: header.len };
  }

  #omitAndPatch(): void {
    const { memory, checker } = this.producer;
    for (const [i, what] of (this.#spec.omit ?? []).entries()) {
      const { start, size } = withinSpec(['omit', i], () =>
        typeof what === 'bigint' ? this.#page(what) : this.#placement(what),
      );
      memory.fill(start, toNumber(size, `omit ${hex(start)}`), ZEROES);
    }
    for (const [i, { addr, bytes }] of (this.#spec.patch ?? []).entries()) {
      const end = addr + BigInt(bytes.length);
      if (!isWithin(this.#ram, addr, end))
        checker.broken('outside-ram', `patch at ${hex(addr)}-${hex(end)} is not in RAM`, [
          'patch',
          i,
          'addr',
        ]);
      memory.write(addr, bytes);
    }
  }

  /** A page that is left out has to be one that something is in. */
  #page(start: bigint): Region {
    const { pageSize, placements } = this.producer;
    const wrong = !isAligned(start, pageSize)
      ? `is not the start of a page of ${humanSize(pageSize)}`
      : placements.some((one) => overlaps(start, start + pageSize, one.start, regionEnd(one)))
        ? undefined
        : 'is a page that nothing is in';
    if (wrong === undefined) return { start, size: pageSize };
    throw new KhoforgeError('OMIT_NOTHING', `${hex(start)} ${wrong}`, {
      hint: 'khoforge build without omit tells where the structures are',
    });
  }

  #placement(path: string): Region {
    const found = this.producer.placements.find((placement) => placement.path === path);
    if (found) return found;
    throw unknownPath(
      'omit',
      path,
      this.producer.placements.map((placement) => placement.path),
    );
  }
}

function specTarget({ target = {} }: ParsedSpec): Target {
  return makeTarget({
    ...(target.release === undefined ? {} : { release: target.release }),
    ...(target.generation === undefined ? {} : { generation: target.generation }),
    ...(target.arch === undefined ? {} : { arch: target.arch }),
    ...(target.page_size === undefined ? {} : { pageSize: toNumber(target.page_size, 'target.page_size') }),
  });
}

const MIN_RAM = 32n << 20n;
/** Physical addresses have 52 bits at most (x86: MAX_PHYSMEM_BITS, arm64: PHYS_MASK_SHIFT, 7.3). */
const MAX_RAM_END = 1n << 52n;

function specRam(spec: ParsedSpec, target: Target): Region[] {
  const regions = Array.isArray(spec.ram) ? spec.ram : machineRam(spec.ram, target);
  for (const [i, one] of regions.entries()) {
    const specPath = Array.isArray(spec.ram) ? ['ram', i] : ['ram'];
    const end = regionEnd(one);
    if (one.size === 0n) throw new KhoforgeError('RAM_INVALID', 'a range of no bytes', { specPath });
    if (end > MAX_RAM_END) {
      const text = `RAM up to ${hex(end)}: physical addresses end at ${hex(MAX_RAM_END)}`;
      throw new KhoforgeError('RAM_INVALID', text, { specPath });
    }
    const other = regions.findIndex(
      (next, j) => j < i && overlaps(one.start, end, next.start, regionEnd(next)),
    );
    if (other < 0) continue;
    const text = `${hex(one.start)}-${hex(end)} overlaps range ${other}`;
    throw new KhoforgeError('RAM_INVALID', text, { specPath });
  }
  return regions;
}

function machineRam(asked: bigint | undefined, target: Target): Region[] {
  const size = asked ?? defaultRam(target);
  if (size >= MIN_RAM && size <= MAX_RAM_END) return ARCHITECTURES[target.arch].machineRam(size);
  const limits = `${humanSize(MIN_RAM)} to ${humanSize(MAX_RAM_END)}`;
  throw new KhoforgeError('RAM_INVALID', `${humanSize(size)}: expected ${limits}`, { specPath: ['ram'] });
}

/** RAM of each node. */
function specNodes({ nodes }: ParsedSpec, { arch }: Target, ram: readonly Region[]): Region[][] {
  if (nodes === undefined) return [[...ram]];
  return nodeRegions(ARCHITECTURES[arch].machineFor(ram), nodes).map((node) => intersect(ram, node));
}

/** Memory of entries that say page frame by page frame where it is. */
function takenRanges({ preserve = [] }: ParsedSpec, { pageShift }: Target): Map<string, BigUint64Array> {
  return new Map(
    preserve.flatMap(({ name, pfns }) =>
      pfns ? [[`preserve/${name}`, pfns.map((pfn) => pfn << BigInt(pageShift))] as const] : [],
    ),
  );
}

function overrideValues(spec: ParsedSpec): Map<string, OverrideValue> {
  const entries = Object.entries(spec.override ?? {}).map(([path, value]): [string, OverrideValue] => {
    if (typeof value === 'number') return [path, BigInt(value)];
    if (value === null || typeof value !== 'object') return [path, numeric(value)];
    return [path, { bytes: value.bytes }];
  });
  return new Map(entries);
}

/** `0x…` and sizes with a unit are numbers; any other text is text. */
function numeric(value: string | bigint | null): OverrideValue {
  if (typeof value !== 'string' || !/^(0x|\d+ ?[KMGT])/i.test(value)) return value;
  return parseSize(value) ?? value;
}
