import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const CORE = 'kernel/liveupdate/kexec_handover.c';
// Only the text of a function is the kernel's business: its name decides.
const SOURCE = `volatile int state;

static inline int kho_get_fdt(int x)
{
	return x * state;
}

int kho_populate(int x)
{
	if (x > 3)
		state = kho_get_fdt(x);
	else
		state = 7;
	return 0;
}

int kho_preserve_folio(int x)
{
	state = x;
	return 1;
}
`;

/** A tree with a program of one such file, `vmlinux`, for the caller to remove. */
export function smallTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'khoforge-coverage-'));
  mkdirSync(join(tree, dirname(CORE)), { recursive: true });
  writeFileSync(join(tree, CORE), SOURCE);
  const main = 'int kho_populate(int); int main(int c, char **v) { return kho_populate(c); }\n';
  writeFileSync(join(tree, 'main.c'), main);
  execFileSync('gcc', ['-g', '-O2', '-o', 'vmlinux', 'main.c', CORE], { cwd: tree });
  return tree;
}

/** What QEMU writes of a block. */
export const traceOf = (addresses: readonly bigint[]) =>
  ['----------------', 'IN: ', ...addresses.map((at) => `0x${at.toString(16)}:  90          nop`)].join('\n');
