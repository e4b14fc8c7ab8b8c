import { describe, expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { requestOf } from '../../src/simulator/request.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { errorOf } from '../thrown.ts';

const spec: Spec = { target: { release: '7.3' }, subtrees: [{ kho_test: { seed: 1, max_mem: '64KiB' } }] };

describe('a request', () => {
  it('says how long it is, and has the boot record, RAM, texts and bytes where the stubs read them', () => {
    const image = buildImage(spec);
    const request = requestOf(image, { cmdline: 'liveupdate=on', user: ['luo a 0x1'] });
    const word = (at: number) => request.readBigUInt64LE(at * 8);
    expect(word(0)).toBe(BigInt(request.length - 12 * 8));
    expect([word(1), word(2)]).toEqual([1n, 10n]);
    expect([word(4), word(6)]).toEqual([image.bootRecord.fdtAddr, image.bootRecord.scratchAddr]);
    const [regions, extents] = [Number(word(8)), Number(word(9))];
    expect(regions).toBe(image.ram.length);
    expect([word(12), word(13)]).toEqual([image.ram[0]?.start, image.ram[0]?.size]);
    const texts = (12 + 2 * (regions + extents)) * 8;
    expect(request.toString('latin1', texts, texts + 33)).toBe(
      'kho=on liveupdate=on\0luo a 0x1\0'.padEnd(33, request.toString('latin1', texts + 31, texts + 33)),
    );
    const first = image.memory.pieces[0]?.start ?? 0n;
    expect(request.subarray(texts + 31, texts + 31 + 16)).toEqual(Buffer.from(image.memory.read(first, 16)));
  });

  it.each([
    ['mem=256M', [], "the command line 'mem=256M'"],
    ['liveupdate=on', ['preserve 0x1'], "user space that does 'preserve 0x1'"],
  ])('is refused where no compiled file decides: %s', (cmdline, user, what) => {
    const error = errorOf(() => requestOf(buildImage(spec), { cmdline, user }));
    expect(error).toMatchObject({ code: 'NOT_SIMULATED', exitCode: 2 });
    expect(error.message).toContain(what);
  });

  it('is refused for another architecture', () => {
    const image = buildImage({ target: { release: '7.3', arch: 'arm64' } });
    expect(errorOf(() => requestOf(image, {})).message).toContain('machines of arm64');
  });
});
