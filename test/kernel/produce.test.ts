import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Arch } from '../../src/abi/arch.ts';
import { hex } from '../../src/base/numbers.ts';
import { bootImage } from '../../src/boot/boot-image.ts';
import { type Produced, produceHandover } from '../../src/first-kernel/produce.ts';
import { retrievalPlan, type SaidSession, saidSessions } from '../../src/first-kernel/said.ts';
import { RESERVED } from '../../src/first-kernel/stage.ts';
import type { Step } from '../../src/first-kernel/steps.ts';
import { readImageDirectory } from '../../src/formats/directory.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { buildInitrd, initLines, planLine } from '../../src/guest/initrd.ts';
import type { Image } from '../../src/model/image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { digestImage, partAt } from '../../src/receive/digest.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { khoforge } from '../cli/run.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-produce-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

interface Kernel {
  readonly name: string;
  readonly release: string;
  readonly arch: Arch;
  readonly args: readonly string[];
}

const x86 = (release: string): Kernel => ({
  name: `${release} x86_64`,
  release,
  arch: 'x86_64',
  args: ['--release', release],
});
const KERNELS: readonly Kernel[] = [
  ...['7.3', ...RECEIVERS].map(x86),
  { name: '7.3 arm64 4K', release: '7.3', arch: 'arm64', args: ['--arch', 'arm64', '--page-size', '4K'] },
];

const SEALS = ['seal', 'shrink', 'grow', 'write', 'future_write', 'exec'];

/** What our own reader finds in an image, in the words of init. */
function readSessions(image: Image): unknown {
  const luo = inspect(image).subtrees.find(({ name }) => name === 'LUO');
  const { sessions = [] } = JSON.parse(
    JSON.stringify(luo?.decoded?.fields ?? {}, (_key, value) =>
      typeof value === 'bigint' ? hex(value) : value,
    ),
  );
  return sessions.map(({ name, files }: { name: string; files: ReadFile[] }) => ({
    name,
    files: files.map(({ token, memfd }) => ({
      token,
      size: memfd.size,
      position: memfd.position,
      seals: memfd.seals?.reduce((bits, seal) => bits | (1 << SEALS.indexOf(seal)), 0),
      sha256: memfd.sha256,
    })),
  }));
}

interface ReadFile {
  readonly token: string;
  readonly memfd: {
    readonly size: string;
    readonly position: string;
    readonly seals?: readonly string[];
    readonly sha256: string;
  };
}

interface Document {
  readonly steps: readonly Step[];
  readonly sessions: readonly { readonly name: string; readonly files: readonly object[] }[];
  readonly handover: { readonly subtrees: readonly string[]; readonly problems: readonly unknown[] };
}

/** 6.19 hands over no seals: a memfd is made anew, and memfd_create() seals it against seals (mm/memfd_luo.c). */
const LOST_SEALS = 1;
const hasSeals = (release: string) => release !== '6.19';

const withoutSeals = (sessions: unknown): unknown =>
  JSON.parse(JSON.stringify(sessions, (key, value) => (key === 'seals' ? undefined : value)));

