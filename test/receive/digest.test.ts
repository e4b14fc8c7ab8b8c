import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { extractHandover } from '../../src/capture/extract.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { canonical, type Digest, digestImage, partAt } from '../../src/receive/digest.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Some of everything that is handed over. */
const SUBTREES: NonNullable<Spec['subtrees']> = [
  { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 41 } },
  { kho_test: { seed: 1, orders: [0, 3, 1] } },
  { reserve_mem: [{ name: 'oops', size: '8KiB', content: { seed: 3, size: '8KiB' } }] },
  {
    luo: {
      sessions: [
        {
          name: 'vm0',
          files: [
            { token: 1, memfd: { content: { text: 'one' } } },
            { token: 2, memfd: { size: '1MiB' } },
          ],
        },
        { name: 'vm1', files: [{ token: 1, memfd: { position: 4, content: { text: 'one' } } }] },
      ],
      flbs: [{ name: 'somebody', data: 0x1234000, count: 2 }],
    },
  },
  { raw: { name: 'mine', content: { text: 'bytes' } } },
];

const built = (change: Partial<Spec> = {}): Image =>
  buildImage({ target: { release: '7.3' }, subtrees: SUBTREES, ...change });
const digest = (image: Image): Digest => digestImage(image).whole;
const partOf = (whole: Digest, path: string): string => partAt(whole, path)?.sha256 ?? `no ${path}`;

describe('the digest of a handover', () => {
  const here = digest(built());

  it('is the same wherever it stands, and in whatever order', () => {
    const there = built({
      ram: '1GiB',
      subtrees: SUBTREES.toReversed(),
      place: {
        'kexec-metadata': 0x9000000n,
        'kho_test/folios[1]': 0xa000000n,
        'memblock/oops': 0xb000000n,
        'LUO/sessions[0]/files[0]/memfd': 0xc000000n,
      },
    });
    expect(digestImage(built()).problems).toEqual([]);
    expect(digest(there)).toEqual(here);
  });

  it('is the same of a capture', () => {
    expect(digest(extractHandover(built(), { withContents: true }))).toEqual(here);
  });

  it.each<[string, Partial<Spec>]>([
    ['kexec-metadata', { override: { 'kexec-metadata/kexec_count': 42 } }],
    ['memblock/region oops', { patch: [] }],
    ['LUO/session vm1/file 0x1', { override: { 'LUO/sessions[1]/files[0]/memfd/pos': 5 } }],
    ['LUO/session vm0/file 0x2', { override: { 'LUO/sessions[0]/files[1]/memfd/seals': 3 } }],
    ['LUO/flb somebody', { override: { 'LUO/flbs[0]/count': 3 } }],
  ])('differs in %s alone, and in what that is part of', (path, change) => {
    const image = built(change);
    if (path.startsWith('memblock')) {
      const at = image.placements.find((one) => one.path === 'memblock/oops')?.start ?? 0n;
      image.memory.write(at, Buffer.from('PANIC'));
    }
    const now = digest(image);
    const paths = (part: Digest, above = ''): string[] =>
      part.parts.flatMap(({ name, ...rest }) => {
        const own = above === '' ? name : `${above}/${name}`;
        return [own, ...paths({ name, ...rest }, own)];
      });
    const changed = paths(here).filter((one) => partOf(here, one) !== partOf(now, one));
    const names = path.split('/');
    expect(changed).toEqual(names.map((_, i) => names.slice(0, i + 1).join('/')));
    expect(now.sha256).not.toBe(here.sha256);
  });

  it('is that of the bytes that its page says', () => {
    const facts = '{"kexec_count":41,"previous_release":"7.3.4","version":1}';
    const metadata = sha256(`{"facts":${facts},"name":"kexec-metadata","parts":[]}`);
    expect(partOf(here, 'kexec-metadata')).toBe(metadata);
    const alone = digest(built({ subtrees: SUBTREES.slice(0, 1) }));
    expect(alone.sha256).toBe(sha256(`{"facts":{},"name":"handover","parts":["${metadata}"]}`));
    const file = `{"facts":{"handler":"memfd","position":"0x4","seals":["seal"],"sha256":"${sha256(`one`)}","size":"0x3"},"name":"file 0x1","parts":[]}`;
    expect(partOf(here, 'LUO/session vm1/file 0x1')).toBe(sha256(file));
  });

  it('says what it does not tell', () => {
    expect(partAt(here, 'mine')?.unread).toContain('may be addresses');
    expect(partAt(here, 'LUO/flb somebody')?.unread).toContain('often an address');
    const without = digestImage(extractHandover(built()));
    expect(without.problems).toContain('memblock/region oops: the image does not have its contents');
  });
});

describe('canonical text', () => {
  it('has keys in order, no space, and 64-bit values as texts', () => {
    expect(canonical({ b: [1, 0x10n, null, true], a: { 'é"': 'x\n', z: -1 } })).toBe(
      '{"a":{"z":-1,"é\\"":"x\\n"},"b":[1,"0x10",null,true]}',
    );
  });
});
