import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../../src/', import.meta.url);
const FILES = new Map(
  ['kernel', 'receive', 'users'].flatMap((folder) =>
    readdirSync(new URL(folder, SRC), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => new URL(`${folder}/${name}`, SRC).href)
      .map((href) => [href, readFileSync(new URL(href), 'utf8')]),
  ),
);

/** A generator, or what makes an event. */
const MAKER =
  /function\* (\w+)|^ {2}\*(#?\w+)[(<]|(?:const|function) (\w+)[^;{]*?: (?:Finding|Line)Event|const (report) =/gm;
const makers = (text: string) =>
  [...text.matchAll(MAKER)].flatMap(([, ...names]) => names.filter((name) => name !== undefined));

/** Those that a file has by itself, and those that it imports. */
function inReach(href: string, text: string): string[] {
  const imported = [...text.matchAll(/import (?:type )?\{([^}]*)\} from '(\.[^']*)'/g)].flatMap(
    ([, list = '', path = '']) => {
      const theirs = makers(FILES.get(new URL(path, href).href) ?? '');
      return list.split(',').flatMap((name) => theirs.filter((one) => one === name.trim()));
    },
  );
  return [...makers(text), ...imported];
}

/** Statements that are nothing but such a call: a generator that is not run, an event that nobody gets. */
function lost([href, text]: [string, string]): string[] {
  const names = inReach(href, text);
  const call = new RegExp(`^ +(?:this\\.)?(?:${names.join('|')})\\((?!.*[{>]$)`);
  return names.length === 0 ? [] : text.split('\n').filter((line) => call.test(line));
}

describe('what happens in a stage', () => {
  it('is found in the source', () => {
    const all = [...FILES].flatMap(([href, text]) => inReach(href, text));
    expect(all).toEqual(expect.arrayContaining(['readRootFdt', '#files', 'run', 'report', 'log', 'refusal']));
  });

  it('gets lost nowhere, which would be no error to the compiler', () => {
    expect([...FILES].flatMap(lost)).toEqual([]);
  });

  it('would be seen to get lost', () => {
    const [href] = [...FILES.keys()].filter((name) => name.endsWith('kernel/memory-map.ts'));
    const text = FILES.get(href ?? '') ?? '';
    const broken = text.replace('yield* checkRanges(', 'checkRanges(').replace('yield report(', 'report(');
    expect(lost([href ?? '', broken])).toHaveLength(2);
  });
});
