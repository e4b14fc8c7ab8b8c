import { KhoforgeError } from '../base/errors.ts';
import { Abi } from './abi.ts';
import { ARCHES, type Arch, DEFAULT_ARCH, PAGE_SIZES, type PageSize } from './arch.ts';
import { declaredItems, FORMER_NAMES, RELEASES } from './declared.ts';
import type { Endian } from './endian.ts';
import type { Facts } from './facts.ts';
import { type Generation, generationByName, generationOfRelease, NEWEST } from './generations.ts';
import type { Platform } from './layout.ts';
import { patchFacts } from './tree-abi.ts';

export type { Arch, Endian, PageSize };

/** What an image is made for. Everything that depends on the producing kernel asks the target. */
export interface Target extends Platform {
  readonly generation: Generation;
  /** Byte order of every native value: KHO property values and structures, but not the FDT container itself. */
  readonly endian: Endian;
  /** What the kernel's headers say. */
  readonly abi: Abi;
}

export interface TargetOptions {
  /** `kho-v4`; or give `release`. With both, the compatible string of the release's generation will do. */
  generation?: string | Generation;
  /** `7.3`; or give `generation`. */
  release?: string;
  arch?: Arch;
  /** Bytes; default 4096. */
  pageSize?: number;
  endian?: Endian;
}

const PAGE_SHIFTS: Readonly<Record<PageSize, 12 | 14 | 16>> = { 4096: 12, 16384: 14, 65536: 16 };

/**
 * Completes and checks a target. Defaults: the newest generation, x86_64, 4 KiB pages, little-endian.
 * @throws KhoforgeError `TARGET_UNKNOWN` for a combination that no kernel has
 */
export function makeTarget(options: TargetOptions = {}): Target {
  const arch = options.arch ?? DEFAULT_ARCH;
  const sizes = Object.hasOwn(PAGE_SIZES, arch) ? PAGE_SIZES[arch] : undefined;
  if (sizes === undefined) {
    const message = `no architecture '${arch}': expected ${ARCHES.join(' or ')}`;
    throw new KhoforgeError('TARGET_UNKNOWN', message, { where: { spec: 'target.arch' } });
  }
  const pageSize = sizes.find((size) => size === (options.pageSize ?? sizes[0]));
  if (pageSize === undefined) {
    const message = `no page size ${options.pageSize} on ${arch}: expected ${sizes.join(', ')}`;
    throw new KhoforgeError('TARGET_UNKNOWN', message, { where: { spec: 'target.page_size' } });
  }
  const generation = generationFor(options);
  const { endian = 'little' } = options;
  const platform = { arch, pageSize, pageShift: PAGE_SHIFTS[pageSize] };
  return { generation, ...platform, endian, abi: abiFor(generation, platform, endian) };
}

function generationFor({ release, generation }: TargetOptions): Generation {
  if (typeof generation === 'object') return generation;
  if (release === undefined) return generation === undefined ? NEWEST : generationByName(generation);
  const found = generationOfRelease(release);
  if (generation === undefined || [found.name, found.compatible].includes(generation)) return found;
  throw new KhoforgeError('TARGET_UNKNOWN', `release ${release} writes ${found.name}, not ${generation}`, {
    where: { spec: 'target' },
    hint: 'give release or generation, not both',
  });
}

/** Each tree's generation is an object of its own. */
const known = new WeakMap<Generation, Map<string, Abi>>();

function abiFor(generation: Generation, platform: Platform, endian: Endian): Abi {
  const own = known.get(generation) ?? new Map<string, Abi>();
  known.set(generation, own);
  const key = `${platform.arch}/${platform.pageSize}/${endian}`;
  const abi = own.get(key) ?? makeAbi(generation, platform, endian);
  own.set(key, abi);
  return abi;
}

function makeAbi({ name, releases, tree }: Generation, platform: Platform, endian: Endian): Abi {
  const known = releases.findLast((one) => RELEASES.some((series) => series === one));
  const base = releaseFacts(tree?.base ?? known ?? '', platform);
  const foreign = new Map(RELEASES.flatMap((release) => [...releaseFacts(release, platform)]));
  for (const name of base.keys()) foreign.delete(name);
  for (const [now, before] of FORMER_NAMES) if (base.has(before)) foreign.delete(now);
  return new Abi(name, tree ? patchFacts(base, tree) : base, foreign, endian);
}

/** What khoforge declares of a release, with the boot records of every architecture. */
function releaseFacts(release: string, platform: Platform): ReadonlyMap<string, Facts> {
  const items = (['arm64', 'x86_64'] as const).flatMap((arch) =>
    declaredItems(release, { ...platform, arch }),
  );
  return new Map(items.map(({ name, source: _, ...facts }) => [name, facts]));
}

/** One line for people: `kho-v4 (7.2, 7.3) x86_64 4 KiB pages`. */
export function describeTarget(target: Target): string {
  const { generation, arch, pageSize } = target;
  const { name, releases, tree } = generation;
  const of = tree ? `a tree near ${tree.base}` : releases.join(', ');
  return `${name} (${of}) ${arch} ${pageSize / 1024} KiB pages`;
}
