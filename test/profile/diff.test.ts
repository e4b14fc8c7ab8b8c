import { describe, expect, it } from 'vitest';
import { type Item, knownProfile, type Profile } from '../../src/abi/profile.ts';
import { type Change, diffExitCode, diffProfiles } from '../../src/profile/diff.ts';

function known(release: string): Profile {
  const profile = knownProfile(release, 'x86_64', 4096);
  if (profile === undefined) throw new Error(`no profile of ${release}`);
  return profile;
}

const names = (changes: readonly Change[], severity: string) =>
  changes.filter((change) => change.severity === severity).map(({ item }) => item);

/** 7.3 with one item changed, taken away or added. */
function changed(name: string, edit: (item: Item) => Item | undefined, ...added: Item[]): Profile {
  const base = known('7.3');
  const items = base.items.flatMap((item) => (item.name === name ? (edit(item) ?? []) : [item]));
  return { ...base, items: [...items, ...added] };
}

describe('diffProfiles of releases', () => {
  it('6.17 to 6.18: the bitmap and kho-test-v1 changed without a bump', () => {
    const changes = diffProfiles(known('6.17'), known('6.18'));
    expect(names(changes, 'error')).toEqual([
      'PRESERVE_BITS',
      'kho_mem_phys_bits',
      'kho_mem_phys_bits.preserve',
      'kho_test:folios_info',
    ]);
    expect(changes.find(({ item }) => item === 'PRESERVE_BITS')).toMatchObject({
      from: { value: 4096 },
      to: { value: 32768 },
      governedBy: 'KHO_FDT_COMPATIBLE',
    });
    expect(changes.find(({ item }) => item === 'kho_test:folios_info')?.governedBy).toBe('KHO_TEST_COMPAT');
    expect(diffExitCode(changes)).toBe(1);
  });

  it.each([
    ['6.18', '6.19'],
    ['6.19', '7.1'],
    ['7.1', '7.2'],
    ['7.2', '7.3'],
  ])('%s to %s: nothing without a bump', (a, b) => {
    const changes = diffProfiles(known(a), known(b));
    expect(names(changes, 'error')).toEqual([]);
    expect(diffExitCode(changes)).toBe(0);
  });

  it('7.1 to 7.2: all of LUO came under one string', () => {
    const changes = diffProfiles(known('7.1'), known('7.2'));
    expect(names(changes, 'bumped')).toEqual(
      expect.arrayContaining([
        'KHO_FDT_COMPATIBLE',
        'LUO_FDT_COMPATIBLE, LUO_ABI_COMPATIBLE',
        'luo_session_header_ser',
      ]),
    );
    expect(changes.find(({ item }) => item === 'LUO_KHO_ENTRY_NAME')).toMatchObject({ change: 'renamed' });
  });

  it('7.0 does not tell everything, and that is no pass', () => {
    const changes = diffProfiles(known('7.0'), known('7.1'));
    expect(names(changes, 'could-not-check')).toEqual(['*']);
    expect(diffExitCode(changes)).toBe(3);
  });

  it('a release and itself: nothing', () => {
    expect(diffProfiles(known('7.3'), known('7.3'))).toEqual([]);
  });
});

describe('diffProfiles judges', () => {
  const base = known('7.3');

  it('a change under another string, while the root string changes too, as harmless', () => {
    const other = changed('kho_kexec_metadata', (item) => ({ ...item, size: 77 }));
    const items = other.items.map((item) =>
      item.name === 'KHO_FDT_COMPATIBLE' ? { ...item, value: 'kho-v5' } : item,
    );
    expect(names(diffProfiles(base, other), 'error')).toEqual(['kho_kexec_metadata']);
    const masked = diffProfiles(base, { ...other, items });
    expect(names(masked, 'error')).toEqual([]);
    expect(masked.find(({ item }) => item === 'kho_kexec_metadata')).toMatchObject({
      severity: 'note',
      bumped: false,
    });
  });

  it('a new property name as a change of the format', () => {
    const added: Item = { kind: 'string', name: 'KHO_MORE_PROP_NAME', header: 'h', value: 'more' };
    expect(
      names(
        diffProfiles(
          base,
          changed('', () => undefined, added),
        ),
        'error',
      ),
    ).toEqual(['KHO_MORE_PROP_NAME']);
  });

  it('a structure that is gone as a break, and its fields with it', () => {
    const gone = base.items.filter(({ name }) => !/^luo_flb_ser\b/.test(name));
    expect(names(diffProfiles(base, { ...base, items: gone }), 'error')).toEqual(['luo_flb_ser']);
    expect(names(diffProfiles({ ...base, items: gone }, base), 'error')).toEqual([]);
  });

  it('a structure under a new name as a note', () => {
    const items = base.items.map((item) => ({
      ...item,
      name: item.name.replace(/^luo_flb_ser\b/, 'luo_flb_entry'),
    }));
    const changes = diffProfiles(base, { ...base, items });
    expect(changes).toMatchObject([{ item: 'luo_flb_entry', change: 'renamed', severity: 'note' }]);
  });

  it('what a package of headers cannot tell as unchecked', () => {
    const headers = Object.fromEntries(Object.entries(base.headers).filter(([path]) => path.endsWith('.h')));
    const items = base.items.filter(({ header }) => header.endsWith('.h'));
    const changes = diffProfiles(base, { ...base, headers, items });
    expect(changes.map(({ severity }) => severity)).toEqual(['could-not-check']);
    expect(changes[0]?.why).toMatch(/\d+ items: 7.3.4 is a package of headers/);
  });

  it('a new header by the version that it defines itself', () => {
    const header = 'include/linux/kho/abi/new.h';
    const version: Item = { kind: 'string', name: 'NEW_COMPATIBLE', header, value: 'new-v1' };
    const field: Item = { kind: 'field', name: 'new_ser.a', header, offset: 0, size: 8 };
    const struct: Item = { kind: 'struct', name: 'new_ser', header, size: 8, align: 8 };
    const before = { ...base, items: [...base.items, version, field, struct] };
    const wider = [version, { ...field, size: 16 }, { ...struct, size: 16 }];
    const changes = diffProfiles(before, { ...base, items: [...base.items, ...wider] });
    expect(changes).toMatchObject([
      { item: 'new_ser', severity: 'error', governedBy: 'NEW_COMPATIBLE', subsystem: 'new.h' },
      { item: 'new_ser.a', severity: 'error' },
    ]);
  });
});
