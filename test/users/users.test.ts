import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judgeConsole } from '../../src/boot/verdict.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { PARTS, USER_KEYS, USERS } from '../../src/users/registry.ts';
import { facet, type User } from '../../src/users/user.ts';
import { FIXTURES, imageOf } from '../receive/verify-fixtures.ts';
import { EXAMPLES } from './examples.ts';

const userAt = (key: keyof typeof USERS): User => USERS[key];
const specWith = (key: keyof typeof USERS): Spec => ({
  target: { release: '7.3' },
  subtrees: [EXAMPLES[key]],
});
const imageWith = (key: keyof typeof USERS) => buildImage(specWith(key));

/** What can be missing; the compiler demands all of them, or a reason. */
const FACETS = ['node', 'decode', 'receive', 'lineage', 'respec', 'checks', 'console', 'abi'] as const;

describe.each(USER_KEYS)('the user %s', (key) => {
  const user = userAt(key);
  const of = (name: (typeof FACETS)[number]) => facet<object>(user[name]);

  it('has every facet, or a reason in words for having none', () => {
    expect(user.key).toBe(key);
    for (const name of FACETS) {
      const value = user[name];
      if (typeof value === 'object' && 'none' in value) expect(String(value.none)).toMatch(/\w+ \w+ \w+/);
      else expect(value).toBeTruthy();
    }
  });

  it('is found under its own name, if it has one, and then decoded, received and written back', () => {
    const named = of('node') !== undefined;
    expect([of('decode'), of('receive')].map((own) => own !== undefined)).toEqual([named, named]);
    if (named) expect(of('respec')).toBeDefined();
  });

  it('reports checks only when a kernel does something with it, and every one is in the docs', () => {
    const checks = Object.entries(facet(user.checks) ?? {});
    if (of('receive') === undefined) expect(checks).toEqual([]);
    else expect(checks).not.toEqual([]);
    const docs = readFileSync(new URL('../../docs/verify.md', import.meta.url), 'utf8');
    for (const [name, { severity, by, text }] of checks) {
      expect(docs).toContain(`| \`${name}\` | ${severity} | ${by} | ${text} |`);
    }
  });

  it('emits an example that is decoded without a problem and that the newest kernel takes', () => {
    const image = imageWith(key);
    expect(inspect(image).problems).toEqual([]);
    const { verdict, findings } = verifyImage(image);
    // Of some the kernel says nothing: that it found a handover is no proof that it used it.
    expect(['revived', 'ignored']).toContain(verdict);
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('comes back from an image in its own words, or else as bytes', () => {
    const image = imageWith(key);
    const inspection = inspect(image);
    const spec = specOf(image, inspection);
    expect(spec.subtrees?.map((entry) => Object.keys(entry))).toEqual([[of('respec') ? key : 'raw']]);
    expect(specDifferences(spec, image, inspection)).toEqual([]);
  });
});

/** What receiving kernels print of these images, as verify predicts it. */
function predictedLines(images: Iterable<[Image, string | undefined]>): string[] {
  return [...images].flatMap(([image, receiver]) => {
    const { console, findings } = verifyImage(image, receiver === undefined ? {} : { receiver });
    return [...console, ...findings.flatMap(({ kernel }) => kernel ?? [])];
  });
}

describe('what a kernel prints', () => {
  const refused = USER_KEYS.flatMap((key): [Image, string][] => {
    const name = facet(userAt(key).node) && inspect(imageWith(key)).subtrees[0]?.name;
    if (name === undefined) return [];
    const override = { [`root-fdt/${name}/preserved-data`]: null };
    return [[buildImage({ ...specWith(key), override }), '7.3']];
  });
  const lines = predictedLines([
    ...USER_KEYS.map((key): [Image, string] => [imageWith(key), '7.3']),
    ...refused,
    ...Object.values(FIXTURES).map((fixture): [Image, string | undefined] => [
      imageOf(fixture),
      fixture.receiver,
    ]),
  ]);
  const patterns = PARTS.flatMap(({ console }) => {
    const { proofs = [], refusals = [], failures = [] } = facet(console) ?? {};
    return [...proofs, ...refusals, ...failures];
  });

  it('is what verify predicts of some image, but for what the command line decides', () => {
    const unpredicted = patterns.filter(({ line }) => !lines.some((text) => line.test(text)));
    expect(unpredicted.map(({ line }) => line.source)).toEqual([
      "^Revived memory reservation '.*' from KHO",
      "^KHO reserve-mem '.*' has wrong (?:alignment|size)",
    ]);
  });

  it('gives the verdict that verify predicts', () => {
    const spec: Spec = { target: { release: '7.3' }, subtrees: USER_KEYS.map((key) => EXAMPLES[key]) };
    const { verdict, console } = verifyImage(buildImage(spec));
    expect(judgeConsole(console, { initrd: true })).toMatchObject({ verdict, refusals: [] });
  });
});
