import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildInitrd, planLine } from '../../src/guest/initrd.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { inspectText } from '../../src/render/inspect.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import { dumpGuest } from '../../src/source/guest.ts';
import { openSource } from '../../src/source/open.ts';
import type { OpenedSource } from '../../src/source/opened.ts';
import type { DecodedValue } from '../../src/users/user.ts';
import { type Chain, withJumpingGuest } from './jump.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';
import { buildSelftest, STAGES } from './selftest.ts';

const NAME = 'luo_multi_session';
const folder = mkdtempSync(join(tmpdir(), 'khoforge-luo-dump-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

/** What the sessions hold, without where it is. */
function contents(image: Image): unknown {
  const luo = inspect(image).subtrees.find(({ name }) => name === 'LUO');
  const strip = (value: DecodedValue | undefined): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (value === null || typeof value !== 'object') return value;
    const kept = Object.entries(value).filter(
      ([key]) => !/^(phys|data|blocks|list|folios|order|flags|file_set_ser\.files)$/.test(key),
    );
    return Object.fromEntries(kept.map(([key, inner]) => [key, strip(inner)]));
  };
  return strip(luo?.decoded?.fields.sessions);
}

const padded = (text: string) =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.from(text)], 4096))
    .digest('hex');

const RELEASES = ['7.3', ...RECEIVERS.filter((release) => release === '7.1' || release === '7.2')];

describe.each(RELEASES)('sessions that a real %s kernel hands over', (release) => {
  const missing = whyUnfetchable(release);
  let opened: OpenedSource;
  let lines: string[];

  beforeAll(async () => {
    if (missing !== undefined) return;
    const kernel = buildKernel('--release', release);
    const program = readFileSync(buildSelftest(release, NAME, folder));
    const run = (stage: string) => planLine('run', '/test', '-s', stage);
    const files = { '/test': program };
    const chain: Chain = {
      kernels: [kernel, kernel],
      initrd: buildInitrd({ arch: 'x86_64', plan: [run('2')], files }),
      cmdline: 'liveupdate=on',
      before: [run('1')],
      files,
    };
    await withJumpingGuest(chain, async (guest) => {
      await guest.untilJump();
      const path = join(folder, `${release}.elf`);
      await dumpGuest(guest.qmp, path);
      opened = openSource(path);
      lines = await guest.finish();
    });
  }, 600_000);

  it.skipIf(missing !== undefined)('are good: the next kernel passes stage 2 of the selftest on them', () => {
    expect(lines.join('\n')).toContain(STAGES[NAME]?.passed);
  });

  it.skipIf(missing !== undefined)('are read with names, tokens, sizes and hashes', () => {
    const inspection = inspect(opened.image);
    said.push(
      inspectText(inspection, `${release}.elf`, opened)
        .filter((line) => /LUO|session|token|memfd|name '/.test(line))
        .join('\n'),
    );
    expect(inspection.problems).toEqual([]);
    const found = JSON.stringify(contents(opened.image), (_key, value) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    expect(found).toContain('multi-test-empty-1');
    const texts = [
      'Data for session files 1',
      'First file for session files 2',
      'Second file for session files 2',
    ];
    for (const text of texts) expect(found).toContain(`"sha256":"${padded(text)}"`);
  });

  it.skipIf(missing !== undefined)('are what we make of the same sessions', () => {
    const sessions = STAGES[NAME]?.sessions ?? [];
    const ours = buildImage({ target: { release }, subtrees: [{ luo: { sessions } }] });
    expect(contents(ours)).toEqual(contents(opened.image));
  });

  it.skipIf(missing !== undefined)('go into a spec and come out the same, and are verified', () => {
    const inspection = inspect(opened.image);
    expect(specDifferences(specOf(opened.image, inspection), opened.image, inspection)).toEqual([]);
    expect(verifyImage(opened.image, { receiver: release }).verdict).toBe('revived');
  });
});
