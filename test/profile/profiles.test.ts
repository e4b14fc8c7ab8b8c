import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RELEASES } from '../../src/abi/declared.ts';
import {
  knownProfile,
  PROFILES_FOLDER,
  type Profile,
  profilePath,
  readProfile,
} from '../../src/abi/profile.ts';
import { checkExitCode, checkProfile, releaseFor } from '../../src/profile/check.ts';
import { profileText } from '../../src/profile/file.ts';
import { COMBINATIONS } from '../../src/profile/source.ts';

const files = RELEASES.flatMap((release) =>
  COMBINATIONS.map(({ arch, pageSize }) => [release, arch, pageSize] as const),
);

function known(...[release, arch, pageSize]: (typeof files)[number]): Profile {
  const profile = knownProfile(release, arch, pageSize);
  if (profile === undefined) throw new Error(`no profile of ${release} ${arch} ${pageSize}`);
  return profile;
}

describe('the profiles that come with khoforge', () => {
  it('are there for every release, and no others', () => {
    const names = readdirSync(PROFILES_FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    const expected = files.map((file) => profilePath(...file).slice(PROFILES_FOLDER.length));
    expect(names.toSorted()).toEqual(expected.toSorted());
  });

  it.each(files)('%s %s %i: is what khoforge has', (...file) => {
    const profile = known(...file);
    const results = checkProfile(profile);
    // 7.0 is taken from text that does not tell everything.
    const allowed = profile.obtained === 'text' ? ['match', 'absent'] : ['match'];
    expect(results.filter(({ status }) => !allowed.includes(status))).toEqual([]);
    expect(results.filter(({ status }) => status === 'match').length).toBe(profile.items.length);
    expect(checkExitCode(results)).toBe(0);
  });

  it.each(files)('%s %s %i: tells where it is from', (...file) => {
    const [release, arch, pageSize] = file;
    const profile = known(...file);
    expect(profile).toMatchObject({ release, arch, pageSize, problems: [] });
    expect(profile.source).not.toBe('');
    if (release === '7.0') expect(profile.obtained).toBe('text');
    else {
      expect(profile.obtained).toBe('shim');
      expect(profile.compiler).not.toBe('');
      const read = new Set(profile.items.map(({ header }) => header));
      for (const header of read) expect(profile.headers[header]).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it.each(files)('%s %s %i: reads and writes as the same bytes', (...file) => {
    expect(profileText(known(...file))).toBe(readFileSync(profilePath(...file), 'utf8'));
  });

  it.each([
    [12, 6],
    [14, 4],
    [16, 4],
  ])("7.0's tree depth with a page shift of %i is %i: no bit for the order", (shift, depth) => {
    const size = (2 ** shift) as 4096 | 16384 | 65536;
    const value = known('7.0', 'arm64', size).items.find(({ name }) => name === 'KHO_TREE_MAX_DEPTH')?.value;
    expect(value).toBe(depth);
    expect(value).toBe(Math.ceil((64 - shift - (shift + 3)) / (shift - 3)) + 1);
  });
});

describe('checkProfile', () => {
  const profile = known('7.3', 'x86_64', 4096);

  it('names each item that is not the same', () => {
    const items = profile.items.map((item) =>
      item.name === 'kho_vmalloc.order' ? { ...item, offset: 16 } : item,
    );
    const results = checkProfile({ ...profile, items });
    expect(results.filter(({ status }) => status !== 'match')).toEqual([
      expect.objectContaining({
        item: 'kho_vmalloc.order',
        status: 'mismatch',
        expected: { offset: 14, size: 2 },
        actual: { offset: 16, size: 2 },
      }),
    ]);
    expect(checkExitCode(results)).toBe(1);
  });

  it('tells absent, unknown and unchecked apart', () => {
    const [first, ...items] = profile.items;
    if (first === undefined) throw new Error('empty profile');
    const other = { kind: 'macro', name: 'NEW', header: 'h', value: 1 } as const;
    const problem = { kind: 'macro', name: first.name, header: 'h', reason: 'why' } as const;
    const statusOf = (changed: Partial<Profile>, name: string) => {
      const results = checkProfile({ ...profile, ...changed });
      return [results.find(({ item }) => item === name)?.status, checkExitCode(results)];
    };
    expect(statusOf({ items }, first.name)).toEqual(['absent', 0]);
    expect(statusOf({ items: [first, ...items, other] }, 'NEW')).toEqual(['unknown', 1]);
    expect(statusOf({ items, problems: [problem] }, first.name)).toEqual(['could-not-check', 3]);
    expect(checkExitCode(checkProfile({ ...profile, items: [] }))).toBe(4);
    expect(checkExitCode([])).toBe(4);
  });

  it('takes the newest release with the same string for one that it does not know', () => {
    expect(releaseFor({ ...profile, release: '7.9' })).toBe('7.3');
    expect(releaseFor({ ...known('7.1', 'x86_64', 4096), release: '7.9' })).toBe('7.1');
    expect(releaseFor({ ...profile, release: '9.0', items: [] })).toBe('7.3');
  });
});

describe('readProfile', () => {
  it.each([
    [join(PROFILES_FOLDER, 'none.json'), 'FILE_UNREADABLE'],
    ['package.json', 'PROFILE_INVALID'],
    ['README.md', 'PROFILE_INVALID'],
  ])('refuses %s', (path, code) => {
    expect(() => readProfile(path)).toThrow(expect.objectContaining({ code }));
  });
});
