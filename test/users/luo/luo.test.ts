import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { knownProfile } from '../../../src/abi/profile.ts';
import { extractHandover } from '../../../src/capture/extract.ts';
import { SeededBytes } from '../../../src/emit/random.ts';
import { readImageDirectory, writeImageDirectory } from '../../../src/formats/directory.ts';
import type { Image } from '../../../src/model/image.ts';
import type { BuiltImage } from '../../../src/produce/assembly.ts';
import { buildImage } from '../../../src/produce/build-image.ts';
import { targetOf } from '../../../src/profile/target.ts';
import { inspect } from '../../../src/receive/decode.ts';
import { diffImages } from '../../../src/receive/diff.ts';
import { verifyImage } from '../../../src/receive/verify.ts';
import { specDifferences, specOf } from '../../../src/respec/as-spec.ts';
import type { Spec } from '../../../src/specfile/schema.ts';
import { filesFolder } from '../../formats/core-writer.ts';
import { allBytes } from '../../memory/all-bytes.ts';

const file = filesFolder();
const RELEASES = ['6.19', '7.1', '7.2', '7.3'] as const;
const MIB = 1 << 20;

type Luo = NonNullable<NonNullable<Spec['subtrees']>[number]['luo']>;

function build(luo: Luo, more: Spec = {}): BuiltImage {
  return buildImage({ target: { release: '7.3' }, subtrees: [{ luo }], ...more });
}

function luoOf(image: Image) {
  const { subtrees, problems } = inspect(image);
  const found = subtrees.find(({ name }) => name === 'LUO');
  if (!found?.decoded || found.phys === null) throw new Error(`no LUO: ${problems.join('; ')}`);
  return { phys: found.phys, size: found.size, ...found.decoded };
}

const u64 = ({ memory }: Image, at: bigint) => Buffer.from(memory.read(at, 8)).readBigUInt64LE();
const text = ({ memory }: Image, at: bigint, length: number) =>
  Buffer.from(memory.read(at, length)).toString('latin1').replace(/\0+$/, '');
const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');
const seeded = (seed: string, length: number) => new SeededBytes(seed).bytes(length);

/** Sessions with a file that has seals, where a kernel hands them over. */
const sessionsOf = (seals: boolean): NonNullable<Luo['sessions']> => [
  {
    name: 'vm0',
    files: [
      {
        token: 0x1000,
        memfd: {
          size: '3MiB',
          content: [
            { seed: 'a', size: '1MiB', order: 8 },
            { at: '2MiB', seed: 'b', size: '1MiB' },
          ],
        },
      },
      {
        token: '0x2a',
        memfd: {
          ...(seals && { seals: ['shrink', 'grow'] as const }),
          position: 16,
          content: { seed: 'c', size: '64KiB' },
        },
      },
    ],
  },
  { name: 'empty' },
  { name: 'other', files: [{ token: 0, handler: 'vfio-v1', data: 0x1234_5678_9abcn }] },
];

const SESSIONS = sessionsOf(true);

