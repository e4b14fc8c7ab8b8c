import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine } from '../../src/base/visible.ts';
import { type KtapTest, ktap } from '../../src/render/ktap.ts';

describe('ktap', () => {
  it('is the document of Documentation/dev-tools/ktap.rst: version, plan, diagnostics before results', () => {
    const lines = ktap([
      { name: 'verdict revived', ok: true, diagnostics: ['2 proofs'] },
      { name: 'line # two\nlines', ok: false, diagnostics: ['expected a', 'and b # c'] },
      { name: 'kvm', ok: true, skip: 'no /dev/kvm' },
    ]);
    expect(lines).toEqual([
      'KTAP version 1',
      '1..3',
      '# 2 proofs',
      'ok 1 - verdict revived',
      '# expected a',
      '# and b # c',
      'not ok 2 - line % two lines',
      'ok 3 - kvm # SKIP no /dev/kvm',
    ]);
  });

  it('nests subtests two spaces deep, before the result they decide', () => {
    const lines = ktap([
      {
        name: 'outer',
        ok: true,
        subtests: [
          { name: 'a', ok: true },
          { name: 'b', ok: false },
        ],
      },
    ]);
    expect(lines).toEqual([
      'KTAP version 1',
      '1..1',
      '  KTAP version 1',
      '  1..2',
      '  ok 1 - a',
      '  not ok 2 - b',
      'not ok 1 - outer',
    ]);
  });

  it('says that nothing was tested', () => {
    expect(ktap([])).toEqual(['KTAP version 1', '1..0 # SKIP nothing to test']);
  });

  it('keeps the rules whatever the texts are', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '#', ' ', '\n', '\r', 'ok 1', '1..', 'é') });
    const plain = fc.record(
      { name: text, ok: fc.boolean(), skip: text, diagnostics: fc.array(text, { maxLength: 3 }) },
      { requiredKeys: ['name', 'ok'] },
    );
    const nested = fc.record(
      { name: text, ok: fc.boolean(), subtests: fc.array(plain, { maxLength: 3 }) },
      { requiredKeys: ['name', 'ok'] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(plain, nested), { maxLength: 5 }), (tests) => {
        const lines = ktap(tests).map(oneLine);
        expect(parse(lines, '')).toEqual(tests.map(passed));
        expect(lines).toEqual([]);
      }),
    );
  });
});

const passed = (test: KtapTest): boolean =>
  (test.ok || test.skip !== undefined) && (test.subtests ?? []).every(passed);

/** Reads one level by the rules of ktap.rst, strictly; takes its lines off the list. */
function parse(lines: string[], indent: string): boolean[] {
  const take = (pattern: RegExp): RegExpExecArray => {
    const line = lines.shift() ?? '';
    const match = line.startsWith(indent) ? pattern.exec(line.slice(indent.length)) : null;
    if (!match) throw new Error(`expected ${pattern} at ${JSON.stringify(line)}`);
    return match;
  };
  take(/^KTAP version 1$/);
  const count = Number(take(/^1\.\.(\d+)(?: # SKIP \S.*)?$/)[1]);
  return Array.from({ length: count }, (_, i) => {
    const subtests = lines[0]?.startsWith(`${indent}  KTAP`) ? parse(lines, `${indent}  `) : [];
    while (lines[0]?.startsWith(`${indent}#`)) lines.shift();
    const [, not, number, , directive] = take(
      /^(not )?ok (\d+) - ([^#]*?)(?:(?:^| )# (SKIP|XFAIL|TIMEOUT|ERROR)(?: [^#]*)?)?$/,
    );
    expect(Number(number)).toBe(i + 1);
    expect(directive === undefined || not === undefined).toBe(true);
    expect(subtests.every((ok) => ok) || not !== undefined).toBe(true);
    return not === undefined;
  });
}
