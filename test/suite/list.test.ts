import { describe, expect, it } from 'vitest';
import { listMarkdown } from '../../src/render/suite-list.ts';
import type { Outcome } from '../../src/specfile/case-schema.ts';
import type { Case } from '../../src/suite/catalogue.ts';

const outcome = (kernel: string, fate: Outcome['fate'], own: Partial<Outcome> = {}): Outcome => ({
  ...{ kernel, fate, verdict: 'revived', reason: '', lines: [] },
  ...own,
});

const one = (name: string, handover: 'good' | 'bad', outcomes?: Record<string, Outcome>): Case => ({
  name,
  file: `${name}.yaml`,
  text: { about: `What | ${name} is.`, why: '', handover, ...(outcomes && { outcomes }) },
  loaded: { spec: {}, baseDir: '', locate: (error) => error },
});

describe('the recorded outcomes as tables', () => {
  it('have a sum for each kernel, the usual architecture first, and a row for each case', () => {
    const cases = [
      one('a/x', 'bad', {
        '7.3 arm64 16K': outcome('7.3.4', 'dies'),
        '7.3': outcome('7.3.4', 'warns', { flaky: ['dies'] }),
        '6.18': outcome('6.18.15', 'dies', { lines: [`Oops of ${'0123456789abcdef'.repeat(4)}`] }),
      }),
      one('a/y', 'good', { '7.3': outcome('7.3.4', 'revives') }),
      one('b/z', 'good'),
    ];
    const [first] = cases;
    const withBug = first && {
      ...first,
      text: { ...first.text, bug: { about: 'It hangs.', fixed: 'abc, 7.3', before: '6.18', after: '7.3' } },
    };
    expect(
      listMarkdown(withBug ? [withBug] : [])
        .split('\n')
        .slice(5, 11),
    ).toEqual([
      '',
      '## Known bugs of receivers',
      '',
      '| Case | What goes wrong | Ended by | Before | After | Before it said | After it says |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| a/x | It hangs. | abc, 7.3 | 6.18: dies | 7.3: warns (flaky) | `Oops of 0123456789ab…cdef` |  |',
    ]);
    expect(listMarkdown(cases).split('\n')).toEqual([
      '| Kernel | Version | Cases | revives | refuses | ignores | warns | dies | of them flaky |',
      '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| 6.18 | 6.18.15 | 1 | 0 | 0 | 0 | 0 | 1 | 0 |',
      '| 7.3 | 7.3.4 | 2 | 1 | 0 | 0 | 1 | 0 | 1 |',
      '| 7.3 arm64 16K | 7.3.4 | 1 | 0 | 0 | 0 | 0 | 1 | 0 |',
      '',
      '## a',
      '',
      '| Case | What is handed over | 6.18 | 7.3 | 7.3 arm64 16K |',
      '| --- | --- | --- | --- | --- |',
      '| x | What \\| a/x is. | dies | warns (flaky) | dies |',
      '| y | **good**: What \\| a/y is. |  | revives |  |',
      '',
      '## b',
      '',
      '| Case | What is handed over | 6.18 | 7.3 | 7.3 arm64 16K |',
      '| --- | --- | --- | --- | --- |',
      '| z | **good**: What \\| b/z is. |  |  |  |',
    ]);
  });

  it('have no column for a kernel of which nothing but bugs is recorded', () => {
    const bug = one('a/x', 'bad', {
      '7.3': outcome('7.3.4', 'dies'),
      '7.3 mended': outcome('7.3.4', 'refuses'),
    });
    const text = listMarkdown([
      { ...bug, text: { ...bug.text, bug: { about: 'It hangs.', before: '7.3', after: '7.3 mended' } } },
      one('a/y', 'good', { '7.3': outcome('7.3.4', 'revives') }),
    ]);
    expect(text).toContain('| 7.3 mended | 7.3.4 | 1 |');
    expect(text).toContain('| a/x | It hangs. |  | 7.3: dies | 7.3 mended: refuses |');
    expect(text).toContain('| Case | What is handed over | 7.3 |\n');
  });
});
