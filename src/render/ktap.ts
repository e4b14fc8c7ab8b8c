/** One result for KTAP (Documentation/dev-tools/ktap.rst, 7.3). */
export interface KtapTest {
  readonly name: string;
  readonly ok: boolean;
  /** Why it was not run. A skipped test is no failure. */
  readonly skip?: string;
  /** Lines for people, printed before the result. */
  readonly diagnostics?: readonly string[];
  /** Tests that this one is made of; it fails when one of them fails, whatever its own `ok` says. */
  readonly subtests?: readonly KtapTest[];
}

/** The lines of a complete KTAP document, as `tools/testing/kunit/kunit.py parse` and kselftest read it. */
export function ktap(tests: readonly KtapTest[]): string[] {
  return level(tests, '');
}

function level(tests: readonly KtapTest[], indent: string): string[] {
  const skipped = tests.length === 0 ? '1..0 # SKIP nothing to test' : `1..${tests.length}`;
  const head = ['KTAP version 1', skipped].map((line) => indent + line);
  return [...head, ...tests.flatMap((test, i) => result(test, i + 1, indent))];
}

function result(test: KtapTest, number: number, indent: string): string[] {
  const subtests = test.subtests ? level(test.subtests, `${indent}  `) : [];
  const skip = test.skip === undefined ? '' : ` # SKIP ${description(test.skip)}`.trimEnd();
  const word = passes(test) ? 'ok' : 'not ok';
  return [
    ...subtests,
    ...(test.diagnostics ?? []).map((line) => `${indent}# ${line.trimEnd()}`),
    `${indent}${word} ${number} - ${description(test.name) || 'unnamed'}${skip}`,
  ];
}

function passes(test: KtapTest): boolean {
  const own = test.ok || test.skip !== undefined;
  return own && (test.subtests ?? []).every(passes);
}

/** One line; `#` would begin a directive there. */
function description(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('#', '%').trim();
}