describe.each(RELEASES)('sessions of %s', (release) => {
  const flbs = release === '6.19' ? [] : [{ name: 'iommu-v1', data: 7, count: 2 }];
  const image = build(
    { liveupdate_number: 3, sessions: sessionsOf(release !== '6.19'), flbs },
    { target: { release } },
  );
  const { fields, problems } = luoOf(image);
  const memfd = release === '6.19' ? 'memfd-v1' : 'memfd-v2';

  it('are read back as they were told', () => {
    expect(problems).toEqual([]);
    expect(inspect(image).problems).toEqual([]);
    expect(fields).toMatchObject({
      liveupdate_num: 3n,
      sessions: [
        {
          name: 'vm0',
          count: 2n,
          files: [
            {
              token: 0x1000n,
              compatible: memfd,
              memfd: {
                size: 3n << 20n,
                position: 0n,
                nr_folios: 257n,
                folios: [
                  { index: 0n, order: 8, count: 1, flags: 3 },
                  { index: 512n, order: 0, count: 256, flags: 3 },
                ],
                sha256: sha256(seeded('a', MIB), Buffer.alloc(MIB), seeded('b', MIB)),
              },
            },
            {
              token: 0x2an,
              memfd: {
                position: 16n,
                // 6.19 hands over no seals.
                seals: release === '6.19' ? null : ['shrink', 'grow'],
                sha256: sha256(seeded('c', 65536)),
              },
            },
          ],
        },
        { name: 'empty', count: 0n, files: [], blocks: [] },
        {
          name: 'other',
          files: [{ token: 0n, compatible: 'vfio-v1', data: 0x1234_5678_9abcn }],
        },
      ],
      flbs: release === '6.19' ? [] : [{ name: 'iommu-v1', data: 7n, count: 2n }],
    });
  });

  it('are revived, and what user space will not get of them is told', () => {
    const { verdict, findings } = verifyImage(image, { receiver: release });
    expect(verdict).toBe('revived');
    // 6.19 skips the one file; later kernels lose all of its session, and from then on the device.
    const others = release === '6.19' ? [] : ['luo-files'];
    const checks = [...new Set(findings.map(({ check }) => check))];
    expect(checks.toSorted()).toEqual(['luo-handler', 'memfd-large-folio', ...others].toSorted());
    const [, ...more] = SESSIONS.toReversed();
    const good = build({
      sessions: more.map((session) => ({ ...session, files: session.files?.slice(1) ?? [] })),
    });
    expect(verifyImage(good)).toMatchObject({ verdict: 'revived', findings: [] });
  });

  it('go through a directory, which does not hold the zeroes', () => {
    const path = file(`anchor-${release}`, new Uint8Array()).replace(/anchor/, 'luo');
    writeImageDirectory(image, path);
    expect(diffImages(image, readImageDirectory(path))).toEqual({ values: [], added: [], removed: [] });
  });

  it('are captured without what the files hold, or with it', () => {
    const { values } = diffImages(image, extractHandover(image));
    expect(values.map(({ path, b }) => [path, b])).toEqual([
      ['LUO/sessions[0]/files[0]/memfd/sha256', null],
      ['LUO/sessions[0]/files[1]/memfd/sha256', null],
    ]);
    expect(diffImages(image, extractHandover(image, { withContents: true })).values).toEqual([]);
  });
});

/*
 * The bytes, read at the offsets that the kernel's compiler gave (1.9 and 1.10 of docs/kho-facts.md), not by our own structures.
 */
describe('the structures of 7.3', () => {
  const image = build({ sessions: SESSIONS, flbs: [{ name: 'iommu-v1', data: 7, count: 2 }] });
  const { phys, size } = luoOf(image);
  const sessions = u64(image, phys + 16n);

  it('struct luo_ser', () => {
    expect(size).toBe(32n);
    expect([text(image, phys, 8), u64(image, phys + 8n)]).toEqual(['luo-v5', 1n]);
    expect([u64(image, sessions), u64(image, sessions + 8n)]).toEqual([0n, 3n]);
  });

  it('the page of FLBs', () => {
    const flbs = u64(image, phys + 24n);
    expect([u64(image, flbs), u64(image, flbs + 8n), text(image, flbs + 16n, 48)]).toEqual([
      1n,
      1n,
      'iommu-v1',
    ]);
    expect([u64(image, flbs + 64n), u64(image, flbs + 72n)]).toEqual([7n, 2n]);
  });

  it('struct luo_session_ser, luo_file_ser, memfd_luo_ser and its list of folios', () => {
    expect(text(image, sessions + 16n, 64)).toBe('vm0');
    expect(text(image, sessions + 16n + 80n, 64)).toBe('empty');
    expect([u64(image, sessions + 160n), u64(image, sessions + 168n)]).toEqual([0n, 0n]);
    const files = u64(image, sessions + 80n);
    expect([u64(image, sessions + 88n), u64(image, files + 8n)]).toEqual([2n, 2n]);
    const second = files + 16n + 64n;
    expect([text(image, second, 48), u64(image, second + 56n)]).toEqual(['memfd-v2', 0x2an]);
    const ser = u64(image, second + 48n);
    expect([u64(image, ser), u64(image, ser + 8n)]).toEqual([16n, 65536n]); // position, size
    expect(u64(image, ser + 16n)).toBe(6n); // seals, flags
    expect(u64(image, ser + 24n)).toBe(16n); // folios
    const chunk = u64(image, ser + 32n);
    expect(u64(image, ser + 40n)).toBe(1n | (1n << 32n)); // one page, KHO_VMALLOC_ALLOC, order 0
    expect(u64(image, chunk)).toBe(0n);
    const list = u64(image, chunk + 8n);
    const folios = Array.from({ length: 16 }, (_, i) => u64(image, list + BigInt(16 * i)));
    expect(folios.map((word) => word >> 52n)).toEqual(folios.map(() => 3n));
    expect(u64(image, list + 24n)).toBe(1n); // index of the second one
    const content = folios.map((word) => image.memory.read((word << 12n) & ((1n << 64n) - 1n), 4096));
    expect(sha256(...content)).toBe(sha256(seeded('c', 65536)));
  });
});

