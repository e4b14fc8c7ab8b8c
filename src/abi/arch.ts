/** The architectures that Linux has KHO for. All that depends on which one it is says its object in src/arch. */
export const ARCHES = ['x86_64', 'arm64'] as const;

export type Arch = (typeof ARCHES)[number];

/** Of what does not tell. */
export const DEFAULT_ARCH: Arch = 'x86_64';

/** Bytes in a base page, of all architectures. */
export const ALL_PAGE_SIZES = [4096, 16384, 65536] as const;

export type PageSize = (typeof ALL_PAGE_SIZES)[number];

/** What a kernel of the architecture can be built with, the usual size first (HAVE_PAGE_SIZE_…KB, arch/…/Kconfig, 7.3). */
export const PAGE_SIZES: Readonly<Record<Arch, readonly [PageSize, ...PageSize[]]>> = {
  x86_64: [4096],
  arm64: [4096, 16384, 65536],
};
