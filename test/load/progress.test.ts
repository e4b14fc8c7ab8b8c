import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ByteProgress } from '../../src/base/progress.ts';
import { buildBootElf } from '../../src/load/boot-elf.ts';
import { writeKexecDirectory } from '../../src/load/kexec-file.ts';
import { planKexecLoad } from '../../src/load/kexec-load.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { fakeBzImage } from './fake-kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-progress-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kernel = fakeBzImage();
const image = buildImage({
  preserve: [{ name: 'a', size: '8MiB', addr: 0x800_0000n, content: { seed: 1, size: '8MiB' } }],
});

it.each<[string, (onProgress: (bytes: ByteProgress) => void) => unknown]>([
  ['elf', (onProgress) => buildBootElf(image, { kernel, cmdline: '', onProgress })],
  [
    'kexec',
    (onProgress) => {
      const load = planKexecLoad(image, { kernel, cmdline: '' });
      return writeKexecDirectory({ load, cmdline: '' }, join(folder, 'kexec'), { onProgress });
    },
  ],
])('the form %s tells how far it is, to the end', (_form, write) => {
  const told: ByteProgress[] = [];
  write((bytes) => told.push(bytes));
  expect(told.length).toBeGreaterThan(4);
  const ascending = told.every(({ done }, i) => i === 0 || done >= (told[i - 1]?.done ?? 0n));
  expect(ascending).toBe(true);
  const last = told.at(-1);
  expect(last?.done).toBe(last?.total);
  expect(last?.total).toBeGreaterThan(8n << 20n);
});