describe('limits', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `s${i}` }));
  const tokens = (count: number) =>
    Array.from({ length: count }, (_, token) => ({ token, handler: 'vfio-v1', data: 0 }));

  it('7.2 and later chain blocks of 51 sessions and 63 files', () => {
    const image = build({ sessions: [...names(102), { name: 'many', files: tokens(127) }] });
    const { fields, problems } = luoOf(image);
    expect(problems).toEqual([]);
    const sessions = fields.sessions as { name: string; files: unknown[]; blocks: bigint[] }[];
    expect(sessions).toHaveLength(103);
    expect(fields.session_blocks).toHaveLength(3);
    expect(sessions.at(-1)).toMatchObject({ name: 'many', count: 127n });
    expect(sessions.at(-1)?.blocks).toHaveLength(3);
    const counts = (fields.session_blocks as bigint[]).map((block) => u64(image, block + 8n));
    expect(counts).toEqual([51n, 51n, 1n]);
  });

  it.each(['6.19', '7.1'])('%s has room for 819 sessions and 128 files', (release) => {
    const target = { target: { release } };
    expect(luoOf(build({ sessions: names(819) }, target)).fields.sessions).toHaveLength(819);
    expect(() => build({ sessions: names(820) }, target)).toThrowError(
      'LUO/sessions: 820 are more than the 819 that a kernel can keep',
    );
    expect(() => build({ sessions: [{ name: 'a', files: tokens(129) }] }, target)).toThrowError(
      'the 128 that',
    );
  });

  it('a page has room for 63 FLBs', () => {
    const flbs = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `f${i}` }));
    expect(luoOf(build({ flbs: flbs(63) })).fields.flbs).toHaveLength(63);
    expect(() => build({ flbs: flbs(64) })).toThrowError('LUO/flbs: 64 are more than the 63');
  });
});

