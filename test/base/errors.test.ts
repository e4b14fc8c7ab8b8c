import { describe, expect, it } from 'vitest';
import { aborted } from '../../src/background/aborted.ts';
import { asKhoforgeError, KhoforgeError } from '../../src/base/errors.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { openSource } from '../../src/source/open.ts';

it('names what node --permission forbids, and the option that allows it', () => {
  const cause = Object.assign(new Error('Access to this API has been restricted'), {
    code: 'ERR_ACCESS_DENIED',
    permission: 'ChildProcess',
    resource: '',
  });
  expect(asKhoforgeError(cause)).toMatchObject({
    code: 'PERMISSION_DENIED',
    message: 'node --permission forbids ChildProcess',
    hint: '--allow-child-process of node allows it',
    exitCode: 3,
  });
});

it('is an AbortError where a signal stopped the work', () => {
  expect(aborted('reason')).toMatchObject({ name: 'AbortError', code: 'ABORTED', cause: 'reason' });
  expect(aborted()).toBeInstanceOf(KhoforgeError);
});

describe('what JavaScript may pass', () => {
  /** As a program without types calls it. */
  const call = (fn: (...args: never[]) => unknown, ...args: unknown[]) => Reflect.apply(fn, undefined, args);

  it.each<[string, () => unknown]>([
    ['the source is undefined (undefined)', () => call(openSource)],
    ['the source is file:///a (object)', () => call(openSource, new URL('file:///a'))],
    ['base is 0 (number)', () => call(openSource, '/dev/null', { base: 0 })],
    ['base is -1 (bigint)', () => call(openSource, '/dev/null', { base: -1n })],
    ['fdtPhys is "0x1000" (string)', () => call(openSource, '/dev/null', { fdtPhys: '0x1000' })],
    ['the image is undefined (undefined)', () => call(verifyImage)],
    ['the image is null (object)', () => call(inspect, null)],
    ['receiver is 7.3 (number)', () => call(verifyImage, buildImage({}), { receiver: 7.3 })],
  ])('%s is bad usage', (text, use) => {
    expect(use).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(text) }));
  });
});
