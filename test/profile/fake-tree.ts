import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** As much of a kernel tree as the shim needs, in our own words: the real ones are in test/kernel/. */
const FILES: Readonly<Record<string, string>> = {
  Makefile: 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\nEXTRAVERSION = -test\n',
  'include/linux/compiler-version.h': '',
  'include/linux/kconfig.h': '#include <generated/autoconf.h>\n',
  'include/linux/compiler_types.h':
    '#define __packed __attribute__((packed))\n#define static_assert(c, ...) _Static_assert(c, #c)\n',
  'include/linux/types.h':
    'typedef unsigned long long u64;\ntypedef unsigned int u32;\ntypedef unsigned short u16;\n',
  'include/linux/bitops.h': '',
  'include/vdso/page.h': '#define PAGE_SIZE (1UL << CONFIG_PAGE_SHIFT)\n',
  'include/linux/kho/abi/kexec_handover.h': `
#include <linux/types.h>
#include <asm/page.h>
#define KHO_FDT_COMPATIBLE "kho-v4"
/* says "kho-v3" */
struct kho_radix_node {
	u64 table[PAGE_SIZE / 8];
};
struct kho_scratch {
	u64 addr, size;
};
`,
};

export class FakeTree {
  readonly folder = mkdtempSync(join(tmpdir(), 'khoforge-tree-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.write({ ...FILES, ...files });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }

  /** Commits all there is and returns the commit. */
  commit(): string {
    const git = (...args: string[]) =>
      execFileSync(
        'git',
        ['-C', this.folder, '-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args],
        {
          encoding: 'utf8',
        },
      );
    git('init', '-q');
    git('add', '-A');
    git('commit', '-q', '-m', 'test');
    return git('rev-parse', 'HEAD').trim();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
