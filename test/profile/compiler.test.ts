import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compile } from '../../src/toolchain/compiler.ts';

it('leaves nothing of a compiler that was killed', () => {
  const killed = 'echo x > "$TMPDIR/cc.s"; echo "$TMPDIR"; kill -KILL $$';
  const { ok, stdout } = compile({ command: ['sh', '-c', killed], version: '' }, []);
  expect(ok).toBe(false);
  expect(stdout).toMatch(/^\/.*khoforge-cc-/);
  expect(existsSync(stdout.trim())).toBe(false);
});
