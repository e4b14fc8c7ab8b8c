import { expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';

it('building and verifying again and again, without a turn of the event loop, keeps no memory', () => {
  const work = (times: number) => {
    for (let i = 0; i < times; i++)
      verifyImage(buildImage({ ram: '1GiB', preserve: [{ name: 'a', size: '64MiB' }] }));
  };
  work(300);
  const before = process.memoryUsage().rss;
  work(2000);
  // A memory map has 28 KiB, which were kept each time.
  expect(process.memoryUsage().rss - before).toBeLessThan(40 << 20);
});
