import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSpec } from '../../src/specfile/load.ts';
import { parseSpec } from '../../src/specfile/parse.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'khoforge-spec-'));

function load(text: string) {
  const file = join(directory, 'spec.yaml');
  writeFileSync(file, text);
  return loadSpec(file);
}

/** The message without the folder of this run. */
function message(text: string): string {
  try {
    load(text);
  } catch (error) {
    if (error instanceof Error) {
      const hint = 'hint' in error && error.hint ? ` | ${error.hint}` : '';
      return error.message.replaceAll(`${directory}/`, '') + hint;
    }
  }
  throw new Error('accepted');
}

describe('a spec', () => {
  it('has sizes in words, hex and plain numbers', () => {
    const { spec } = load('ram: 1GiB\nscratch: [{ size: 0x400000, addr: 16777216 }, { size: 4M }]\n');
    expect(spec.ram).toBe(1n << 30n);
    expect(spec.scratch).toEqual([{ size: 0x400000n, addr: 16777216n }, { size: 4n << 20n }]);
  });

  it('keeps addresses above 2^53 exact', () => {
    const { spec } = load('patch: [{ addr: 0x7fffffffffffffff, bytes: "00" }]');
    expect(spec.patch?.[0]?.addr).toBe(0x7fffffffffffffffn);
  });

  it('may be empty: everything has a default', () => {
    expect(parseSpec({})).toEqual({});
  });
});

describe('an error in a spec names file, line, path, value and what was expected', () => {
  it.each([
    ['ram: lots', 'spec.yaml:1: ram: "lots": expected a size such as 512MiB, or a list of { start, size }'],
    ['\nfinalised: true', "spec.yaml:2: finalised: no such key | did you mean 'finalized'?"],
    [
      'subtrees:\n  - kexec-metadata:\n      previous_release: 7.3\n      kexec_count: -1',
      'spec.yaml:3: subtrees[0].kexec-metadata.previous_release: 7.3: expected text (write it in quotes)\n' +
        'spec.yaml:4: subtrees[0].kexec-metadata.kexec_count: -1: expected a whole number from 0 to 4294967295',
    ],
    [
      'subtrees:\n  - kho_tset: {}',
      "spec.yaml:2: subtrees[0].kho_tset: no such key | did you mean 'kho_test'?",
    ],
    [
      'allow: [scratch-overlp]',
      /allow\[0\]: "scratch-overlp": expected the name of a check \| did you mean 'scratch-overlap'/,
    ],
    ['preserve:\n  - name: a', /preserve\[0\].*either order \(and count\) for folios, or size/],
    [
      'subtrees:\n  - raw: { name: x, content: { text: a, file: b } }',
      /one of: file, text, bytes, or seed with size/,
    ],
    ['patch: [{ addr: 0, bytes: xyz }]', /patch\[0\].bytes: "xyz": expected bytes in hex/],
    ['ram: [', /spec.yaml:\d: not YAML/],
    ['ram: 99999999999TiB', /expected a size such as 512MiB/],
    ['just words', /expected keys and values/],
  ])('%j', (text, expected) => {
    if (typeof expected === 'string') expect(message(text)).toBe(expected);
    else expect(message(text)).toMatch(expected);
  });

  it('does not follow aliases without end', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}\n`;
    expect(message(bomb)).toMatch(/alias/i);
  });

  it('from TypeScript has no file, and the same words', () => {
    const spec: Spec = { ram: 'lots' };
    expect(() => parseSpec(spec)).toThrow('ram: "lots": expected a size such as 512MiB');
  });
});
