import { describe, expect, it } from 'vitest';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { answersOf, disagreement } from './catalogue.ts';
import { KNOWN } from './catalogue-known.ts';

const CASES = loadCatalogue(FIXTURES_FOLDER);
const GROUPS = [...new Set(CASES.map(({ name }) => name.split('/')[0] ?? ''))];

// What released kernels made of each case was recorded (docs/outcomes.md): nothing boots here.
describe.each(GROUPS)('what verify says of each case of %s', (group) => {
  it('is what the recorded kernels did', () => {
    const wrong = CASES.filter(({ name }) => name.startsWith(`${group}/`)).flatMap((one) =>
      [...answersOf(one)].flatMap((answer) => {
        const text = disagreement(one, answer);
        const isKnown = KNOWN[one.name]?.includes(answer.key) ?? false;
        if (isKnown) return text === undefined ? [`${one.name} [${answer.key}] is mended: strike it`] : [];
        return text === undefined ? [] : [`${one.name} [${answer.key}] ${text}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the list of what verify gets wrong', () => {
  it('has cases of the catalogue', () => {
    const names = new Set(CASES.map(({ name }) => name));
    expect(Object.keys(KNOWN).filter((name) => !names.has(name))).toEqual([]);
  });
});
