import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/emit/checks.ts';
import { RECEIVERS, receiverOf } from '../../src/kernel/receivers.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { severityOverrides } from '../../src/receive/severity.ts';
import { type VerifyOptions, verifyImage } from '../../src/receive/verify.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { VERIFY_CHECKS } from '../../src/users/registry.ts';
import { FIXTURES, good, imageOf, isFixture } from './verify-fixtures.ts';

const NAMES = Object.keys(VERIFY_CHECKS).filter(isFixture);
const optionsOf = ({ receiver }: { receiver?: string }): VerifyOptions =>
  receiver === undefined ? {} : { receiver };
const verify = (spec: Spec, receiver?: string) =>
  verifyImage(buildImage(spec), receiver === undefined ? {} : { receiver });

describe('a good image', () => {
  it('gives no finding, and what the kernel will print', () => {
    expect(verifyImage(buildImage(good))).toEqual({
      receiver: '7.3',
      verdict: 'revived',
      certain: true,
      findings: [],
      console: [
        'KHO: found kexec handover data.',
        'KHO: exec from: 6.19.0 (count 41)',
        'test_kho: KHO restore succeeded',
      ],
      ends: 'boots',
    });
  });

  it.each(RECEIVERS)('of %s is revived there', (release) => {
    const result = verify({ target: { release }, subtrees: [{ kho_test: { seed: 1 } }] });
    expect(result).toMatchObject({
      receiver: RECEIVERS.at(release === '7.2' ? -1 : RECEIVERS.indexOf(release)),
      verdict: 'revived',
      findings: [],
    });
    expect(result.console.at(-1)).toBe('test_kho: KHO restore succeeded');
  });

  it.each([4096, 16384, 65536] as const)('of arm64 with pages of %i bytes', (page_size) => {
    const result = verify({
      target: { release: '7.3', arch: 'arm64', page_size },
      ram: '4GiB',
      scratch: [{ size: '512MiB' }],
      subtrees: good.subtrees ?? [],
    });
    expect(result).toMatchObject({ verdict: 'revived', findings: [] });
  });
});

describe('each check', () => {
  it('has a fixture', () => {
    expect(Object.keys(FIXTURES).sort()).toEqual(Object.keys(VERIFY_CHECKS).sort());
  });

  it.each(NAMES)('%s is triggered by its fixture', (name) => {
    const fixture = FIXTURES[name];
    const result = verifyImage(imageOf(fixture), optionsOf(fixture));
    expect({ checks: result.findings.map(({ check }) => check), verdict: result.verdict }).toEqual({
      checks: expect.arrayContaining([name]),
      verdict: fixture.verdict,
    });
    const own = result.findings.find(({ check }) => check === name);
    expect(own).toMatchObject({ severity: VERIFY_CHECKS[name]?.severity, where: expect.stringMatching(/./) });
  });

  it('is in docs/verify.md with its severity and its meaning, and nothing else is', () => {
    const docs = readFileSync(new URL('../../docs/verify.md', import.meta.url), 'utf8');
    const [, checks = ''] = docs.split('## Checks');
    const rows = checks.split('\n').filter((line) => /^\| `/.test(line));
    const expected = Object.entries(VERIFY_CHECKS).map(
      ([name, { severity, by, text }]) => `| \`${name}\` | ${severity} | ${by} | ${text} |`,
    );
    expect(rows).toEqual(expected);
  });

  it('means what the producer means by the same name', () => {
    const shared = NAMES.filter((name) => name in CHECKS);
    expect(shared).toEqual([
      'fdt-duplicate-node',
      'scratch-alignment',
      'scratch-outside-ram',
      'scratch-overlap-scratch',
      'scratch-overlap',
      'outside-ram',
      'first-megabyte',
      'range-order',
      'folio-order',
      'subtree-size',
      'subtree-unknown',
    ]);
  });
});

