import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export type Mode =
  | 'exit'
  | 'busy'
  | 'hang'
  | 'family'
  | 'fail'
  | 'crash'
  | 'nonblocking'
  | 'flood'
  | 'arguments'
  | 'kvm-hang'
  | 'kvm-half'
  | 'kvm-fail';

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

/** A directory that is gone after the test. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'khoforge-test-'));
  made.push(directory);
  return directory;
}

/** Program and first arguments of a fake QEMU that prints `console`. */
export function fakeQemu(mode: Mode, console = ''): string[] {
  const file = join(temporary(), 'canned');
  writeFileSync(file, console);
  return [join(import.meta.dirname, 'fake-qemu.sh'), mode, file];
}

/** The same as one program, which takes QEMU's arguments. */
export function fakeQemuProgram(mode: Mode, console = ''): string {
  const words = fakeQemu(mode, console).map((word) => `'${word}'`);
  const program = join(temporary(), 'qemu');
  writeFileSync(program, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}
