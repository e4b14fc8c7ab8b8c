import { describe, expect, it } from 'vitest';
import { type Item, knownProfile, type Profile } from '../../src/abi/profile.ts';
import { KhoforgeError } from '../../src/base/errors.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { targetOf } from '../../src/profile/target.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages, isSame } from '../../src/receive/diff.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { specOf } from '../../src/respec/as-spec.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { allBytes } from '../memory/all-bytes.ts';

/** Releases by what their images have; 7.2 has what 7.3 has. */
const RELEASES = ['6.17', '6.18', '6.19', '7.1', '7.3'] as const;

/** Two of everything, so that what is behind the first is seen too. */
const file = (token: bigint, page: bigint) => ({
  token,
  memfd: { size: 4n * page, content: [{ text: 'a' }, { at: 2n * page, text: 'b' }] },
});
const subtreesFor = (page: bigint) =>
  ({
    'kexec-metadata': { previous_release: '7.0.0', kexec_count: 3 },
    kho_test: { orders: [0, 1] },
    reserve_mem: [{ name: 'oops', size: page }],
    luo: {
      sessions: [
        { name: 'vm0', files: [file(1n, page), file(2n, page)] },
        { name: 'vm1', files: [file(1n, page)] },
      ],
      flbs: [
        { name: 'pci', data: 1n },
        { name: 'iommu', data: 2n },
      ],
    },
  }) satisfies NonNullable<Spec['subtrees']>[number];

/** Which release hands over what. */
function specFor(release: string, pageSize: number): Spec {
  const { luo, kho_test, reserve_mem, 'kexec-metadata': metadata } = subtreesFor(BigInt(pageSize));
  const old = [{ kho_test }, { reserve_mem }];
  const { flbs: _, ...withoutFlbs } = luo;
  const parts: Readonly<Record<string, Spec['subtrees']>> = {
    '6.17': old,
    '6.18': old,
    '6.19': [...old, { luo: withoutFlbs }],
    '7.1': [...old, { 'kexec-metadata': metadata }, { luo }],
    '7.3': [...old, { 'kexec-metadata': metadata }, { luo }],
  };
  // A region is made of pageblocks: 2, 32 or 512 MiB.
  const size = pageSize === 65536 ? '512MiB' : '32MiB';
  const ram = pageSize === 65536 ? '4GiB' : '256MiB';
  return { ram, scratch: [{ size }, { size }], subtrees: parts[release] ?? [] };
}

/**
 * Items that this image has no byte of, and why a changed one is right all the same. Whether the code asks for them is
 * tested where an image is large enough.
 */
const NO_BYTES: Readonly<Record<string, string>> = {
  KHO_MAX_BLOCKS: 'a limit: no chain here comes near it',
  LUO_SESSION_MAX: 'a limit',
  LUO_FILE_MAX: 'a limit',
  LUO_FLB_MAX: 'a limit',
  LIVEUPDATE_HNDL_COMPAT_LENGTH: 'a limit of the text: the field has its own size',
  LIVEUPDATE_SESSION_NAME_LENGTH: 'the same',
  LIVEUPDATE_FLB_COMPAT_LENGTH: 'the same',
  LUO_FDT_SIZE: 'the room for an FDT that is packed; one byte more needs a second page',
  LUO_ABI_COMPAT_LEN: 'the same',
  __NEW_UTS_LEN: 'the same',
  KHO_VMALLOC_HUGE_VMAP: 'a flag that vmalloc() does not set',
};

interface Mutant {
  /** The item that changed. */
  readonly name: string;
  readonly what: string;
  readonly profile: Profile;
}

function mutantsOf(profile: Profile): Mutant[] {
  const withItems = (change: (item: Item) => Item): Profile => ({
    ...profile,
    items: profile.items.map(change),
  });
  return profile.items.flatMap((item): Mutant[] => {
    const { name, kind, value, offset, size, bitOffset, bitWidth } = item;
    const mutant = (what: string, own: Partial<Item>): Mutant => ({
      name,
      what,
      profile: withItems((one) => (one === item ? { ...one, ...own } : one)),
    });
    const renamed: Mutant = {
      name,
      what: 'renamed',
      profile: withItems((one) => (one === item ? { ...one, name: `${name}_` } : one)),
    };
    if (typeof value === 'string') return [mutant('text', { value: `${value}x` }), renamed];
    // Flags are or-ed: one that becomes another one's bit would change nothing.
    const isFlag = /_VMALLOC_(ALLOC|HUGE_VMAP)$|_FOLIO_/.test(name);
    if (typeof value === 'number')
      return [mutant('number', { value: isFlag ? value * 4 : value + 1 }), renamed];
    if (kind === 'property') return [mutant('bytes', { size: (size ?? 0) + 1 }), renamed];
    if (kind === 'struct') return [mutant('size', { size: (size ?? 0) + 8 })];
    const [struct = ''] = name.split('.');
    const moved = (bytes: number): Mutant => ({
      name,
      what: `moved by ${bytes} bytes, with all behind it`,
      profile: withItems((one) => moveBehind(one, struct, offset ?? Math.floor((bitOffset ?? 0) / 8), bytes)),
    });
    if (bitOffset !== undefined && bitWidth !== undefined)
      return [
        mutant('bit', { bitOffset: bitOffset + 1 }),
        {
          name,
          what: 'border between bits',
          profile: withItems((one) => moveBorder(one, struct, bitOffset)),
        },
        moved(8),
      ];
    return [
      mutant('offset', { offset: (offset ?? 0) + 1 }),
      mutant('bytes', { size: (size ?? 0) + 1 }),
      moved(1),
      moved(8),
    ];
  });
}

