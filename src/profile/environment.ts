import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Arch, PageSize } from '../abi/target.ts';

/** The C files of this package, which lie beside src/ and dist/. */
export const SHIM_FOLDER = fileURLToPath(new URL('../../abi/shim/', import.meta.url));

export interface TreeOptions {
  /** Root of a kernel tree, or of a package of headers. */
  readonly tree: string;
  /** Its build directory, when it is configured elsewhere. A configured tree is its own. */
  readonly build?: string;
  readonly arch: Arch;
  readonly pageSize: PageSize;
}

const SRCARCH: Readonly<Record<Arch, string>> = { x86_64: 'x86', arm64: 'arm64' };

/** Bytes to KiB, as the option names have it. */
const kib = (pageSize: PageSize) => pageSize / 1024;

/**
 * Arguments that make a compiler read the tree's headers as its own build does (Makefile: LINUXINCLUDE, 7.3).
 * A tree that is not configured gets, in `folder`, the two things that a build would have generated and that
 * decide layouts: a configuration with the page size, and the wrappers for generic asm headers.
 */
export function compilerArguments(options: TreeOptions, folder: string): string[] {
  const { tree, arch } = options;
  const archFolder = join(tree, 'arch', SRCARCH[arch], 'include');
  const build = configured(options);
  if (build === undefined) writeWrappers(tree, archFolder, join(folder, 'asm'));
  writeConfiguration(options, build, join(folder, 'generated'));
  const generated =
    build === undefined
      ? []
      : [join(build, 'arch', SRCARCH[arch], 'include/generated'), join(build, 'include')];
  const uapi =
    build === undefined
      ? []
      : [join(build, 'arch', SRCARCH[arch], 'include/generated/uapi'), join(build, 'include/generated/uapi')];
  const folders = [
    ...(build === undefined ? [join(SHIM_FOLDER, 'light')] : []),
    folder,
    archFolder,
    ...generated,
    join(tree, 'include'),
    join(archFolder, 'uapi'),
    join(tree, 'include/uapi'),
    ...uapi,
  ];
  const first = ['compiler-version.h', 'kconfig.h', 'compiler_types.h'];
  return [
    '-nostdinc',
    ...folders.map((path) => `-I${path}`),
    `-I${SHIM_FOLDER}`,
    ...first.flatMap((name) => ['-include', join(tree, 'include/linux', name)]),
    ...'-D__KERNEL__ -DKBUILD_MODNAME="khoforge" -std=gnu11 -fms-extensions -fshort-wchar'.split(' '),
    ...'-funsigned-char -fno-asynchronous-unwind-tables -O2 -w -Wno-implicit-function-declaration'.split(' '),
  ];
}

/** The build directory, when there is a configuration. */
function configured({ tree, build = tree }: TreeOptions): string | undefined {
  return existsSync(join(build, 'include/generated/autoconf.h')) ? resolve(build) : undefined;
}

const ARCH_OPTIONS: Readonly<Record<Arch, readonly string[]>> = {
  x86_64: ['X86 1', 'X86_64 1', 'PGTABLE_LEVELS 5', 'PHYSICAL_START 0x1000000', 'PHYSICAL_ALIGN 0x200000'],
  arm64: ['ARM64 1', 'ARM64_VA_BITS 48', 'ARM64_PA_BITS 48', 'PGTABLE_LEVELS 3'],
};

function writeConfiguration(options: TreeOptions, build: string | undefined, folder: string): void {
  const { arch, pageSize } = options;
  const common = ['64BIT 1', 'MMU 1', 'PHYS_ADDR_T_64BIT 1', 'KEXEC_HANDOVER 1', 'LIVEUPDATE 1'];
  const base =
    build === undefined
      ? [...common, ...ARCH_OPTIONS[arch]].map((option) => `#define CONFIG_${option}`)
      : [`#include "${join(build, 'include/generated/autoconf.h')}"`];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'autoconf.h'), `${[...base, ...pageOptions(arch, pageSize)].join('\n')}\n`);
}

/** Whatever page size a configuration has, this one counts. */
function pageOptions(arch: Arch, pageSize: PageSize): string[] {
  const sizes = [4096, 16384, 65536] as const;
  const names = sizes.flatMap((size) => [
    [`CONFIG_PAGE_SIZE_${kib(size)}KB`, size] as const,
    ...(arch === 'arm64' ? [[`CONFIG_ARM64_${kib(size)}K_PAGES`, size] as const] : []),
  ]);
  return [
    ...names.flatMap(([name, size]) => [
      `#undef ${name}`,
      ...(size === pageSize ? [`#define ${name} 1`] : []),
    ]),
    '#undef CONFIG_PAGE_SHIFT',
    `#define CONFIG_PAGE_SHIFT ${Math.log2(pageSize)}`,
  ];
}

/** `asm/X.h` for each generic header that the architecture does not replace (scripts/Makefile.asm-headers, 7.3). */
function writeWrappers(tree: string, archFolder: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const generic of ['include/asm-generic', 'include/uapi/asm-generic']) {
    for (const name of headersIn(join(tree, generic))) {
      const own = ['asm', 'uapi/asm'].some((part) => existsSync(join(archFolder, part, name)));
      if (!own) writeFileSync(join(folder, name), `#include <asm-generic/${name}>\n`);
    }
  }
}

function headersIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.h')) : [];
}
