import { describe, expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { inspectJson, inspectText } from '../../src/render/inspect.ts';

describe('inspect of many ranges', () => {
  const inspection = inspect(buildImage({ preserve: [{ name: '\n    "ranges": []', order: 0 }] }));
  const { walk } = inspection;
  if (!walk) throw new Error('the image has no memory map');

  it.each([0, 1, 2 ** 14, 2 ** 14 + 1, 50_000])('lists all %i in JSON, and a few in text', (count) => {
    const ranges = BigUint64Array.from({ length: 2 * count }, (_, i) => BigInt(i) * 4096n);
    const many = { ...inspection, walk: { ...walk, ranges } };
    const document = JSON.parse([...inspectJson(many, '\n    "ranges": []')].join(''));
    const expected = Array.from({ length: count }, (_, i) => ({
      start: `0x${(i * 8192).toString(16)}`,
      end: `0x${(i * 8192 + 4096).toString(16)}`,
    }));
    expect(document.preserved.ranges).toEqual(expected);
    expect(document.preserved.byOrder).toEqual({ 0: expect.any(Number) });
    expect(inspectText(many, 'x').length).toBeLessThan(30);
  });
});
