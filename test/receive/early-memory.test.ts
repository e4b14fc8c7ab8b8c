import { expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Spec } from '../../src/specfile/schema.ts';

// So little scratch that a kernel may write to all of it.
const spec = (more: Partial<Spec>): Spec => ({
  target: { release: '7.3' },
  scratch: [{ addr: '0x400000', size: '32MiB' }],
  subtrees: [
    { raw: { name: 'unknown', content: { text: 'anything' } } },
    { kho_test: { seed: 1, max_mem: '64KiB' } },
  ],
  allow: ['scratch-overlap'],
  ...more,
});
const checksOf = (one: Spec) => verifyImage(buildImage(one)).findings.map(({ check }) => check);

it('nothing is lost of a tree that ends before scratch begins', () => {
  expect(checksOf(spec({ place: { 'kho_test/fdt': '0x3f0000' } }))).not.toContain('early-memory');
});

it('what is read there is told, also where something that nobody reads is there too', () => {
  const place = { unknown: '0x500000', 'kho_test/folios_info/pages[0]': '0x510000' };
  // Up to 6.19 a blob's size is in the blob alone.
  expect(checksOf(spec({ target: { release: '6.19' }, place }))).toContain('early-memory');
});
