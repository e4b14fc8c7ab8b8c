import { describe, expect, it } from 'vitest';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { answersOf, disagreement } from './catalogue.ts';

const CASES = loadCatalogue(FIXTURES_FOLDER);
const GROUPS = [...new Set(CASES.map(({ name }) => name.split('/')[0] ?? ''))];

/** Answers of all that say that nobody can tell: what is wrong on purpose is so more often than what goes wrong. */
const MOST_UNCERTAIN = 1 / 12;
const certainty: boolean[] = [];

// What released kernels made of each case was recorded (docs/outcomes.md): nothing boots here.
describe.each(GROUPS)('what verify says of each case of %s', (group) => {
  it('is what the recorded kernels did', () => {
    const wrong = CASES.filter(({ name }) => name.startsWith(`${group}/`)).flatMap((one) =>
      [...answersOf(one)].flatMap((answer) => {
        certainty.push(answer.predicted.certain);
        const difference = disagreement(one, answer);
        return difference === undefined ? [] : [{ ...difference, case: `${one.name} [${answer.key}]` }];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

it('verify is certain of nearly all', () => {
  const uncertain = certainty.filter((certain) => !certain).length;
  expect(certainty.length).toBeGreaterThan(2900);
  expect(uncertain / certainty.length).toBeLessThan(MOST_UNCERTAIN);
});
