import { oneLine, visibleDocument } from '../base/visible.ts';

/** One result for JUnit's XML, which CI systems read. */
export interface JunitTest {
  readonly name: string;
  readonly group: string;
  readonly failure?: string;
  readonly skip?: string;
  /** What it printed. */
  readonly output?: string;
}

/** A document of one test suite (the common part of what Jenkins, GitLab and GitHub's actions read). */
export function junit(suite: string, tests: readonly JunitTest[], seconds: number): string {
  const count = (key: 'failure' | 'skip') => tests.filter((test) => test[key] !== undefined).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite ${attributes({ name: suite, tests: tests.length, failures: count('failure'), skipped: count('skip'), time: seconds })}>`,
    ...tests.map(testCase),
    '</testsuite></testsuites>',
  ].join('\n');
}

function testCase({ name, group, failure, skip, output }: JunitTest): string {
  const parts = [
    skip === undefined ? '' : `<skipped ${attributes({ message: skip })}/>`,
    failure === undefined ? '' : `<failure ${attributes({ message: failure })}/>`,
    output === undefined ? '' : `<system-out>${escaped(output)}</system-out>`,
  ].join('');
  return `<testcase ${attributes({ name, classname: group })}>${parts}</testcase>`;
}

const attributes = (all: Readonly<Record<string, string | number>>): string =>
  Object.entries(all)
    .map(([key, value]) => `${key}="${escaped(oneLine(String(value))).replaceAll('"', '&quot;')}"`)
    .join(' ');

/** XML 1.0 has no characters for most controls, not even as references: they are written out as everywhere. */
const escaped = (text: string): string =>
  visibleDocument(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
