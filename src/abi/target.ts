import { KhoforgeError } from '../base/errors.ts';
import { Abi } from './abi.ts';
import { ARCHES, type Arch, DEFAULT_ARCH, PAGE_SIZES, type PageSize } from './arch.ts';
import { FORMER_NAMES, RELEASES } from './declared.ts';
import type { Endian } from './endian.ts';
import type { Facts } from './facts.ts';
import {
  GENERATIONS,
  type Generation,
  generationByName,
  generationOfRelease,
  NEWEST,
  seriesOf,
} from './generations.ts';
import type { Platform } from './layout.ts';
import { releaseFacts } from './release-facts.ts';
import { patchFacts, type TreeAbi } from './tree-abi.ts';

export type { Arch, Endian, PageSize };

/** What an image is made for. Everything that depends on the producing kernel asks the target. */
export interface Target extends Platform {
  readonly generation: Generation;
  /** Byte order of every native value: KHO property values and structures, but not the FDT container itself. */
  readonly endian: Endian;
  /** What the kernel's headers say. */
  readonly abi: Abi;
  /** Of a kernel tree: what its headers say otherwise than the release that it is nearest to. */
  readonly tree?: TreeAbi;
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
  /** Of a kernel tree; `generation` is how it behaves. */
  tree?: TreeAbi | undefined;
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
  const { endian = 'little', tree } = options;
  const platform = { arch, pageSize, pageShift: PAGE_SHIFTS[pageSize] };
  const abi = abiFor({ generation, release: options.release, tree }, platform, endian);
  return { generation, ...platform, endian, abi, ...(tree && { tree }) };
}

/** `kho-v4`: what the kernels of a generation write into the root FDT. */
export function compatibleOf(generation: Generation): string {
  return makeTarget({ generation }).abi.text('KHO_FDT_COMPATIBLE');
}

/** Every generation whose images a kernel takes for its own. */
export function generationsWith(compatible: string | undefined): Generation[] {
  return GENERATIONS.filter((generation) => compatibleOf(generation) === compatible);
}

function generationFor({ release, generation }: TargetOptions): Generation {
  if (typeof generation === 'object') return generation;
  if (release === undefined) return generation === undefined ? NEWEST : generationByName(generation);
  const found = generationOfRelease(release);
  if (generation === undefined || [found.name, compatibleOf(found)].includes(generation)) return found;
  throw new KhoforgeError('TARGET_UNKNOWN', `release ${release} writes ${found.name}, not ${generation}`, {
    where: { spec: 'target' },
    hint: 'give release or generation, not both',
  });
}

interface Kernel {
  readonly generation: Generation;
  readonly release: string | undefined;
  readonly tree: TreeAbi | undefined;
}

/** By generation, or by tree. */
const known = new WeakMap<object, Map<string, Abi>>();

function abiFor(kernel: Kernel, platform: Platform, endian: Endian): Abi {
  const { generation, release, tree } = kernel;
  const own = known.get(tree ?? generation) ?? new Map<string, Abi>();
  known.set(tree ?? generation, own);
  const key = `${generation.name}/${release ?? ''}/${platform.arch}/${platform.pageSize}/${endian}`;
  const abi = own.get(key) ?? makeAbi(kernel, platform, endian);
  own.set(key, abi);
  return abi;
}

function makeAbi({ generation, release, tree }: Kernel, platform: Platform, endian: Endian): Abi {
  const { name, releases } = generation;
  const isKnown = (one: string) => RELEASES.some((series) => series === one);
  const own = [seriesOf(release ?? '')].find(isKnown) ?? releases.findLast(isKnown) ?? '';
  const base = releaseFacts(tree?.base ?? own, platform);
  return new Abi(name, tree ? patchFacts(base, tree) : base, () => foreignTo(base, platform), endian);
}

/** What only other releases and architectures have. */
function foreignTo(base: ReadonlyMap<string, Facts>, platform: Platform): ReadonlyMap<string, Facts> {
  const arches = [...ARCHES.filter((arch) => arch !== platform.arch), platform.arch];
  const foreign = new Map(
    RELEASES.flatMap((release) =>
      arches.flatMap((arch) => [...releaseFacts(release, { ...platform, arch })]),
    ),
  );
  for (const name of base.keys()) foreign.delete(name);
  for (const [now, before] of FORMER_NAMES) if (base.has(before)) foreign.delete(now);
  return foreign;
}

/** One line for people: `kho-v4 (7.2, 7.3) x86_64 4 KiB pages`. */
export function describeTarget(target: Target): string {
  const { generation, arch, pageSize, tree } = target;
  const { name, releases } = generation;
  const of = tree ? `a tree near ${tree.base}` : releases.join(', ');
  return `${name} (${of}) ${arch} ${pageSize / 1024} KiB pages`;
}
