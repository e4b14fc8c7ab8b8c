import { makeTarget, type Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex, parseSize, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { type Check, Checker } from '../emit/checks.ts';
import { Overrides, type OverrideValue } from '../emit/overrides.ts';
import { Producer, unknownPath } from '../emit/producer.ts';
import { ZEROES } from '../memory/contents.ts';
import { intersect, nodeRegions } from '../memory/nodes.ts';
import type { Region } from '../memory/regions.ts';
import type { BootRecord, Image } from '../model/image.ts';
import { parseSpec } from '../specfile/parse.ts';
import type { ParsedSpec, Spec } from '../specfile/schema.ts';
import { USER_KEYS, USERS } from '../users/registry.ts';
import type { User } from '../users/user.ts';
import { emitMemoryMap } from './memory-map.ts';
import { emitPreserved } from './preserve.ts';
import { emitRootFdt, ROOT_FDT } from './root-fdt.ts';
import { emitScratchArray, layOutScratch } from './scratch.ts';

export interface BuildOptions {
  /** Folder that relative file names in the spec start from; default: the working directory. */
  baseDir?: string;
  /** What the image is made for, in place of what the spec says: the target of a tree, from targetOf(). */
  target?: Target;
  /** How far the contents are read that have to be known before the image can be written: those with a checksum. */
  onProgress?: (progress: ByteProgress) => void;
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
  const job: Job = {
    spec: parsed,
    baseDir: options.baseDir ?? process.cwd(),
    target: options.target ?? specTarget(parsed),
    ...(options.onProgress && { onProgress: options.onProgress }),
  };
  const place = new Map(Object.entries(parsed.place ?? {}));
  for (const entry of parsed.preserve ?? []) {
    if (entry.addr !== undefined) place.set(`preserve/${entry.name}`, entry.addr);
  }
  if (place.size === 0) return new Assembly(job, { place, splits: new Set() }).finish();
  // The sizes of explicitly placed structures are known only once they are made: a first pass finds them,
  // so that in the second nothing else is put there.
  const splits = new Set(place.keys());
  return new Assembly(job, { place, splits, placeSizes: measure(job, place) }).finish();
}

/** What is built. */
interface Job {
  readonly spec: ParsedSpec;
  readonly baseDir: string;
  readonly target: Target;
  readonly onProgress?: (progress: ByteProgress) => void;
}

function measure(job: Job, place: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const { producer } = new Assembly(job, {
    place: new Map(),
    splits: new Set(place.keys()),
    measuring: true,
  });
  const placed = producer.placements.filter(({ path }) => place.has(path));
  return new Map(placed.map(({ path, size }) => [path, size]));
}

interface Placing {
  readonly place: ReadonlyMap<string, bigint>;
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
    const { spec, baseDir, target, onProgress } = job;
    this.#spec = spec;
    this.#target = target;
    this.#ram = specRam(spec, this.#target);
    const checker = new Checker(spec.allow ?? []);
    const nodes = specNodes(spec, this.#target, this.#ram);
    const { reserved } = spec;
    this.#scratch = layOutScratch({ target, ram: this.#ram, nodes, reserved }, spec.scratch, checker);
    this.producer = new Producer({
      target: this.#target,
      ram: this.#ram,
      nodes,
      scratch: this.#scratch,
      checker,
      overrides: new Overrides(overrideValues(spec)),
      place,
      splits,
      placeSizes,
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
    for (const entry of this.#spec.subtrees ?? []) {
      for (const key of USER_KEYS) {
        const user: User = USERS[key];
        if (entry[key] !== undefined) user.emit(this.producer, entry[key]);
      }
    }
    for (const entry of this.#spec.preserve ?? []) emitPreserved(this.producer, entry);
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
    const { memory, pageSize } = this.producer;
    for (const what of this.#spec.omit ?? []) {
      const { start, size } =
        typeof what === 'bigint' ? { start: what, size: pageSize } : this.#placement(what);
      memory.fill(start, toNumber(size, `omit ${hex(start)}`), ZEROES);
    }
    for (const { addr, bytes } of this.#spec.patch ?? []) memory.write(addr, bytes);
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

const DEFAULT_RAM = 512n << 20n;
const LEAST_RAM = 32n << 20n;

function specRam(spec: ParsedSpec, target: Target): Region[] {
  if (Array.isArray(spec.ram)) return spec.ram;
  const size = spec.ram ?? DEFAULT_RAM;
  if (size >= LEAST_RAM) return ARCHITECTURES[target.arch].machineRam(size);
  throw new KhoforgeError('RAM_TOO_SMALL', `ram of ${size} bytes: expected at least 32MiB`, {
    where: { spec: 'ram' },
  });
}

/** RAM of each node. */
function specNodes({ nodes }: ParsedSpec, { arch }: Target, ram: readonly Region[]): Region[][] {
  if (nodes === undefined) return [[...ram]];
  return nodeRegions(ARCHITECTURES[arch].machineFor(ram), nodes).map((node) => intersect(ram, node));
}

function overrideValues(spec: ParsedSpec): Map<string, OverrideValue> {
  const entries = Object.entries(spec.override ?? {}).map(([path, value]): [string, OverrideValue] => {
    if (typeof value === 'boolean') return [path, value ? 1n : 0n];
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