describe('a memfd', () => {
  const one = (
    memfd: NonNullable<NonNullable<NonNullable<Luo['sessions']>[number]['files']>[number]['memfd']>,
  ) => build({ sessions: [{ name: 'a', files: [{ token: 1, memfd }] }] });
  const memfdOf = (image: Image) => {
    const [session] = luoOf(image).fields.sessions as { files: { memfd: Record<string, unknown> }[] }[];
    return session?.files[0]?.memfd;
  };

  it('without content has no folios and no list, as a producer leaves it (1.10.6 of docs/kho-facts.md)', () => {
    const image = one({});
    expect(memfdOf(image)).toMatchObject({
      size: 0n,
      nr_folios: 0n,
      folios: [],
      list: { pages: [], chunks: [] },
      sha256: sha256(),
    });
  });

  it('can be all hole', () => {
    expect(memfdOf(one({ size: '1MiB' }))).toMatchObject({
      size: 1n << 20n,
      nr_folios: 0n,
      sha256: sha256(Buffer.alloc(MIB)),
    });
  });

  it('of zeroes alone is told from one of its size that ends in another byte', () => {
    const zero = { size: '40MiB', content: { zero: '24MiB' } } as const;
    const zeroes = Buffer.alloc(40 * MIB);
    for (const image of [one(zero), one(zero)])
      expect(memfdOf(image)).toMatchObject({ sha256: sha256(zeroes) });
    const last = { at: 40 * MIB - 4096, bytes: `${'00'.repeat(4095)}01` };
    const other = one({ size: '40MiB', content: [{ zero: '24MiB' }, last] });
    expect(memfdOf(other)).toMatchObject({ sha256: sha256(zeroes.subarray(1), Buffer.of(1)) });
  });

  it('has its holes filled when asked, as kernels do (6.10 of docs/kho-facts.md)', () => {
    const image = one({ size: '32KiB', fill_holes: true, content: [{ at: '16KiB', text: 'x', order: 1 }] });
    expect(memfdOf(image)).toMatchObject({
      folios: [
        { index: 0n, order: 0, count: 4 },
        { index: 4n, order: 1, count: 1 },
        { index: 6n, order: 0, count: 2 },
      ],
    });
  });

  it('has its folios where the spec places them', () => {
    const luo = {
      sessions: [{ name: 'a', files: [{ token: 1, memfd: { content: { seed: 1, size: 0x4000 } } }] }],
    };
    const path = 'LUO/sessions[0]/files[0]/memfd/folios';
    const image = build(luo, { place: { [`${path}[2]`]: 0x800_0000n, [`${path}/pages[0]`]: 0x900_0000n } });
    expect(memfdOf(image)).toMatchObject({
      folios: [
        { index: 0n, count: 2 },
        { index: 2n, count: 2, phys: 0x800_0000n },
      ],
      list: { pages: [0x900_0000n] },
      sha256: sha256(seeded('1', 0x4000)),
    });
  });

  it('of 4 GiB takes no memory for its zeroes, and none in the file', () => {
    const before = process.memoryUsage().rss;
    const image = build(
      {
        sessions: [
          {
            name: 'big',
            files: [
              { token: 1, memfd: { size: '4GiB', fill_holes: true, content: { at: '1GiB', text: 'here' } } },
              { token: 2, memfd: { content: { zero: '4GiB' }, order: 9 } },
              {
                token: 3,
                memfd: { size: '4GiB', content: [{ text: 'start' }, { at: '4095MiB', text: 'end' }] },
              },
            ],
          },
        ],
      },
      { ram: '12GiB' },
    );
    const path = file('anchor', new Uint8Array()).replace(/anchor$/, 'big');
    writeImageDirectory(image, path);
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * MIB);
    const { fields, problems } = luoOf(readImageDirectory(path));
    expect(problems).toEqual([]);
    expect(fields.sessions).toMatchObject([
      {
        files: [
          { memfd: { nr_folios: 1n << 20n } },
          { memfd: { nr_folios: 2048n } },
          { memfd: { nr_folios: 2n } },
        ],
      },
    ]);
  });

  it.each<[string, Parameters<typeof one>[0], string]>([
    [
      'content beyond its size',
      { size: 3, content: { text: 'four' } },
      'the content ends at 0x4, the size is 0x3',
    ],
    [
      'content between pages',
      { content: [{ at: 100, text: 'x' }] },
      'a folio of order 0 starts at a multiple of 0x1000',
    ],
    [
      'a large folio in between',
      { content: [{ at: '4KiB', text: 'x', order: 9 }] },
      'a folio of order 9 starts at a multiple of 0x200000',
    ],
    [
      'pieces in one folio',
      {
        content: [
          { text: 'x', order: 1 },
          { at: '4KiB', text: 'y' },
        ],
      },
      'content at 0x1000 is in a folio of the content at 0x0',
    ],
  ])('refuses %s', (_what, memfd, message) => {
    expect(() => one(memfd)).toThrowError(message);
  });
});

