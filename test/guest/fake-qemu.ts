import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

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

/** A directory that is gone after the test. (Files share this module: a hook of its own would be the first file's.) */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'khoforge-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
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
