import { describe, expect, it } from 'vitest';
import { ARCHES, PAGE_SIZES } from '../../src/abi/arch.ts';
import { makeTarget } from '../../src/abi/target.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { type Case, FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { isSame } from '../../src/suite/compare.ts';
import type { SuiteKernel } from '../../src/suite/kernel.ts';
import { caseImage, whyNot } from '../../src/suite/run-case.ts';
import { VERIFY_CHECKS } from '../../src/users/registry.ts';

const CASES = loadCatalogue(FIXTURES_FOLDER);

/** What each case may be asked of: its machine alone, without the kernel itself. */
const KERNELS: readonly SuiteKernel[] = ARCHES.flatMap((arch) =>
  PAGE_SIZES[arch].flatMap((pageSize) =>
    RECEIVERS.map((release) => ({
      arch,
      pageSize,
      release,
      version: release,
      bytes: new Uint8Array(),
      target: makeTarget({ release, arch, pageSize }),
    })),
  ),
);

const kernelsFor = (one: Case) => KERNELS.filter((kernel) => whyNot(one, kernel) === undefined);

/** What only a source can break that tells less of a machine than a spec does. */
const NO_SPEC: Readonly<Record<string, string>> = {
  'fdt-alone': 'a root FDT in a file of its own',
  'ram-guessed': 'a dump that does not tell RAM',
  'ram-unknown': 'an image that does not tell RAM',
  'memory-absent': 'a dump without the pages of others',
  'dump-truncated': 'a dump that was cut short',
  'kho-test-contents': 'a capture without contents',
};

describe('the catalogue', () => {
  it('has cases enough, in groups, with names of small letters', () => {
    expect(CASES.length).toBeGreaterThanOrEqual(300);
    expect(CASES.filter(({ name }) => !/^[a-z-]+\/[a-z0-9.-]+$/.test(name))).toEqual([]);
  });

  it('says of each case something that it says of no other', () => {
    const abouts = CASES.map(({ text }) => text.about);
    expect(abouts.filter((about, i) => abouts.indexOf(about) !== i)).toEqual([]);
    const sentences = CASES.flatMap(({ text }) => [text.about, text.why]);
    expect(sentences.filter((sentence) => !/^\S.*\.$/.test(sentence))).toEqual([]);
  });

  it('has user space only where the command line has what it needs', () => {
    const without = CASES.filter(
      ({ text }) =>
        text.user?.some((line) => /^(?:luo|preserve) /.test(line)) &&
        !text.cmdline?.includes('liveupdate=on'),
    );
    expect(without.map(({ name }) => name)).toEqual(['luo/liveupdate-off']);
  });

  it('shows each known bug of receivers on both sides of what ends it', () => {
    const known = CASES.filter(({ text }) => text.bug);
    const alike = known.filter(({ text: { bug, outcomes = {} } }) => {
      const [before, after] = [outcomes[bug?.before ?? ''], outcomes[bug?.after ?? '']];
      return !before || !after || before.flaky || after.flaky || isSame(before, after);
    });
    // That one has no edit yet: only a kernel with the module that tests it shows it.
    expect(alike.map(({ name }) => name)).toEqual(['luo-flb/kernels-own-missing']);
  });
});

const GROUPS = [...new Set(CASES.map(({ name }) => name.split('/')[0] ?? ''))];

describe.each(GROUPS)('each case of %s', (group) => {
  const cases = CASES.filter(({ name }) => name.startsWith(`${group}/`));

  it('is for some kernel', () => {
    expect(cases.filter((one) => kernelsFor(one).length === 0)).toEqual([]);
  });

  it('can be built for every kernel that it is for, and allows nothing that none of them breaks', () => {
    for (const one of cases) {
      const unused = kernelsFor(one).map((kernel) => new Set(caseImage(one, kernel).unusedAllows));
      const idle = one.loaded.spec.allow?.filter((check) => unused.every((set) => set.has(check)));
      expect({ name: one.name, idle: idle ?? [] }).toEqual({ name: one.name, idle: [] });
    }
  });
});

describe('each check of verify', () => {
  it('is broken by a case, or by no spec at all', () => {
    const broken = CASES.flatMap((one) =>
      [...new Set([kernelsFor(one)[0], kernelsFor(one).at(-1)])]
        .filter((kernel) => kernel !== undefined)
        .flatMap((kernel) => verifyImage(caseImage(one, kernel), { receiver: kernel.release }).findings),
    );
    const seen = new Set(broken.map(({ check }) => check));
    expect(Object.keys(VERIFY_CHECKS).filter((check) => !seen.has(check))).toEqual(
      Object.keys(VERIFY_CHECKS).filter((check) => check in NO_SPEC),
    );
  });
});
