import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ALL_PAGE_SIZES, type Arch, type PageSize } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { packageFile } from '../base/package.ts';

/** The C files of this package, which lie beside src/ and dist/. */
export const SHIM_FOLDER = packageFile('abi/shim/');

export interface TreeOptions {
  /** Root of a kernel tree, or of a package of headers. */
  readonly tree: string;
  /** Its build directory, when it is configured elsewhere. A configured tree is its own. */
  readonly build?: string;
  readonly arch: Arch;
  readonly pageSize: PageSize;
}

/** Bytes to KiB, as the option names have it. */
const kib = (pageSize: PageSize) => pageSize / 1024;

/**
 * Arguments that make a compiler read the tree's headers as its own build does (Makefile: LINUXINCLUDE, 7.3).
 * A tree that is not configured gets, in `folder`, the two things that a build would have generated and that
 * decide layouts: a configuration with the page size, and the wrappers for generic asm headers.
 */
export function compilerArguments(options: TreeOptions, folder: string): string[] {
  const { tree, arch } = options;
  const { srcarch } = ARCHITECTURES[arch].kbuild;
  const archFolder = join(tree, 'arch', srcarch, 'include');
  const build = configured(options);
  if (build === undefined) writeWrappers(tree, archFolder, join(folder, 'asm'));
  writeConfiguration(options, build, join(folder, 'generated'));
  const generated =
    build === undefined ? [] : [join(build, 'arch', srcarch, 'include/generated'), join(build, 'include')];
  const uapi =
    build === undefined
      ? []
      : [join(build, 'arch', srcarch, 'include/generated/uapi'), join(build, 'include/generated/uapi')];
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

function writeConfiguration(options: TreeOptions, build: string | undefined, folder: string): void {
  const { arch, pageSize } = options;
  const common = ['64BIT 1', 'MMU 1', 'PHYS_ADDR_T_64BIT 1', 'KEXEC_HANDOVER 1', 'LIVEUPDATE 1'];
  const base =
    build === undefined
      ? [...common, ...ARCHITECTURES[arch].kbuild.options].map((option) => `#define CONFIG_${option}`)
      : [`#include "${join(build, 'include/generated/autoconf.h')}"`];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'autoconf.h'), `${[...base, ...pageOptions(arch, pageSize)].join('\n')}\n`);
}

/** Whatever page size a configuration has, this one counts. */
function pageOptions(arch: Arch, pageSize: PageSize): string[] {
  const names = ALL_PAGE_SIZES.flatMap((size) => {
    const own = ARCHITECTURES[arch].kbuild.pageOption(kib(size));
    const options = [`PAGE_SIZE_${kib(size)}KB`, ...(own === undefined ? [] : [own])];
    return options.map((option) => [`CONFIG_${option}`, size] as const);
  });
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
