import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { initLines } from '../../src/guest/initrd.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { luoInitrd } from './plans.ts';
import { buildKernel } from './receiver.ts';

/** Where the block of files of session `bad` is. */
const LOOP = 0x4000000;

type Override = NonNullable<Spec['override']>;

/** One field wrong, what `verify` calls it, and what user space of a 7.3 kernel gets: found by booting. */
interface BadUser {
  readonly what: string;
  readonly override: Override;
  readonly check: string;
  /** Of session `bad` and its two files; a retrieved one with its size and the end of its data. */
  readonly gets: readonly string[];
}

const FILE = 'LUO/sessions[1]/files[0]';
const MEMFD = `${FILE}/memfd`;
const SESSION = 'session bad: retrieved';
const ONE = 'file 0x1 size 16384 data 0-16384';
const TWO = 'file 0x2 size 3 data 0-3';
const DONE = 'finish bad: done';
/** For each of the two sessions. */
const CLOSED = 'error /dev/liveupdate Input/output error';

const BAD: readonly BadUser[] = [
  {
    what: 'seals that are unknown',
    override: { [`${MEMFD}/seals`]: 0x80000000 },
    check: 'memfd-seals',
    gets: [SESSION, 'file 0x1: EOPNOTSUPP', TWO, DONE],
  },
  {
    what: 'a folio index beyond the size',
    override: { [`${MEMFD}/folios[3]/index`]: 9 },
    check: 'memfd-index',
    gets: [SESSION, 'file 0x1 size 16384 data 0-12288', TWO, DONE],
  },
  {
    what: 'a folio index twice',
    override: { [`${MEMFD}/folios[3]/index`]: 2 },
    check: 'memfd-index-twice',
    gets: [SESSION, 'file 0x1: EEXIST', TWO, DONE],
  },
  {
    what: 'a folio that is not preserved',
    override: { [`${MEMFD}/folios[3]/pfn`]: 0x9000 },
    check: 'memfd-folio',
    gets: [SESSION, 'file 0x1: EIO', TWO, DONE],
  },
  {
    what: 'more folios than the list has room for',
    override: { [`${MEMFD}/nr_folios`]: 1000 },
    check: 'memfd-list',
    // The kernel faults, and takes init with it.
    gets: [SESSION],
  },
  {
    what: 'a list of more pages than its chunks',
    override: { [`${MEMFD}/folios.total_pages`]: 2 },
    check: 'memfd-list',
    gets: [SESSION, 'file 0x1: EINVAL', TWO, DONE],
  },
  {
    what: 'a chunk of no pages',
    override: { [`${MEMFD}/folios/chunks[0]/phys[0]`]: 0 },
    check: 'memfd-list',
    gets: [SESSION, 'file 0x1: EINVAL', TWO, DONE],
  },
  {
    what: 'a token twice',
    override: { 'LUO/sessions[1]/files[1]/token': 1 },
    check: 'luo-token-twice',
    gets: [SESSION, ONE, 'file 0x2: ENOENT', DONE],
  },
  {
    what: 'a handler that is unknown',
    override: { [`${FILE}/compatible`]: 'vfio-v1' },
    check: 'luo-handler',
    gets: [CLOSED, CLOSED],
  },
  {
    what: 'more files than there are',
    override: { 'LUO/sessions[1]/file_set_ser.count': 3 },
    check: 'luo-files',
    gets: [CLOSED, CLOSED],
  },
  {
    what: 'a block of files that follows itself',
    override: { 'LUO/sessions[1]/files/blocks[0]/next': LOOP },
    check: 'luo-files',
    gets: [CLOSED, CLOSED],
  },
  {
    what: 'a session name twice',
    override: { 'LUO/sessions[1]/name': 'good' },
    check: 'luo-session-twice',
    gets: [CLOSED, CLOSED],
  },
  {
    what: 'another version of LUO',
    override: { 'LUO/compatible': 'luo-v9' },
    check: 'luo-compatible',
    // The kernel panics before there is any user space.
    gets: [],
  },
];

const spec = (override: Override): Spec => ({
  target: { release: '7.3' },
  subtrees: [
    {
      luo: {
        sessions: [
          { name: 'good', files: [{ token: 9, memfd: { content: { text: 'good' } } }] },
          {
            name: 'bad',
            files: [
              { token: 1, memfd: { content: { seed: 'one', size: '16KiB' } } },
              { token: 2, memfd: { content: { text: 'two' } } },
            ],
          },
        ],
      },
    },
  ],
  override,
  place: { 'LUO/sessions[1]/files/blocks[0]': LOOP },
});

let kernel: string;
let initrd: Buffer;
const said: string[] = [];

beforeAll(() => {
  kernel = buildKernel('--release', '7.3');
  initrd = luoInitrd([
    { name: 'bad', tokens: [1n, 2n] },
    { name: 'good', tokens: [9n] },
  ]);
});
afterAll(() => {
  console.log(said.join('\n'));
});

/** Without position, seals and hash, and what the kernel printed into the line. */
function brief(line: string): string {
  return line
    .replace(/\[ *\d+\.\d+\].*/, '')
    .replace(/ position \d+ seals 0x\w+/, '')
    .replace(/ read .*/, '');
}

describe('user space of a 7.3 kernel', () => {
  it.each(BAD.map((one) => [one.what, one] as const))('meets %s', async (_what, bad) => {
    const image = buildImage(spec(bad.override));
    const predicted = verifyImage(image);
    const options = { kernel, initrd, cmdline: 'liveupdate=on', timeout: 90 };
    const result = await bootImage(image, options);
    const lines = consoleLines(readFileSync(result.console)).map(message);
    const own = initLines(lines);
    const theirs = lines.filter((line) => /^(luo|memfd_luo|kho_block|WARNING|BUG|Kernel panic)/.test(line));
    said.push(`${bad.what}: ${predicted.findings.map(({ check }) => check).join()}`);
    said.push(...[...theirs, ...own].map((line) => `    ${line.slice(0, 160)}`));
    expect(
      own.filter((line) => /^(session bad|finish bad|file 0x[12] |file 0x[12]:|error)/.test(line)).map(brief),
    ).toEqual(bad.gets);
    expect(predicted.findings.map(({ check }) => check)).toContain(bad.check);
    // Some of the kernel's lines end with an error number.
    for (const { kernel: line } of predicted.findings) {
      if (line !== null) expect(lines.join('\n')).toContain(line);
    }
  });
});
