import { describe, expect, it } from 'vitest';
import { CommandLine, memparse } from '../../src/base/command-line.ts';

describe('a command line', () => {
  it('has each value of a name, in order, up to what is for init', () => {
    const cmdline = new CommandLine('a=1 b a="2 3" "c=4 5" -- a=6');
    expect(cmdline.values('a')).toEqual(['1', '2 3']);
    expect(cmdline.values('b')).toEqual(['']);
    expect(cmdline.values('c')).toEqual(['4 5']);
  });

  it.each([
    ['kho=on', true],
    ['kho=off', false],
    ['kho=0 kho=Y', true],
    ['kho=off kho=maybe', false],
    ['khoo=off', true],
    ['', true],
  ])('%s: KHO is on: %s', (text, on) => {
    expect(new CommandLine(text).flag('kho', true)).toBe(on);
  });
});

describe('memparse', () => {
  it.each([
    ['1M:4096:x', 1n << 20n, ':4096:x'],
    ['0x10k', 1n << 14n, ''],
    ['010', 8n, ''],
    ['16E', 2n ** 64n - 1n, ''],
    ['12Q', 12n, 'Q'],
    ['M', 0n, 'M'],
  ])('%s', (text, value, rest) => {
    expect(memparse(text)).toEqual({ value, rest });
  });
});
