import { FdtSequentialWriter } from '../../src/fdt/sequential.ts';
import { cString, u64Native } from '../../src/fdt/values.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image, Verdict } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { allBytes } from '../memory/all-bytes.ts';

/** An image that breaks one check, and what `verify` says of it. */
export interface Fixture {
  readonly spec: Spec;
  readonly verdict: Verdict;
  /** Default: the newest receiver of the image's generation. */
  readonly receiver?: string;
  /** What a spec cannot say: the image of a source that knows less than the one it was built from. */
  readonly from?: (image: Image) => Image;
}

export function imageOf({ spec, from }: Fixture): Image {
  const image = buildImage(spec);
  return from ? from(image) : image;
}

/** As captured without contents: the test folios' addresses alone. */
function withoutContents(image: Image): Image {
  const memory = new PhysicalMemory();
  const dropped = image.placements.filter(({ path }) => path.startsWith('kho_test/folios['));
  for (const { start, bytes } of allBytes(image.memory)) {
    if (!dropped.some((placement) => placement.start === start)) memory.map(start, bytes);
  }
  return { ...image, memory };
}

const metadata = { 'kexec-metadata': { previous_release: '6.19.0', kexec_count: 41 } };
const test = { kho_test: { seed: 1, max_mem: '64KiB' } };
export const good: Spec = { target: { release: '7.3' }, subtrees: [metadata, test] };

const override = (values: NonNullable<Spec['override']>, spec: Spec = {}): Spec => ({
  ...good,
  override: values,
  ...spec,
});
const broken = (spec: Spec, receiver?: string): Fixture => ({
  spec,
  verdict: 'broken',
  ...(receiver !== undefined && { receiver }),
});
const rejected = (spec: Spec): Fixture => ({ spec, verdict: 'rejected' });
const ignored = (spec: Spec): Fixture => ({ spec, verdict: 'ignored' });
const revived = (spec: Spec, receiver?: string): Fixture => ({
  ...broken(spec, receiver),
  verdict: 'revived',
});

const raw = (name: string, bytes: Uint8Array) => ({ raw: { name, content: { bytes } } });
const withRaw = (name: string, bytes: Uint8Array): Spec => ({
  ...good,
  subtrees: [metadata, test, raw(name, bytes)],
});

interface Node {
  readonly [name: string]: Uint8Array | Node;
}

/** An FDT of one level of nodes, as LUO and reserve_mem write theirs. */
export function tree(root: Node): Uint8Array {
  const writer = new FdtSequentialWriter(4096);
  writer.finishReservemap();
  const write = (name: string, node: Node): void => {
    writer.beginNode(name);
    for (const [key, value] of Object.entries(node)) {
      if (value instanceof Uint8Array) writer.property(key, value);
      else write(key, value);
    }
    writer.endNode();
  };
  write('', root);
  return writer.finish();
}

const text = (value: string) => cString(value);
const word = (value: bigint) => u64Native(value, 'little');

/** struct luo_ser. */
export const luoSer = (compatible: string, sessions: bigint, flbs = 0n): Uint8Array =>
  Buffer.concat([Buffer.from(compatible.padEnd(8, '\0'), 'latin1'), word(7n), word(sessions), word(flbs)]);

const region = (start: bigint, size: bigint): Node => ({
  compatible: text('reserve-mem-v1'),
  start: word(start),
  size: word(size),
});

/** Two sessions; the first one has two memfds. */
export const SESSIONS: Spec = {
  ...good,
  subtrees: [
    metadata,
    {
      luo: {
        sessions: [
          {
            name: 'vm0',
            files: [
              { token: 0x1000, memfd: { content: { seed: 1, size: '16KiB' } } },
              { token: 0x2a, memfd: { content: { seed: 2, size: '8KiB' }, seals: ['grow'] } },
            ],
          },
          { name: 'other' },
        ],
      },
    },
  ],
};
const FILE = 'LUO/sessions[0]/files[0]';
const MEMFD = `${FILE}/memfd`;
const wrongSession = (values: NonNullable<Spec['override']>, spec: Spec = {}) =>
  revived({ ...SESSIONS, override: values, ...spec });

const MiB = 1n << 20n;

/**
 * A path of a radix tree made by hand, from an entry of the root over nodes that use entry `index` to a leaf with one
 * bit: keys that no kernel encodes.
 */
