import { describe, expect, it } from 'vitest';
import { junit } from '../../src/render/junit.ts';

/** Every character but halves of pairs, which a console may have too. */
const ALL = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).join('\n');
/** XML 1.0, production 2: those that a document may have. */
const XML = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

describe('a document of JUnit', () => {
  it('has no character that XML has not, whatever was printed', () => {
    const text = junit('s', [{ name: ALL, group: ALL, failure: ALL, output: ALL }], 1);
    expect(text).toMatch(XML);
    expect(junit('s', [{ name: 'a', group: 'b', skip: ALL }], 1)).toMatch(XML);
  });

  it('writes out what it cannot have, and what a reader would lose, as everywhere', () => {
    const output = 'a\x1b[1m\x00\ufffe\ud800\r\n<b> & \u{1f600}\tc';
    const text = junit('s', [{ name: 'x\x1b\n"y"', group: 'g', output }], 1);
    expect(text).toContain('name="x\\x1b\\n&quot;y&quot;"');
    expect(text).toContain(
      '<system-out>a\\x1b[1m\\x00\\ufffe\\ud800\\r\n&lt;b&gt; &amp; \u{1f600}\tc</system-out>',
    );
  });
});
