import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as consoles from '../boot/consoles.ts';
import { khoforge } from '../cli/run.ts';
import { PLAIN } from '../fuzz/bases.ts';
import { fakeQemuProgram, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';

const CASE = `case: { about: What., why: So., handover: good }\n${PLAIN}`;

/** A kernel, a catalogue of four cases, and a QEMU whose guest revives whatever it is given. */
export function bench() {
  const folder = temporary();
  const at = (name: string) => join(folder, name);
  mkdirSync(at('fixtures'));
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(at(`fixtures/${name}.yaml`), CASE);
  mkdirSync(at('corpus'));
  writeFileSync(at('corpus/plain.yaml'), PLAIN);
  writeFileSync(at('bzImage'), fakeBzImage());
  mkdirSync(at('bin'));
  symlinkSync(fakeQemuProgram('exit', consoles.revived), at('bin/qemu-system-x86_64'));
  const run = (...args: string[]) => khoforge(args, { PATH: `${at('bin')}:${process.env.PATH}` });
  return {
    at,
    suite: (...args: string[]) =>
      run('suite', '--kernel', at('bzImage'), '--fixtures', at('fixtures'), ...args),
    fuzz: (...args: string[]) =>
      run('fuzz', '--kernel', at('bzImage'), '--corpus', at('corpus'), '--count', '14', ...args),
    merge: (...args: string[]) => run('merge', ...args),
  };
}

export type Report = Record<string, unknown> & { results: { name: string }[]; groups: { runs: number[] }[] };
export const reportOf = ({ stdout }: { stdout: string }): Report => ({ ...JSON.parse(stdout), seconds: 0 });