function leafAt(entry: string, index: number, bit: number): Spec {
  const start = 0x8000000n;
  const pages = Array.from({ length: 5 }, (_, i) => {
    const page = Buffer.alloc(4096);
    if (i < 4) page.writeBigUInt64LE(start + BigInt(i + 1) * 4096n, index * 8);
    else page.writeUInt8(1 << (bit % 8), bit >> 3);
    return page;
  });
  const patch = [{ addr: start, bytes: Buffer.concat(pages) }];
  return override({ [`memory-map/nodes[0]/${entry}`]: start }, { patch });
}

/** By the check that each breaks. */
export const FIXTURES = {
  'boot-record-absent': ignored({ target: { release: '6.18' }, finalized: false }),
  'setup-data-type': ignored(override({ 'setup_data/type': 99 })),
  'setup-data-unmapped': broken(override({ 'setup_data/len': 0 })),
  'setup-data-length': revived(override({ 'setup_data/len': 24 })),
  'fdt-unmapped': broken(override({ 'kho_data/fdt_size': 0 })),
  'fdt-header': rejected(override({ 'root-fdt/header/magic': 0 })),
  'fdt-header-alignment': rejected(override({ 'root-fdt/header/off_mem_rsvmap': 44 })),
  'fdt-compatible': rejected(override({ 'root-fdt/compatible': 'kho-v9' })),
  'memory-map-property': rejected(override({ 'root-fdt/preserved-memory-map': null })),
  'memory-map-zero': rejected({ ...good, finalized: false }),
  'fdt-size': revived(override({ 'kho_data/fdt_size': 1024 })),
  'fdt-beyond-record': broken(
    override({ 'root-fdt/header/totalsize': 16384, 'root-fdt/header/off_dt_strings': 8192 }),
  ),
  'fdt-crosses-page': revived(override({ 'root-fdt/header/totalsize': 8192 })),
  'fdt-structure': ignored(override({ 'root-fdt/header/size_dt_struct': 60 })),
  'fdt-duplicate-node': revived({
    ...withRaw('twin', Buffer.from('a')),
    target: { release: '6.18' },
    subtrees: [test, raw('twin', Buffer.from('a')), raw('twin', Buffer.from('b'))],
    allow: ['fdt-duplicate-node'],
  }),
  'generation-look-alike': broken({ target: { release: '6.17' } }, '6.18'),
  'scratch-unmapped': broken(override({ 'kho_data/scratch_size': 0 })),
  'scratch-array-null': broken(override({ 'kho_data/scratch_addr': 0 })),
  'scratch-array-outside-ram': broken(override({ 'kho_data/scratch_addr': '0x80000000' })),
  'scratch-array-outside-scratch': revived({
    ...override({ 'kho_data/scratch_addr': '0x8000000' }),
    patch: [{ addr: '0x8000000', bytes: Buffer.concat([word(0x10000000n), word(64n * MiB)]) }],
    scratch: [{ addr: '0x10000000', size: '64MiB' }],
  }),
  'scratch-array-partial': revived(override({ 'kho_data/scratch_size': 40 })),
  'scratch-none': broken(override({ 'kho_data/scratch_size': 8 })),
  'scratch-small': broken({ ...good, scratch: [{ size: '12MiB' }] }),
  'scratch-empty-entry': revived({ ...good, scratch: [{ size: '64MiB' }, { size: 0 }] }),
  'scratch-alignment': revived({
    ...good,
    scratch: [
      { addr: '0x10000000', size: '64MiB' },
      { addr: '0x18001000', size: '16MiB' },
    ],
    allow: ['scratch-alignment'],
  }),
  'scratch-outside-ram': broken({
    ...good,
    scratch: [
      { addr: '0x10000000', size: '64MiB' },
      { addr: '0x80000000', size: '16MiB' },
    ],
    allow: ['scratch-outside-ram'],
  }),
  'scratch-overlap-scratch': revived({
    ...good,
    scratch: [
      { addr: '0x10000000', size: '64MiB' },
      { addr: '0x12000000', size: '64MiB' },
    ],
    allow: ['scratch-overlap-scratch'],
  }),
  'scratch-overlap': revived({
    ...good,
    scratch: [{ addr: '0x10000000', size: '64MiB' }],
    place: { 'kexec-metadata': '0x10100000' },
    allow: ['scratch-overlap'],
  }),
  'early-memory': broken({
    ...good,
    scratch: [{ addr: '0x10000000', size: '64MiB' }],
    place: { 'kexec-metadata': '0x13f00000' },
    allow: ['scratch-overlap'],
  }),
  'outside-ram': broken({
    ...good,
    preserve: [{ name: 'beyond', order: 0, addr: '0x80000000' }],
    allow: ['outside-ram'],
  }),
  'first-megabyte': revived({
    ...good,
    preserve: [{ name: 'low', order: 0, addr: '0x10000' }],
    allow: ['first-megabyte'],
  }),
  'fdt-alone': { ...revived(good), from: (image) => ({ ...image, fdtAlone: true }) },
  'ram-guessed': { ...revived(good), from: (image) => ({ ...image, ramGuessed: true }) },
  'memory-absent': {
    ...revived(good),
    from: (image) => ({ ...image, absent: [{ start: 0n, size: 1n << 40n }] }),
  },
  'dump-truncated': { ...revived(good), from: (image) => ({ ...image, cutShort: true }) },
  'ram-unknown': { ...revived(good), from: (image) => ({ ...image, ram: [] }) },
  'map-node-alignment': broken(override({ 'memory-map/nodes[0]/table[2]': '0x201008' })),
  'map-node-twice': broken({
    ...good,
    override: { 'memory-map/nodes[0]/table[5]': '0x220000' },
    place: { 'memory-map': '0x220000' },
  }),
  'map-node-empty': revived(override({ 'memory-map/nodes[0]/table[5]': '0x8000000' })),
  'map-key': broken(leafAt('table[511]', 0, 0)),
  'map-address': broken(leafAt('table[3]', 511, 32767)),
  'map-chunk': broken({
    target: { release: '6.19' },
    subtrees: [test],
    override: { 'memory-map/chunks[0]/num_elms': 300 },
  }),
  'map-partly-read': revived({
    ...good,
    ram: '80GiB',
    preserve: [{ name: 'many', order: 0, count: 2 ** 24 + 1 }],
  }),
  'map-node-preserved': revived({
    ...good,
    place: { 'memory-map': '0x8000000' },
    preserve: [{ name: 'nodes', order: 0, count: 64, addr: '0x8000000' }],
    allow: ['placement-overlap'],
  }),
  'map-empty': broken({ ...good, omit: ['memory-map'] }),
  'preserved-twice': revived({
    ...good,
    preserve: [
      { name: 'large', order: 2, addr: '0x8000000' },
      { name: 'small', order: 0, addr: '0x8001000' },
    ],
    allow: ['placement-overlap'],
  }),
  'memory-short': broken({
    ...good,
    scratch: [{ addr: '0x1ac00000', size: '64MiB' }],
    preserve: [
      { name: 'below', size: '424MiB', addr: '0x400000' },
      { name: 'above', size: '19MiB', addr: '0x1ec00000' },
    ],
  }),
  'range-order': broken({
    ...good,
    target: { release: '7.1' },
    ram: '6GiB',
    scratch: [{ size: '512MiB' }],
    preserve: [{ name: 'large', size: '2GiB', addr: '0x100000000' }],
    allow: ['range-order'],
  }),
  'folio-order': revived({ ...good, preserve: [{ name: 'large', size: '8MiB', addr: '0x8000000' }] }),
  'fdt-not-preserved': broken({ ...good, unpreserve: ['root-fdt'] }),
  'subtree-address': revived(override({ 'root-fdt/kexec-metadata/preserved-data': null })),
  'subtree-blob-size': revived(override({ 'root-fdt/kho_test/blob-size': null })),
  'subtree-name': revived({ ...withRaw('a/b', Buffer.from('mine')), allow: ['fdt-node-name'] }),
  'subtree-not-preserved': broken({ ...good, unpreserve: ['kexec-metadata'] }),
  'subtree-size': broken(
    override({ 'root-fdt/kexec-metadata/blob-size': 8192 }, { place: { 'kexec-metadata': '0x8000000' } }),
  ),
  'subtree-alignment': revived(
    override(
      { 'root-fdt/mine/preserved-data': '0x8000100' },
      {
        subtrees: [metadata, test, raw('mine', Buffer.from('mine'))],
        place: { mine: '0x8000000' },
      },
    ),
  ),
  'subtree-unknown': revived(withRaw('mine', Buffer.from('mine'))),
  'stale-bytes': revived({
    ...withRaw('mine', Buffer.from('mine')),
    place: { mine: '0x8000000' },
    patch: [{ addr: '0x8000080', bytes: Buffer.from('left over') }],
  }),
  'kexec-metadata-size': revived(override({ 'root-fdt/kexec-metadata/blob-size': 3 })),
  'kexec-metadata-version': revived(override({ 'kexec-metadata/version': 2 })),
  'kexec-metadata-release': revived(override({ 'kexec-metadata/previous_release': 'x'.repeat(65) })),
  'kho-test-format': broken(override({ 'kho_test/fdt/magic': 5 })),
  'kho-test-vmalloc': broken(override({ 'kho_test/folios_info/total_pages': 2 })),
  'kho-test-folio': broken({ ...good, unpreserve: ['kho_test/folios[0]'] }),
  'kho-test-checksum': broken(override({ 'kho_test/fdt/data/csum': 5 })),
  'kho-test-contents': { ...revived(good), from: withoutContents },
  'luo-size': broken(withRaw('LUO', Buffer.alloc(16))),
  'luo-compatible': broken(withRaw('LUO', luoSer('luo-v4', 0n))),
  'luo-number': broken({
    target: { release: '7.1' },
    subtrees: [metadata, raw('LUO', tree({ compatible: text('luo-v1') }))],
  }),
  'luo-sessions': broken({
    ...withRaw('LUO', luoSer('luo-v5', 0x8000000n)),
    preserve: [
      {
        name: 'sessions',
        order: 0,
        addr: '0x8000000',
        content: { bytes: Buffer.concat([word(0n), word(52n)]) },
      },
    ],
  }),
  'luo-flbs': broken({
    target: { release: '7.1' },
    subtrees: [
      metadata,
      raw(
        'LUO',
        tree({
          compatible: text('luo-v1'),
          'liveupdate-number': word(1n),
          'luo-session': { compatible: text('luo-session-v2'), 'luo-session-header': word(0x8000000n) },
        }),
      ),
    ],
    preserve: [{ name: 'sessions', order: 4, addr: '0x8000000' }],
  }),
  'luo-not-preserved': revived(withRaw('LUO', luoSer('luo-v5', 0n, 0x8000000n))),
  'luo-array': revived({ ...SESSIONS, target: { release: '7.1' }, override: { 'LUO/sessions/count': 820 } }),
  'luo-session-twice': wrongSession({ 'LUO/sessions[1]/name': 'vm0' }),
  'luo-session-name': wrongSession({ 'LUO/sessions[0]/name': 'x'.repeat(64) }),
  'luo-files': wrongSession({ 'LUO/sessions[0]/file_set_ser.count': 3 }),
  'luo-list-twice': wrongSession(
    { 'LUO/sessions[1]/file_set_ser.files': 0x8000000, 'LUO/sessions[1]/file_set_ser.count': 2 },
    { place: { 'LUO/sessions[0]/files/blocks[0]': 0x8000000 } },
  ),
  'luo-handler': wrongSession({ [`${FILE}/compatible`]: 'memfd-v9' }),
  'luo-token-twice': wrongSession({ 'LUO/sessions[0]/files[1]/token': 0x1000 }),
  'memfd-seals': wrongSession({ [`${MEMFD}/seals`]: 0x44 }),
  'memfd-seal-exec': wrongSession({ [`${MEMFD}/seals`]: 0x20 }),
  'memfd-size': wrongSession({ [`${MEMFD}/size`]: 2n ** 63n }),
  'memfd-position': wrongSession({ [`${MEMFD}/pos`]: 2n ** 63n }),
  'memfd-list': wrongSession({ [`${MEMFD}/folios/chunks[0]/phys[0]`]: 0 }),
  'memfd-folio': wrongSession({}, { unpreserve: [`${MEMFD}/folios[3]`] }),
  'memfd-index-twice': wrongSession({ [`${MEMFD}/folios[1]/index`]: 0 }),
  'memfd-index': wrongSession({ [`${MEMFD}/folios[3]/index`]: 9 }),
  'memfd-folio-flags': wrongSession({ [`${MEMFD}/folios[1]/flags`]: 1 }),
  'memfd-large-folio': revived({
    ...good,
    subtrees: [
      {
        luo: {
          sessions: [{ name: 'vm0', files: [{ token: 1, memfd: { content: { zero: '64KiB' }, order: 2 } }] }],
        },
      },
    ],
  }),
  'memblock-format': revived(withRaw('memblock', tree({ compatible: text('memblock-v9') }))),
  'memblock-region': revived(
    withRaw(
      'memblock',
      tree({ compatible: text('memblock-v1'), trace: { compatible: text('reserve-mem-v9') } }),
    ),
  ),
  'memblock-not-preserved': revived(
    withRaw('memblock', tree({ compatible: text('memblock-v1'), trace: region(0x8000000n, 4096n) })),
  ),
} satisfies Readonly<Record<string, Fixture>>;

export type FixtureName = keyof typeof FIXTURES;

export function isFixture(name: string): name is FixtureName {
  return Object.hasOwn(FIXTURES, name);
}
