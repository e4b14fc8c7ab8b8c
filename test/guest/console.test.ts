import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consoleLines, LineSplitter, message } from '../../src/guest/console.ts';

const lines = (text: string) => consoleLines(Buffer.from(text, 'latin1'));

describe('LineSplitter', () => {
  it.each([
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['a\r\r\nb\r', ['a', 'b']],
    ['10%\r20%\r\n', ['10%', '20%']],
    ['a\r\n\r\nb\n\nc', ['a', '', 'b', '', 'c']],
    ['', []],
  ])('cuts %j', (text, wanted) => {
    expect(lines(text)).toEqual(wanted);
  });

  it('drops what terminals act on and keeps the rest', () => {
    expect(lines('\x1b[2J\x1b[1;31mred\x1b[0m\ttab\x00\x07\x7f\n\xff\xfe junk')).toEqual([
      'red\ttab',
      '\ufffd\ufffd junk',
    ]);
  });

  it('cuts a line that never ends', () => {
    const cut = lines('x'.repeat(10_000));
    expect(cut.map((line) => line.length)).toEqual([4096, 4096, 1808]);
  });

  it('gives the same lines however the bytes arrive', () => {
    const piece = fc.constantFrom('a', 'bc', '\r', '\n', '\r\n', '\u00fc', 'x'.repeat(3000));
    fc.assert(
      fc.property(fc.array(piece), fc.infiniteStream(fc.integer({ min: 1, max: 700 })), (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        const got: string[] = [];
        const splitter = new LineSplitter((line) => got.push(line));
        for (let at = 0; at < bytes.length; ) {
          const length = cuts.next().value ?? 1;
          splitter.push(bytes.subarray(at, at + length));
          at += length;
        }
        splitter.flush();
        expect(got).toEqual(consoleLines(bytes));
      }),
    );
  });

  it('does not keep the caller’s buffer', () => {
    const got: string[] = [];
    const splitter = new LineSplitter((line) => got.push(line));
    const chunk = Buffer.from('half');
    splitter.push(chunk);
    chunk.fill('!');
    splitter.push(Buffer.from(' line\n'));
    expect(got).toEqual(['half line']);
  });
});

describe('message', () => {
  it.each([
    ['[    0.000000] KHO: found', 'KHO: found'],
    ['[12345.678901][    T1] KHO: found', 'KHO: found'],
    ['<6>[    0.000000] KHO: found', 'KHO: found'],
    ['KHO: found', 'KHO: found'],
    ['[drm] not a stamp', '[drm] not a stamp'],
  ])('takes the stamps off %j', (line, text) => {
    expect(message(line)).toBe(text);
  });
});
