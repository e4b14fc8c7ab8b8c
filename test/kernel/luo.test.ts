import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { initLines } from '../../src/guest/initrd.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { luoInitrd, type PlannedSession } from './plans.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const said: string[] = [];
afterAll(() => console.log(said.join('\n')));

/** include/uapi/linux/fcntl.h: F_SEAL_SEAL, F_SEAL_SHRINK, … */
const SEALS: Readonly<Record<string, number>> = { seal: 1, shrink: 2, grow: 4, write: 8 };

interface File {
  readonly token: bigint;
  readonly size: number;
  readonly position?: number;
  readonly seals?: readonly string[];
  /** Parts of the file that are no hole: start and end. */
  readonly data: readonly (readonly [number, number])[];
}

interface Session {
  readonly name: string;
  readonly files: readonly File[];
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** What the spec below says, once more, as user space will see it. */
const SESSIONS: readonly Session[] = [
  {
    name: 'vm0',
    files: [
      {
        token: 0x1000n,
        size: 3 * MiB,
        data: [
          [0, MiB],
          [2 * MiB, 3 * MiB],
        ],
      },
      { token: 0x2an, size: 64 * KiB, position: 16, seals: ['shrink', 'grow'], data: [[0, 64 * KiB]] },
    ],
  },
  {
    name: 'systemd',
    files: [
      { token: 1n, size: 23, data: [[0, 23]] },
      { token: 0n, size: 5000, data: [[0, 5000]] },
    ],
  },
  { name: 'empty', files: [] },
];

const specOf = (release: string): Spec => ({
  target: { release },
  subtrees: [
    {
      luo: {
        sessions: [
          {
            name: 'vm0',
            files: [
              {
                token: 0x1000,
                memfd: {
                  size: '3MiB',
                  content: [
                    { at: 0, seed: 'one', size: '1MiB' },
                    { at: '2MiB', seed: 'two', size: '1MiB' },
                  ],
                },
              },
              {
                token: 0x2a,
                memfd: {
                  // memfd-v1 has no seals.
                  ...(release !== '6.19' && { seals: ['shrink', 'grow'] }),
                  position: 16,
                  content: { seed: 'state', size: '64KiB' },
                },
              },
            ],
          },
          {
            name: 'systemd',
            files: [
              { token: 1, memfd: { content: { text: 'what myapp.service kept' } } },
              { token: 0, memfd: { content: { seed: 'map', size: 5000 } } },
            ],
          },
          { name: 'empty' },
        ],
      },
    },
  ],
});

/** sha256 of each file by khoforge's own account, to be held against the guest's. */
function hashes(image: Image): string[] {
  const luo = inspect(image).subtrees.find(({ name }) => name === 'LUO');
  return [
    ...JSON.stringify(luo?.decoded?.fields, (_key, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    ).matchAll(/"sha256":"([0-9a-f]{64})"/g),
  ].map(([, hash = '']) => hash);
}

function expectedLines(release: string, sums: readonly string[]): string[] {
  const left = [...sums];
  return SESSIONS.flatMap(({ name, files }) => [
    `session ${name}: retrieved`,
    ...files.map(({ token, size, position = 0, seals, data }) => {
      const bits =
        release === '6.19' ? 1 : (seals ?? ['seal']).reduce((all, seal) => all | (SEALS[seal] ?? 0), 0);
      const ranges = data.map(([start, end]) => `${start}-${end}`).join(' ');
      const head = `file 0x${token.toString(16)} size ${size} position ${position} seals 0x${bits.toString(16)}`;
      return `${head} data ${ranges} read ${size} sha256 ${left.shift()}`;
    }),
    `finish ${name}: done`,
  ]);
}

const RELEASES = ['7.3', ...RECEIVERS].filter((release) => !['6.17', '6.18'].includes(release));

interface Case {
  readonly name: string;
  readonly release: string;
  /** Changes of the spec. */
  readonly more?: Spec;
  /** Arguments of build-kernel.sh. */
  readonly kernel: readonly string[];
}

const ROOM: Spec = { ram: '4GiB', scratch: [{ size: '512MiB' }, { size: '512MiB' }] };

const CASES: readonly Case[] = [
  ...RELEASES.map((release) => ({ name: `a ${release} kernel`, release, kernel: ['--release', release] })),
  ...['4', '16', '64'].map((size) => ({
    name: `an arm64 kernel with pages of ${size} KiB`,
    release: '7.3',
    more: { ...ROOM, target: { release: '7.3', arch: 'arm64' as const, page_size: `${size}KiB` } },
    kernel: ['--arch', 'arm64', '--page-size', `${size}K`],
  })),
];

describe.each(CASES)('sessions on $name', ({ name, release, more, kernel }) => {
  const missing = whyUnfetchable(release);
  it.skipIf(missing !== undefined)('are retrieved by user space as the spec has them', async () => {
    const image = buildImage({ ...specOf(release), ...more });
    const plan = SESSIONS.map(
      ({ name, files }): PlannedSession => ({ name, tokens: files.map(({ token }) => token) }),
    );
    const initrd = luoInitrd(plan, image.target.arch);
    const options = { initrd, cmdline: 'liveupdate=on', timeout: 120 };
    const result = await bootImage(image, { kernel: buildKernel(...kernel), ...options });
    const lines = consoleLines(readFileSync(result.console)).map(message);
    const own = initLines(lines).slice(1);
    said.push(`${name}: ${result.verdict}, ${result.reason}`, ...own.map((line) => `    ${line}`));
    const sums = hashes(image);
    expect(sums).toHaveLength(4);
    expect(own).toEqual([...expectedLines(release, sums), 'done']);
  });
});