describe.each(KERNELS)('a real $name as the first kernel', ({ name, release, arch, args }) => {
  const missing = whyUnfetchable(release);
  const output = join(folder, name.replaceAll(' ', '-'));
  let kernel: string;
  let document: Document;

  beforeAll(() => {
    if (missing !== undefined) return;
    kernel = buildKernel(...args);
    const { code, stdout, stderr } = khoforge(['produce', '--kernel', kernel, '-o', output, '--json']);
    if (code !== 0) throw new Error(`exit ${code}: ${stdout}${stderr}`);
    document = JSON.parse(stdout);
    said.push(`${name}: ${document.steps.map((step) => `${step.name}: ${step.text}`).join('; ')}`);
  });

  it.skipIf(missing !== undefined)('gets to the jump, and hands over what it made', () => {
    expect(document.steps.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(document.steps.at(-1)?.name).toBe('handover');
    expect(document.handover.problems).toEqual([]);
    const all = [
      'memblock',
      'kho_test',
      ...(release >= '6.19' ? ['LUO'] : []),
      ...(release >= '7.1' ? ['kexec-metadata'] : []),
    ];
    expect(document.handover.subtrees.toSorted()).toEqual(all.toSorted());
    expect(JSON.parse(readFileSync(join(output, 'produced.json'), 'utf8'))).toEqual(document);
  });

  it.skipIf(missing !== undefined)('is read as what its init says that it made', () => {
    const theirs = document.sessions.map(({ name: session, files }) => ({ name: session, files }));
    said.push(`  ${theirs.length} sessions, ${theirs.flatMap(({ files }) => files).length} files`);
    const ours = readSessions(readImageDirectory(output));
    if (hasSeals(release)) expect(ours).toEqual(theirs);
    else expect(withoutSeals(ours)).toEqual(withoutSeals(theirs));
  });

  it.skipIf(missing !== undefined)(
    'is revived by the same kernel, whose user space gets all of it back',
    async () => {
      const image = readImageDirectory(output);
      expect(verifyImage(image, { receiver: release }).verdict).toBe('revived');
      const made: SaidSession[] = document.sessions.map(({ name: session, files }) => ({
        name: session,
        files: files.map((file) => fileOf(file)),
        errors: [],
      }));
      const initrd = buildInitrd({ arch, plan: retrievalPlan(made) });
      const cmdline = `liveupdate=on reserve_mem=1M:4096:${RESERVED}`;
      const result = await bootImage(image, { kernel, initrd, cmdline, timeout: 120 });
      const lines = consoleLines(readFileSync(result.console)).map(message);
      said.push(`  ${result.verdict}: ${result.reason}`, ...lines.filter((line) => /: E[A-Z]+$/.test(line)));
      expect(result.verdict).toBe('revived');
      expect(lines).toContain(`Revived memory reservation '${RESERVED}' from KHO`);
      const kept = (file: SaidSession['files'][number]) =>
        hasSeals(release) ? file : { ...file, seals: LOST_SEALS };
      expect(saidSessions(initLines(lines))).toEqual(
        made.map((session) => ({ ...session, files: session.files.map(kept) })),
      );
    },
  );
});

describe('the digest of the sessions', () => {
  it('is the same of all kernels that hand over seals, whatever form they keep them in', () => {
    const whole = KERNELS.filter(({ release }) => release >= '7.1' && whyUnfetchable(release) === undefined);
    const digests = whole.map(({ name }) => {
      const { whole: digest } = digestImage(readImageDirectory(join(folder, name.replaceAll(' ', '-'))));
      return partAt(digest, 'LUO')?.sha256;
    });
    said.push(`digests: ${[...new Set(digests)].join(', ')}`);
    expect(digests).toEqual(whole.map(() => digests[0]));
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

function fileOf(file: object): SaidSession['files'][number] {
  const { token, size, position, seals, sha256 } = JSON.parse(JSON.stringify(file));
  return { token: BigInt(token), size: BigInt(size), position: BigInt(position), seals, sha256 };
}

const failing = (options: Parameters<typeof produceHandover>[0]): Promise<Produced> =>
  produceHandover({ timeout: 300, ...options }, (produced) => produced);

describe('a first kernel that hands nothing over', () => {
  it('because KHO is off says so, and leaves nothing', () => {
    const output = join(folder, 'off');
    const { code, stdout } = khoforge([
      ...['produce', '--kernel', buildKernel(), '-o', output, '--cmdline', 'kho=off'],
    ]);
    said.push(stdout);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\S+ hands nothing over: handover failed$/m);
    expect(stdout).toContain('add to the command line: kho=on');
    expect(() => readImageDirectory(output)).toThrow();
  });

  it('because it has no KHO says which option it was built without', async () => {
    const { steps, image } = await failing({ kernel: buildKernel('--without-kho') });
    expect(image).toBeUndefined();
    expect(steps.at(-1)).toMatchObject({
      name: 'handover',
      state: 'failed',
      add: { line: 'CONFIG_KEXEC_HANDOVER=y', to: 'configuration' },
    });
  });

  it('because it never jumps says what it did last', async () => {
    const plan = [planLine('write', '/proc/sys/kernel/kexec_load_disabled', '1')];
    const { steps } = await failing({ kernel: buildKernel(), stage: { plan, cmdline: '' } });
    expect(steps.at(-1)).toMatchObject({ name: 'load', state: 'failed' });
    expect(steps.at(-1)?.text).toContain('Operation not permitted');
  });
});

describe('an initrd of the user', () => {
  it('prepares, loads /khoforge/next and jumps', async () => {
    const plan = [
      planLine('session', 'mine'),
      planLine('memfd', 'mine', '7', '4096', '0', '0', '0-4096'),
      planLine('kexec_file_load', '/khoforge/next', '', ''),
      planLine('kexec'),
    ];
    const initrd = join(folder, 'mine.cpio.gz');
    writeFileSync(initrd, execFileSync('gzip', ['-c'], { input: buildInitrd({ arch: 'x86_64', plan }) }));
    const names = await produceHandover(
      { kernel: buildKernel(), initrd, cmdline: 'liveupdate=on', nodes: [128n << 20n, 384n << 20n] },
      ({ steps, image }) => {
        expect(steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
          'boot done',
          'jump done',
          'handover done',
        ]);
        expect(image?.nodes).toEqual([128n << 20n, 384n << 20n]);
        return image && JSON.stringify(readSessions(image));
      },
    );
    expect(names).toContain('"name":"mine"');
  });
});
