import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError, withinSpec } from '../base/errors.ts';
import { hex, humanSize, isAligned, overlaps, parseSize, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { type Check, Checker } from '../emit/checks.ts';
import { type Offer, Overrides, type OverrideValue } from '../emit/overrides.ts';
import type { Place } from '../emit/placer.ts';
import { Producer, unknownPath } from '../emit/producer.ts';
import { ZEROES } from '../memory/contents.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { BootRecord, Image } from '../model/image.ts';
import type { ParsedSpec } from '../specfile/schema.ts';
import { USER_KEYS, USERS } from '../users/registry.ts';
import type { User } from '../users/user.ts';
import { emitMemoryMap } from './memory-map.ts';
import { emitPreserved } from './preserve.ts';
import { emitRootFdt, ROOT_FDT } from './root-fdt.ts';
import { emitScratchArray, layOutScratch } from './scratch.ts';
import { specNodes, specRam } from './spec-machine.ts';

export interface BuiltImage extends Image {
  /** Every path that this spec can override. */
  readonly paths: readonly string[];
  /** The same, with what is emitted there. */
  readonly offers: ReadonlyMap<string, Offer>;
  /** Checks that the spec allows and nothing broke. */
  readonly unusedAllows: readonly Check[];
}

/** What is built. */
export interface Job {
  readonly listPaths: boolean;
  readonly spec: ParsedSpec;
  readonly baseDir: string;
  readonly target: Target;
  /** As in ProducerOptions. */
  readonly taken: ReadonlyMap<string, BigUint64Array>;
  readonly onProgress?: (progress: ByteProgress) => void;
}

export interface Placing {
  readonly place: ReadonlyMap<string, Place>;
  readonly splits: ReadonlySet<string>;
  readonly placeSizes?: ReadonlyMap<string, bigint>;
  readonly measuring?: boolean;
}

/** One pass over a spec, in the order in which a kernel comes to its parts. */
export class Assembly {
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
      paths: [...producer.overrides.offered.keys()],
      offers: producer.overrides.offered,
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
      const specPath = ['patch', i, 'addr'];
      if (!isWithin(this.#ram, addr, end))
        checker.broken('outside-ram', `patch at ${hex(addr)}-${hex(end)} is not in RAM`, specPath);
      if (end > 1n << 64n) {
        const message = `${bytes.length} bytes at ${hex(addr)} end at ${hex(end)}: above 2^64`;
        throw new KhoforgeError('PATCH_BEYOND', message, { specPath, hint: 'move it, or shorten its bytes' });
      }
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
