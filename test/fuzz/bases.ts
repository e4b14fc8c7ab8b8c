import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeTarget } from '../../src/abi/target.ts';
import { Base } from '../../src/fuzz/base.ts';
import { specOfText } from '../../src/specfile/load.ts';
import type { SuiteKernel } from '../../src/suite/kernel.ts';
import { temporary } from '../guest/fake-qemu.ts';

/** What the canned console of a kernel that revives is about. */
export const PLAIN = `subtrees:
  - kexec-metadata: { previous_release: 6.19.0-rc4-next-20260107, kexec_count: 41 }
  - kho_test: { seed: 1, max_mem: 16KiB }
`;

export function kernelOf(release: string): SuiteKernel {
  const target = makeTarget({ release });
  const { arch, pageSize } = target;
  return { release, version: `${release}.4`, arch, pageSize, bytes: new Uint8Array(), target };
}

/** Specs in a folder, by their names. */
export function corpus(files: Readonly<Record<string, string>>): string {
  const folder = join(temporary(), 'corpus');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export const baseOf = (text: string, release = '7.3'): Base =>
  new Base('base', '/specs/base.yaml', text, specOfText(text, '/specs/base.yaml'), kernelOf(release));
