import { describe, expect, it } from 'vitest';
import { RELEASES } from '../../src/abi/declared.ts';
import { knownProfile } from '../../src/abi/profile.ts';
import type { PageSize } from '../../src/abi/target.ts';
import { compatCell, compatMatrix } from '../../src/profile/compat.ts';

function party(release: string, pageSize: PageSize = 4096, name = release) {
  const profile = knownProfile(release, 'arm64', pageSize);
  if (profile === undefined) throw new Error(`no profile of ${release}`);
  return { name, profile };
}

/**
 * Read in the sources of the producing and receiving kernels, not from profiles. 7.0's row and column follow from
 * its string alone.
 */
const TABLE = `
                    6.17     6.18     6.19     7.0      7.1      7.2      7.3
6.17                ok       corrupts corrupts refused  refused  refused  refused
6.18                corrupts ok       ok       refused  refused  refused  refused
6.19                corrupts core     ok       refused  refused  refused  refused
6.19 not finalized  corrupts corrupts refused  refused  refused  refused  refused
7.0                 refused  refused  refused  ok       refused  refused  refused
7.1                 refused  refused  refused  refused  ok       refused  refused
7.2                 refused  refused  refused  refused  refused  ok       ok
7.3                 refused  refused  refused  refused  refused  ok       ok
`;

describe('compatMatrix', () => {
  const cells = compatMatrix(RELEASES.map((release) => party(release)));
  const rows = TABLE.trim()
    .split('\n')
    .slice(1)
    .map((line) =>
      line.split(/ {2,}| (?=[a-z]+(?: |$))(?!not finalized|finalized)/).map((word) => word.trim()),
    );

  it.each(rows)('%s', (from, ...outcomes) => {
    expect(outcomes).toHaveLength(RELEASES.length);
    const found = RELEASES.map((to) => cells.find((cell) => cell.from === from && cell.to === to)?.outcome);
    expect(found).toEqual(outcomes);
  });

  it('has no other rows, and a reason in each cell', () => {
    expect(cells).toHaveLength(rows.length * RELEASES.length);
    for (const cell of cells) expect(cell.reason).not.toBe('');
  });

  it('tells what happens to each subsystem', () => {
    const cell = cells.find(({ from, to }) => from === '6.19' && to === '6.18');
    expect(cell?.subsystems.map(({ subsystem, outcome }) => [subsystem, outcome])).toEqual([
      ['KHO', 'ok'],
      ['kexec metadata', 'none'],
      ['LUO', 'ignored'],
      ['memfd', 'ignored'],
      ['memblock', 'ok'],
      ['test_kho', 'ok'],
    ]);
  });
});

describe('compatCell', () => {
  it('is aware of page sizes, of which no image tells', () => {
    const cell = compatCell(party('7.3'), party('7.3', 16384, '7.3:16K'));
    expect(cell).toMatchObject({ to: '7.3:16K', outcome: 'corrupts' });
    expect(cell.reason).toMatch(/4096 is read as 16384/);
    expect(compatCell(party('7.1'), party('7.3', 16384)).outcome).toBe('refused');
  });

  it('stops a subsystem whose own version differs, and what it carries', () => {
    const { profile } = party('7.3');
    const items = profile.items.map((item) =>
      item.name === 'LUO_ABI_COMPATIBLE' ? { ...item, value: 'luo-v6' } : item,
    );
    const cell = compatCell(party('7.3'), { name: 'next', profile: { ...profile, items } });
    expect(cell.outcome).toBe('core');
    expect(
      Object.fromEntries(cell.subsystems.map(({ subsystem, outcome }) => [subsystem, outcome])),
    ).toMatchObject({
      KHO: 'ok',
      LUO: 'refused',
      memfd: 'refused',
      memblock: 'ok',
    });
  });

  it('calls a layout that changed under the same string corrupting', () => {
    const { profile } = party('7.3');
    const items = profile.items.map((item) => (item.name === 'memfd_luo_ser' ? { ...item, size: 56 } : item));
    const cell = compatCell(party('7.3'), { name: 'next', profile: { ...profile, items } });
    expect(cell).toMatchObject({ outcome: 'corrupts', reason: expect.stringContaining('memfd_luo_ser') });
  });
});
