import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layOut, SOURCES } from '../../src/simulator/tree.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { errorOf } from '../thrown.ts';

/** A tree of files that name what the text says. */
function tree(files: Readonly<Record<string, string>>): string {
  const folder = temporary();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
const all = Object.fromEntries(SOURCES.map((source) => [source, '']));

describe('a tree that is laid out', () => {
  it('has its own sources and the headers of a handover, and empty ones for all others', () => {
    const from = tree({
      ...all,
      'kernel/liveupdate/kexec_handover.c':
        '#include <linux/kho/abi/luo.h>\n#include <linux/mm.h>\n#include <linux/errno.h>\n' +
        '#include "kexec_handover_internal.h"\n#include "../../mm/mm_init.h"\n',
      'kernel/liveupdate/kexec_handover_internal.h': '# include <linux/list.h>\n',
      'include/linux/kho/abi/luo.h': '#include <linux/types.h>\n',
      'include/linux/list.h': '',
      'include/linux/kconfig.h': '',
      'include/linux/mm.h': '#error of the kernel\n',
      'mm/mm_init.h': '#error of the kernel\n',
    });
    const to = temporary();
    layOut(from, to);
    const isLink = (path: string) => lstatSync(join(to, path)).isSymbolicLink();
    const text = (path: string) => readFileSync(join(to, path), 'utf8');
    const own = ['include/linux/kho/abi/luo.h', 'include/linux/list.h', 'lib/fdt.c'];
    expect([...own, 'kernel/liveupdate/kexec_handover_internal.h'].map(isLink)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([text('include/linux/mm.h'), text('mm/mm_init.h')]).toEqual(['', '']);
    expect(text('include/linux/errno.h')).toBe('#include_next <linux/errno.h>\n');
  });

  it('is none without one of the sources', () => {
    const { 'lib/test_kho.c': _, ...rest } = all;
    const from = tree({ ...rest, 'include/linux/kconfig.h': '' });
    const error = errorOf(() => layOut(from, temporary()));
    expect(error).toMatchObject({ code: 'NO_KHO', exitCode: 2 });
    expect(error.message).toContain('lib/test_kho.c');
    expect(existsSync(join(from, 'lib/test_kho.c'))).toBe(false);
  });
});
