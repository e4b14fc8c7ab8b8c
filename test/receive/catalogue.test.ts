import { describe, expect, it } from 'vitest';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { answersOf, disagreement } from './catalogue.ts';

const CASES = loadCatalogue(FIXTURES_FOLDER);
const GROUPS = [...new Set(CASES.map(({ name }) => name.split('/')[0] ?? ''))];

// What released kernels made of each case was recorded (docs/outcomes.md): nothing boots here.
describe.each(GROUPS)('what verify says of each case of %s', (group) => {
  it('is what the recorded kernels did', () => {
    const wrong = CASES.filter(({ name }) => name.startsWith(`${group}/`)).flatMap((one) =>
      [...answersOf(one)].flatMap((answer) => {
        const difference = disagreement(one, answer);
        return difference === undefined ? [] : [{ ...difference, case: `${one.name} [${answer.key}]` }];
      }),
    );
    expect(wrong).toEqual([]);
  });
});
