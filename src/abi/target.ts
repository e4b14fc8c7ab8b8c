import { KhoforgeError } from '../base/errors.ts';
import { ARCHES, type Arch, DEFAULT_ARCH, PAGE_SIZES, type PageSize } from './arch.ts';
import { type Generation, generationByName, generationOfRelease } from './generations.ts';

export type { Arch, PageSize };
export type Endian = 'little' | 'big';

/** What an image is made for. Everything that depends on the producing kernel asks the target. */
export interface Target {
  readonly generation: Generation;
  readonly arch: Arch;
  /** Bytes in a base page. */
  readonly pageSize: PageSize;
  /** log2 of `pageSize`. */
  readonly pageShift: 12 | 14 | 16;
  /** Byte order of every native value: KHO property values and structures, but not the FDT container itself. */
  readonly endian: Endian;
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
  return { generation, arch, pageSize, pageShift: PAGE_SHIFTS[pageSize], endian: options.endian ?? 'little' };
}

function generationFor({ release, generation }: TargetOptions): Generation {
  if (typeof generation === 'object') return generation;
  if (release === undefined) return generationByName(generation ?? 'kho-v4');
  const found = generationOfRelease(release);
  if (generation === undefined || [found.name, found.compatible].includes(generation)) return found;
  throw new KhoforgeError('TARGET_UNKNOWN', `release ${release} writes ${found.name}, not ${generation}`, {
    where: { spec: 'target' },
    hint: 'give release or generation, not both',
  });
}

/** One line for people: `kho-v4 (7.2, 7.3) x86_64 4 KiB pages`. */
export function describeTarget(target: Target): string {
  const { generation, arch, pageSize } = target;
  const { name, releases, tree } = generation;
  const of = tree ? `a tree near ${tree.abi.base}` : releases.join(', ');
  return `${name} (${of}) ${arch} ${pageSize / 1024} KiB pages`;
}
