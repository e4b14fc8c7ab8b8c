import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/numbers.ts';
import { type BootResult, bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { buildInitrd, planLine } from '../../src/guest/initrd.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import { sha256 } from './plans.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const said: string[] = [];
afterAll(() => console.log(said.join('\n')));

const PARAMETERS = 'reserve_mem=1M:4096:oops reserve_mem=64K:64K:trace';
const REVIVED = ["Revived memory reservation 'oops' from KHO", "Revived memory reservation 'trace' from KHO"];
const { spec, baseDir } = loadSpec('examples/reserve-mem.yaml');

const linesOf = (result: BootResult) => consoleLines(readFileSync(result.console)).map(message);

function imageFor(release: string) {
  const subtrees = (spec.subtrees ?? []).filter((entry) => !('kexec-metadata' in entry));
  return buildImage({ ...spec, target: { release }, subtrees, expect: {} }, { baseDir });
}

describe('reserve_mem', () => {
  it('is found at its address, with its content, through /dev/mem of a booted kernel', async () => {
    const image = imageFor('7.3');
    const regions = image.placements.filter(({ path }) => ['memblock/oops', 'memblock/trace'].includes(path));
    expect(regions.map(({ path }) => path).sort()).toEqual(['memblock/oops', 'memblock/trace']);
    expect(regions.find(({ path }) => path === 'memblock/oops')?.start).toBe(0x8000000n);
    const plan = regions.map(({ start, size }) => planLine('sha256', '/dev/mem', hex(start), hex(size)));
    const initrd = buildInitrd({ arch: 'x86_64', plan });
    const kernel = buildKernel('--host');
    const result = await bootImage(image, {
      kernel,
      initrd,
      cmdline: PARAMETERS,
      timeout: 90,
    });
    const lines = linesOf(result);
    const sums = regions.map(({ start, size }) => {
      const bytes = image.memory.read(start, Number(size));
      return `khoforge-init: sha256 /dev/mem ${hex(start)} ${sha256(bytes)}`;
    });
    said.push('7.3:', ...lines.filter((line) => /reservation|khoforge-init/.test(line)));
    expect(lines).toEqual(expect.arrayContaining([...REVIVED, ...sums]));
  });

  describe.each(RECEIVERS)('of %s', (release) => {
    const missing = whyUnfetchable(release);
    it.skipIf(missing !== undefined)('is revived', async () => {
      const kernel = buildKernel('--release', release);
      const result = await bootImage(imageFor(release), { kernel, cmdline: PARAMETERS, timeout: 90 });
      const lines = linesOf(result);
      said.push(`${release}:`, ...lines.filter((line) => /reservation/.test(line)));
      expect(lines).toEqual(expect.arrayContaining(REVIVED));
    });

    it.skipIf(missing !== undefined)('of another size is not revived', async () => {
      const kernel = buildKernel('--release', release);
      const cmdline = PARAMETERS.replace('1M', '2M');
      const lines = linesOf(await bootImage(imageFor(release), { kernel, cmdline, timeout: 90 }));
      expect(lines.join('\n')).not.toContain(REVIVED[0]);
      expect(lines).toContain(REVIVED[1]);
    });
  });
});