/** A structure in which so many bytes come before an offset. */
function moveBehind(item: Item, struct: string, from: number, bytes: number): Item {
  if (item.name === struct) return { ...item, size: (item.size ?? 0) + bytes };
  if (!item.name.startsWith(`${struct}.`)) return item;
  const { offset, bitOffset } = item;
  if (offset !== undefined && offset >= from) return { ...item, offset: offset + bytes };
  if (bitOffset !== undefined && bitOffset >= from * 8) return { ...item, bitOffset: bitOffset + bytes * 8 };
  return item;
}

/** Bit-fields of which one begins two bits earlier, or of the first, ends so. */
function moveBorder(item: Item, struct: string, from: number): Item {
  const { name, bitOffset, bitWidth } = item;
  if (!name.startsWith(`${struct}.`) || bitOffset === undefined || bitWidth === undefined) return item;
  if (bitOffset === 0) return { ...item, bitWidth: bitWidth - 2 };
  return from === 0 || from === bitOffset
    ? { ...item, bitOffset: bitOffset - 2, bitWidth: bitWidth + 2 }
    : item;
}

function bytesOf({ memory, bootRecord, scratch }: Image): string {
  const extents = allBytes(memory).map(
    ({ start, bytes }) => `${start}:${Buffer.from(bytes).toString('latin1')}`,
  );
  const record = Object.values(bootRecord).map(String);
  return [...extents, ...record, ...scratch.map(({ start, size }) => `${start}+${size}`)].join('\n');
}

/** Which user each subtree is of, by how it is decoded and by the entry of the spec that is made of it. */
function usersOf(image: Image): { formats: string[]; entries: string[]; problems: readonly string[] } {
  const inspection = inspect(image);
  const spec = specOf(image, inspection);
  return {
    formats: inspection.subtrees.map(({ decoded }) => decoded?.format ?? 'raw').toSorted(),
    entries: (spec.subtrees ?? []).flatMap((entry) => Object.keys(entry)).toSorted(),
    problems: inspection.problems,
  };
}

/** What is wrong with what khoforge makes of a mutant; undefined when it is refused by name, or right. */
function faultOf({ name, profile }: Mutant, spec: Spec, plain: Plain): string | undefined {
  try {
    return faultOfImage(name, buildImage(spec, { target: targetOf(profile).target }), plain);
  } catch (error) {
    if (!(error instanceof KhoforgeError)) return `throws ${String(error)}`;
    const [struct = name] = name.split('.');
    if (error.code !== 'TARGET_INEXPRESSIBLE') return `${error.code}: ${error.message}`;
    return error.message.includes(struct) ? undefined : `is refused without its name: ${error.message}`;
  }
}

function faultOfImage(name: string, image: Image, plain: Plain): string | undefined {
  const same = bytesOf(image) === plain.bytes;
  if (same && NO_BYTES[name] === undefined) return 'is accepted, and makes the same image';
  const found = usersOf(image);
  if (found.problems.length > 0) return `inspect: ${found.problems.join('; ')}`;
  const wanted = plain.users;
  if (String(found.formats) !== String(wanted.formats)) return `inspect: ${found.formats}`;
  if (String(found.entries) !== String(wanted.entries)) return `as a spec: ${found.entries}`;
  const fault = plain.checks ? verifyFault(image, plain.checks) : undefined;
  if (fault !== undefined) return fault;
  return same || !isSame(diffImages(plain.image, image)) ? undefined : 'diff finds no difference';
}

/** What 6.17 checks was not read from its source. */
const hasReceiver = ({ target }: Image) =>
  target.generation.releases.some((release) => RECEIVERS.includes(release));

function verifyFault(image: Image, wanted: readonly string[]): string | undefined {
  const { verdict, findings } = verifyImage(image);
  const texts = findings.map(({ check, text }) => `${check}: ${text}`).join('; ');
  if (verdict !== 'revived') return `verify: ${verdict}: ${texts}`;
  return String(findings.map(({ check }) => check)) === String(wanted) ? undefined : `verify: ${texts}`;
}

/** The image of the release itself, and what is read in it. */
interface Plain {
  readonly image: Image;
  readonly bytes: string;
  readonly users: ReturnType<typeof usersOf>;
  /** Checks that it breaks; undefined without a receiver. */
  readonly checks: readonly string[] | undefined;
}

function plainOf(image: Image): Plain {
  const checks = hasReceiver(image) ? verifyImage(image).findings.map(({ check }) => check) : undefined;
  return { image, bytes: bytesOf(image), users: usersOf(image), checks };
}

/** The page size decides layouts and depths; a release's own ABI is the same on each architecture. */
const PROFILES = [
  ...RELEASES.map((release) => ({ release, arch: 'x86_64', pageSize: 4096 }) as const),
  { release: '6.18', arch: 'arm64', pageSize: 65536 },
  { release: '7.3', arch: 'arm64', pageSize: 16384 },
] as const;

describe.each(PROFILES)('each item of the profile of $release, $arch, $pageSize, changed by one', (one) => {
  const { release, arch, pageSize } = one;
  const profile = knownProfile(release, arch, pageSize);
  if (profile === undefined) throw new Error(`no profile of ${release}`);
  const spec = specFor(release, pageSize);
  const plain = plainOf(buildImage(spec, { target: targetOf(profile).target }));

  it('makes another image that is read back as what it is, or is refused by its name', () => {
    const mutants = mutantsOf(profile);
    expect(mutants.length).toBeGreaterThan(80);
    const faults = mutants.flatMap((mutant) => {
      const fault = faultOf(mutant, spec, plain);
      return fault === undefined ? [] : [`${mutant.name} (${mutant.what}): ${fault}`];
    });
    expect(faults).toEqual([]);
  });
});