describe('severity overrides', () => {
  const { spec } = FIXTURES['subtree-unknown'];

  it('can be promoted and demoted by name', () => {
    const result = verifyImage(buildImage(spec), {
      severity: severityOverrides({ error: ['subtree-unknown'] }),
    });
    expect(result.findings).toMatchObject([{ check: 'subtree-unknown', severity: 'error' }]);
    expect(result.verdict).toBe('revived');
  });

  it('take the highest of two, and no unknown name', () => {
    expect(severityOverrides({ note: ['map-empty'], error: ['map-empty'] }).get('map-empty')).toBe('error');
    expect(() => severityOverrides({ note: ['map-emtpy'] })).toThrowError("there is no check 'map-emtpy'");
  });
});

describe('the same image before different receivers', () => {
  const linesOf = (spec: Spec, receiver: string) => verify(spec, receiver).console;
  const v1: Spec = { target: { release: '6.19' }, subtrees: [{ kho_test: { seed: 1, max_mem: '64KiB' } }] };

  it.each([
    [
      '6.18',
      [
        "KHO: setup: handover FDT (0x200000) is incompatible with 'kho-v1': 1",
        'KHO: disabling KHO revival: -22',
      ],
    ],
    [
      '6.19',
      [
        "KHO: setup: handover FDT (0x200000) is incompatible with 'kho-v1': 1",
        'KHO: disabling KHO revival: -22',
      ],
    ],
    [
      '7.1',
      ["KHO: setup: handover FDT (0x200000) is incompatible with 'kho-v3': 1", 'KHO: disabling KHO revival'],
    ],
  ])('%s refuses an image of 7.3 in its own words', (receiver, lines) => {
    expect(linesOf(good, receiver)).toEqual(lines);
  });

  it('that was not finalized: 6.18 goes on without a map, 6.19 refuses with a number, 7.3 without', () => {
    const unfinished: Spec = { ...v1, finalized: false };
    expect(linesOf(unfinished, '6.19')).toEqual(['KHO: disabling KHO revival: -2']);
    expect(linesOf({ ...good, finalized: false }, '7.3')).toEqual(['KHO: disabling KHO revival']);
    expect(verify(unfinished, '6.18')).toMatchObject({
      verdict: 'broken',
      certain: true,
      console: [
        'KHO: found kexec handover data. Will skip init for some devices',
        'kho_restore_page+0x',
        'KHO: failed to restore folio for KHO fdt',
      ],
    });
  });

  it('whose FDT blocks are not aligned: read to 6.19, refused from 7.1 on', () => {
    const misaligned = { override: { 'root-fdt/header/off_mem_rsvmap': 44 } };
    expect(verify({ ...v1, ...misaligned }, '6.19').findings).toMatchObject([
      { check: 'fdt-header-alignment', kernel: null },
    ]);
    expect(verify({ ...v1, ...misaligned }, '6.19').verdict).toBe('revived');
    expect(verify({ ...good, ...misaligned }, '7.3').findings).toMatchObject([
      {
        check: 'fdt-header-alignment',
        kernel: 'KHO: setup: handover FDT (0x200000) is invalid: -19',
        errno: '-EINVAL',
      },
    ]);
  });

  it('whose receiver nobody knows', () => {
    expect(() => verify(good, '5.10')).toThrowError("no receiver '5.10'");
    expect(receiverOf('kho-v4').release).toBe('7.3');
    expect(receiverOf('7.1.13').release).toBe('7.1');
  });
});

describe('many findings', () => {
  it('of one check are cut short, and counted', () => {
    const places = Array.from({ length: 30 }, (_, i) => 0x8000000 + i * 0x2000);
    const preserve = places.map((addr, i) => ({ name: `p${i}`, order: 0, addr }));
    const result = verify({
      ...good,
      preserve: preserve.flatMap((entry) => [entry, { ...entry, name: `${entry.name}x`, order: 1 }]),
      allow: ['placement-overlap'],
    });
    const own = result.findings.filter(({ check }) => check === 'preserved-twice');
    expect(own).toHaveLength(21);
    expect(own.at(-1)?.text).toBe('and 10 more');
  });
});
