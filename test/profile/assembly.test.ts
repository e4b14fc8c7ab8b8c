import { describe, expect, it } from 'vitest';
import { readObjects } from '../../src/profile/assembly.ts';

const bytesOf = (assembly: string, name: string) => {
  const bytes = readObjects(assembly).get(name);
  return bytes && Buffer.from(bytes).toString('hex');
};

describe('readObjects', () => {
  it('reads what gcc writes for x86_64', () => {
    const text = '\t.size\ta, 16\na:\n\t.quad\t1\n\t.quad\t-1\n\t.size\tb, 7\nb:\n\t.string\t"kho-v4"\n';
    expect(bytesOf(text, 'a')).toBe(`0100000000000000${'ff'.repeat(8)}`);
    expect(bytesOf(text, 'b')).toBe(Buffer.from('kho-v4\0').toString('hex'));
  });

  it('reads what clang writes for arm64, comments and all', () => {
    const text =
      'a:\n\t.xword\t65536                           // 0x10000\n\t.hword\t2\n\t.byte\t3 // x\n\t.size\ta, 11\n';
    expect(bytesOf(text, 'a')).toBe('0000010000000000020003');
  });

  it('does not take the padding before the next object for data', () => {
    const text = '\t.size\ta, 4\na:\n\t.string\t"LUO"\n\t.zero\t4\n\t.size\tb, 1\nb:\n\t.byte\t1\n';
    expect(bytesOf(text, 'a')).toBe('4c554f00');
  });

  it('reads escapes', () => {
    expect(bytesOf('a:\n\t.ascii\t"\\000\\"\\\\\\n\\377x"\n', 'a')).toBe('00225c0aff78');
  });

  it('gives up an object that holds an address', () => {
    expect(bytesOf('a:\n\t.quad\t.LC0\nb:\n\t.quad\t1\n', 'a')).toBeUndefined();
    expect(bytesOf('a:\n\t.quad\t.LC0\nb:\n\t.quad\t1\n', 'b')).toBe('0100000000000000');
    expect(bytesOf('a:\n\t.zero\t99999999999\n', 'a')).toBeUndefined();
  });
});