describe('the spec', () => {
  it.each<[string, unknown, string]>([
    [
      'a token twice',
      {
        sessions: [
          {
            name: 'a',
            files: [
              { token: 1, memfd: {} },
              { token: '0x1', memfd: {} },
            ],
          },
        ],
      },
      'a token of its own for each file',
    ],
    ['a session twice', { sessions: [{ name: 'a' }, { name: 'a' }] }, 'a name of its own for each session'],
    ['a name of 64 characters', { sessions: [{ name: 'x'.repeat(64) }] }, '1 to 63 bytes'],
    ['an empty name', { sessions: [{ name: '' }] }, '1 to 63 bytes'],
    [
      'an unknown seal',
      { sessions: [{ name: 'a', files: [{ token: 1, memfd: { seals: ['shrnk'] } }] }] },
      'one of seal, shrink, grow',
    ],
    [
      'neither memfd nor handler',
      { sessions: [{ name: 'a', files: [{ token: 1 }] }] },
      'either memfd, or handler with data',
    ],
    [
      'a token below 0',
      { sessions: [{ name: 'a', files: [{ token: -1, memfd: {} }] }] },
      'a number from 0 to 2^64 - 1',
    ],
    [
      'two sources',
      { sessions: [{ name: 'a', files: [{ token: 1, memfd: { content: { text: 'x', zero: 1 } } }] }] },
      'one of: file, text, bytes, seed with size, or zero',
    ],
  ])('refuses %s', (_what, luo, message) => {
    expect(() => build(luo as Luo)).toThrowError(message);
  });

  it.each<[string, Luo, string]>([
    ['LIVEUPDATE_SESSION_NAME_LENGTH', { sessions: [{ name: 'x'.repeat(20) }] }, 'sessions[0].name'],
    [
      'LIVEUPDATE_HNDL_COMPAT_LENGTH',
      { sessions: [{ name: 'a', files: [{ token: 1, handler: 'ä'.repeat(10) }] }] },
      'sessions[0].files[0].handler',
    ],
    ['LIVEUPDATE_FLB_COMPAT_LENGTH', { flbs: [{ name: 'x'.repeat(20) }] }, 'flbs[0].name'],
  ])('has names of the length that the target has room for, %s', (length, luo, path) => {
    const profile = knownProfile('7.3', 'x86_64', 4096);
    if (profile === undefined) throw new Error('no profile of 7.3');
    const withLength = (value: number) => {
      const items = profile.items.map((item) => (item.name === length ? { ...item, value } : item));
      return { target: targetOf({ ...profile, items }).target };
    };
    const spec = { subtrees: [{ luo }] };
    expect(buildImage(spec, withLength(21)).expect.verdict).toBe('revived');
    expect(() => buildImage(spec, withLength(20))).toThrowError(`subtrees[0].luo.${path}: "`);
    expect(() => buildImage(spec, withLength(20))).toThrowError(`19 bytes of UTF-8 (${length} of `);
  });

  it.each(['6.18', '7.0'])('is told that %s has no LUO', (release) => {
    expect(() => build({}, { target: { release } })).toThrowError('has no LUO');
  });
});

describe('a spec made of an image', () => {
  const sessionsFor = (release: string) => [
    ...sessionsOf(release !== '6.19'),
    {
      name: 'large',
      files: [{ token: 1, memfd: { size: '300MiB', content: { zero: '280MiB' }, order: 9 } }],
    },
  ];

  it.each(RELEASES)('of %s builds the same structures at the same places', (release) => {
    const flbs = release === '6.19' ? [] : [{ name: 'iommu-v1', data: 7, count: 2 }];
    const path = 'LUO/sessions[0]/files[1]/memfd/folios';
    const image = build(
      { liveupdate_number: 3, sessions: sessionsFor(release), flbs },
      {
        target: { release },
        ram: '1GiB',
        place: { [`${path}[5]`]: 0x800_0000n, [`${path}/chunks[0]`]: 0x900_0000n },
      },
    );
    const inspection = inspect(image);
    const spec = specOf(image, inspection);
    expect(spec.subtrees?.map((entry) => Object.keys(entry))).toEqual([['luo']]);
    expect(spec.preserve).toEqual([]);
    expect(specDifferences(spec, image, inspection)).toEqual([]);
    // What the files hold is zero, and so is nothing else: every page of the structures is the same.
    const again = buildImage(spec);
    const files = diffImages(image, again).values.map(({ path: at }) => at.replace(/\[\d\]/g, ''));
    expect(new Set(files)).toEqual(new Set(['LUO/sessions/files/memfd/sha256']));
    const pages = structurePages(image);
    expect(pages.length).toBeGreaterThan(15);
    for (const page of pages) {
      expect({ page, same: sameAt(image, again, page) }).toEqual({ page, same: true });
    }
  });
});

/** Pages of a capture without contents, but for those of the memory map, which stands elsewhere when it is rebuilt. */
function structurePages(image: Image): bigint[] {
  const apart = image.placements.filter(({ path }) => /^(memory-map|scratch)/.test(path));
  const pages = allBytes(extractHandover(image).memory).flatMap(({ start, bytes }) => {
    const first = start & ~4095n;
    const count = Math.ceil((Number(start - first) + bytes.length) / 4096);
    return Array.from({ length: count }, (_, i) => first + BigInt(i * 4096));
  });
  return pages.filter((page) => !apart.some(({ start, size }) => start <= page && page < start + size));
}

function sameAt(a: Image, b: Image, page: bigint): boolean {
  return Buffer.from(a.memory.read(page, 4096)).equals(b.memory.read(page, 4096));
}
