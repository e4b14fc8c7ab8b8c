import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ExitCode, KhoforgeError } from '../base/errors.ts';

/** What receives a handover, and what that stands on. */
export const SOURCES: readonly string[] = [
  'kernel/liveupdate/kexec_handover.c',
  'kernel/liveupdate/kexec_handover_debugfs.c',
  'kernel/liveupdate/kho_block.c',
  'kernel/liveupdate/luo_core.c',
  'kernel/liveupdate/luo_file.c',
  'kernel/liveupdate/luo_flb.c',
  'kernel/liveupdate/luo_session.c',
  'mm/early_ioremap.c',
  'mm/memblock.c',
  'mm/memfd_luo.c',
  'lib/fdt.c',
  'lib/fdt_addresses.c',
  'lib/fdt_empty_tree.c',
  'lib/fdt_ro.c',
  'lib/fdt_rw.c',
  'lib/fdt_strerror.c',
  'lib/fdt_sw.c',
  'lib/fdt_wip.c',
  'lib/test_kho.c',
  'arch/x86/lib/csum-partial_64.c',
];

/** Sources that not every release has (7.2, which has its checks of scratch there). */
const IN_SOME: readonly string[] = ['kernel/liveupdate/kexec_handover_debug.c'];

/** Where headers that are named in angle brackets stand, as kbuild has it. */
const HEADER_FOLDERS = ['include/', 'arch/x86/include/', 'scripts/dtc/libfdt/'];

/** The headers that are the tree's own: layouts of a handover, and what needs no more of a kernel than the stubs have. */
const OWN =
  /^(?:linux\/(?:kconfig|count_zeros|list|list_private|memblock|kexec_handover|kho_radix_tree|kho_block|liveupdate|libfdt|libfdt_env)|linux\/kho\/abi\/\w+|asm-generic\/kexec_handover|uapi\/linux\/liveupdate|asm\/checksum(?:_64)?|fdt|libfdt)\.h$/;

/** Headers that the C library takes from the same place. */
const SYSTEM = /^linux\/(?:errno|limits|types|ioctl|memfd)\.h$/;

/** Headers that are beside a source and are the tree's own. */
const BESIDE = /^(?:kernel\/liveupdate|scripts\/dtc\/libfdt)\//;

/**
 * Lays a tree out to be compiled with stubs: its own sources and a few headers as links, all other headers that they name
 * empty.
 * @returns the sources to be compiled
 * @throws KhoforgeError `NO_KHO` for a tree without one of the sources
 */
export function layOut(tree: string, folder: string): readonly string[] {
  const seen = new Set<string>();
  const write = (path: string, text: string) => {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    if (!existsSync(to)) writeFileSync(to, text);
  };
  const link = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    const from = join(tree, path);
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to);
    for (const named of includesOf(readFileSync(from, 'utf8'))) {
      if (named.quoted) {
        const beside = normalize(join(dirname(path), named.name));
        if (BESIDE.test(beside)) link(beside);
        else write(beside, '');
      } else if (OWN.test(named.name)) link(inHeaders(tree, named.name));
      else if (named.name.includes('/'))
        write(`include/${named.name}`, SYSTEM.test(named.name) ? `#include_next <${named.name}>\n` : '');
    }
  };
  for (const source of SOURCES) {
    if (!existsSync(join(tree, source))) throw without(tree, source);
    link(source);
  }
  link('include/linux/kconfig.h');
  const more = IN_SOME.filter((source) => existsSync(join(tree, source)));
  for (const source of more) link(source);
  return [...SOURCES, ...more];
}

const inHeaders = (tree: string, name: string): string =>
  HEADER_FOLDERS.map((folder) => folder + name).find((path) => existsSync(join(tree, path))) ??
  `include/${name}`;

function includesOf(text: string): { readonly name: string; readonly quoted: boolean }[] {
  const named = text.matchAll(/^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/gm);
  return [...named].map(([, mark, name = '']) => ({ name, quoted: mark === '"' }));
}

function without(tree: string, source: string): KhoforgeError {
  return new KhoforgeError('NO_KHO', `${tree} has no ${source}`, {
    where: { file: tree },
    hint: 'name the root of a kernel tree of Linux 7.2 or newer, with its sources',
    exitCode: ExitCode.badInput,
  });
}
