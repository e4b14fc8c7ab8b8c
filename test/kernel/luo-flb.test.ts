import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { buildKernel } from './receiver.ts';

/** TEST_FLB_MAGIC_BASE, and what the test's FLBs are called (lib/tests/liveupdate.c, include/linux/kho/abi/luo.h, 7.3). */
const MAGIC = 0xfeedf00dcafebee0n;
const nameOf = (i: number) => `liveupdate-test-flb-v${i}`;

/** Boots a kernel with CONFIG_LIVEUPDATE_TEST on an image with the test's three FLBs. */
async function boot(data: (i: number) => bigint): Promise<string[]> {
  const flbs = [0, 1, 2].map((i) => ({ name: nameOf(i), data: data(i), count: 1 }));
  const image = buildImage({ target: { release: '7.3' }, subtrees: [{ luo: { sessions: [], flbs } }] });
  const options = { kernel: buildKernel('--host'), cmdline: 'liveupdate=on', timeout: 90 };
  const lines = consoleLines(readFileSync((await bootImage(image, options)).console)).map(message);
  const own = lines.filter((line) => line.includes('flb'));
  console.log(own.join('\n'));
  return own;
}

describe("the kernel's own test of FLBs", () => {
  it('finds ours', async () => {
    const lines = (await boot((i) => MAGIC + BigInt(i))).join('\n');
    for (const i of [0, 1, 2]) expect(lines).toContain(`${nameOf(i)}: found flb data from the previous boot`);
    expect(lines).not.toContain('ERROR');
  });

  it('complains of another datum', async () => {
    const lines = (await boot((i) => (i === 1 ? 5n : MAGIC + BigInt(i)))).join('\n');
    expect(lines).toContain(`${nameOf(1)}: ERROR - incorrect data handle: 5, expected feedf00dcafebee1`);
    expect(lines).toContain(`${nameOf(2)}: found flb data from the previous boot`);
  });
});
