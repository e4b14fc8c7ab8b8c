import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bench, reportOf } from './parts.ts';

type Bench = ReturnType<typeof bench>;

/** Changes what a part kept: its lines, as data. */
function edit({ at }: Bench, part: string, change: (lines: string[]) => string[]): void {
  const file = at(`${part}/results.jsonl`);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, change(lines).join('\n'));
}

/** The same part with another head. */
function withHead(own: Bench, part: string, as: string, from: string | RegExp, to: string): void {
  cpSync(own.at(part), own.at(as), { recursive: true });
  edit(own, as, ([head = '', ...rest]) => [head.replace(from, to), ...rest]);
}

describe('khoforge merge, of parts of a suite', () => {
  it('reports the cases that a filter left, and what could not be asked, as the whole does', () => {
    const own = bench();
    const { at, suite, merge } = own;
    const needs = readFileSync(at('fixtures/a.yaml'), 'utf8').replace('good }', 'good, user: [panic x] }');
    writeFileSync(at('fixtures/a.yaml'), needs.replace('panic x', 'luo vm0 1'));
    const words = ['--filter', 'a', '--filter', 'b', '--cc', '/nonexistent/cc'];
    for (const part of ['1/2', '2/2']) suite('--shard', part, ...words, '-o', at(part.replace('/', '-')));
    const merged = merge(at('1-2'), at('2-2'), '--fixtures', at('fixtures'), '-o', at('all'), '--json');
    const whole = suite(...words, '--json');
    expect(reportOf(merged)).toEqual(reportOf(whole));
    expect(merged.code).toBe(whole.code);
    expect(reportOf(merged).totals).toMatchObject({ skipped: 1, revives: 1 });
    suite('--shard', '2/2', '-o', at('other'));
    expect(merge(at('1-2'), at('other'), '-o', at('all')).stderr).toContain(
      "is of another filter: '', the other of 'a b'",
    );
  });

  it('takes a part that was done twice once, and what came to two ends for flaky', () => {
    const own = bench();
    const { at, suite, merge } = own;
    suite('-o', at('one'));
    cpSync(at('one'), at('two'), { recursive: true });
    edit(own, 'two', (lines) => [
      ...lines.map((line) => (line.includes('"name":"a"') ? line.replace(':"revives"', ':"dies"') : line)),
      '{"name":"b"',
    ]);
    const merged = merge(at('one'), at('two'), '--fixtures', at('fixtures'), '-o', at('all'), '--json');
    const { results } = reportOf(merged);
    expect(results.map((one) => Reflect.get(one, 'outcome').flaky)).toEqual([
      ['dies'],
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('refuses what is no whole, by name', () => {
    const own = bench();
    const { at, suite, merge } = own;
    suite('--shard', '1/2', '-o', at('one'));
    withHead(own, 'one', 'split', '"1/2"', '"2/3"');
    withHead(own, 'one', 'release', '"release":"7.3"', '"release":"7.2"');
    withHead(own, 'one', 'older', /"khoforge":"[^"]*"/, '"khoforge":"0.0.1"');
    withHead(own, 'one', 'schema', '"version":1', '"version":2');
    withHead(own, 'one', 'shards', '"1/2"', '"3/2"');
    mkdirSync(at('folder/results.jsonl'), { recursive: true });
    const wrong = (...words: string[]) => merge(at('one'), ...words).stderr;
    expect(wrong(at('split'), '-o', at('all'))).toContain(
      `${at('split')} is of another split: 2/3, the other of 1/2, in ${at('one')}`,
    );
    expect(wrong(at('release'), '-o', at('all'))).toContain(
      "is of another release: '7.2', the other of '7.3'",
    );
    expect(wrong(at('older'), '-o', at('all'))).toContain("is of another khoforge: '0.0.1', the other of '");
    for (const name of ['schema', 'shards', 'folder'])
      expect(wrong(at(name), '-o', at('all'))).toContain(`${at(name)} is not of a run of suite or fuzz`);
    expect(wrong('-o', `${at('one')}/../one/`)).toContain('one/ is one of the parts');
    expect(existsSync(at('all'))).toBe(false);
    expect(suite('--shard', '2/2', '-o', at('one'), '--resume').stderr).toContain(
      `${at('one')} is of --shard 1/2, and not of 2/2`,
    );
  });
});

describe('khoforge merge, of parts of a fuzz', () => {
  const open = { code: 1, stdout: expect.stringContaining('it came to no end') };

  it('knows a whole only where each part came to its end', () => {
    const own = bench();
    const { at, fuzz, merge } = own;
    for (const part of ['1/3', '2/3', '3/3']) fuzz('--shard', part, '-o', at(part.replace('/', '-')));
    const whole = reportOf(fuzz('--json'));
    cpSync(at('2-3'), at('killed'), { recursive: true });
    edit(own, 'killed', (lines) => [...lines.slice(0, 3), '{"run":7,"ki']);
    const killed = merge(at('1-3'), at('killed'), at('3-3'), '-o', at('all'));
    expect(killed).toMatchObject(open);
    expect(killed.stderr).toBe('note: came to no end: 2/3\n');
    const again = merge(at('killed'), at('1-3'), at('2-3'), at('3-3'), '-o', at('all'), '--json');
    expect(reportOf(again)).toEqual(whole);
    // Parts of parts.
    merge(at('1-3'), at('2-3'), '-o', at('two'));
    expect(reportOf(merge(at('two'), at('3-3'), '-o', at('all'), '--json'))).toEqual(whole);
    expect(fuzz('--shard', '2/3', '-o', at('killed'), '--resume', '--count', '5').code).toBe(1);
    const other = merge(at('1-3'), at('killed'), at('3-3'), '-o', at('all'));
    expect(other).toMatchObject(open);
    expect(other.stderr).toBe('note: of other --count: 1/3 of 14, 2/3 of 5, 3/3 of 14\n');
  });

  it('goes nowhere that a part leads it, and leaves nothing of an older run', () => {
    const own = bench();
    const { at, fuzz, merge } = own;
    fuzz('-o', at('one'));
    const [first] = reportOf(merge(at('one'), '-o', at('all'), '--json')).groups;
    const name = String(Reflect.get(first ?? {}, 'name'));
    mkdirSync(at('one/findings/out'), { recursive: true });
    writeFileSync(at('one/findings/out/spec.yaml'), 'x');
    edit(own, 'one', (lines) => [
      ...lines.filter((line) => !line.includes(`"${name}"`)),
      ...lines.filter((line) => line.includes('"finding"')).map((line) => line.replace(name, '../../out')),
    ]);
    rmSync(at('one/findings'), { recursive: true });
    const merged = merge(at('one'), '-o', at('all'), '--json');
    expect(merged.stderr).toBe('');
    expect(reportOf(merged).groups.map((group) => Reflect.get(group, 'name'))).not.toContain(name);
    expect(existsSync(at('out'))).toBe(false);
    expect(existsSync(at(`all/findings/${name}`))).toBe(false);
  });
});
