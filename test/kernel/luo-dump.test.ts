import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { produceHandover } from '../../src/first-kernel/produce.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { planLine } from '../../src/guest/initrd.ts';
import { TEST } from '../../src/kselftest/initrd.ts';
import { type KselftestResult, runKselftest } from '../../src/kselftest/run.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { inspectText } from '../../src/render/inspect.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import type { DecodedValue } from '../../src/users/user.ts';
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
  let image: Image;
  let second: KselftestResult;

  beforeAll(async () => {
    if (missing !== undefined) return;
    const kernel = buildKernel('--release', release);
    const test = buildSelftest(release, NAME, folder);
    const stage = {
      plan: [planLine('run', TEST, '-s', '1')],
      files: { [TEST]: readFileSync(test) },
      cmdline: 'liveupdate=on',
    };
    const directory = join(folder, release);
    await produceHandover({ kernel, stage, memory: 256n << 20n, timeout: 300 }, (produced) => {
      if (!produced.image) throw new Error(JSON.stringify(produced.steps));
      writeImageDirectory(produced.image, directory);
    });
    image = readImageDirectory(directory);
    second = await runKselftest(image, { kernel, test, args: ['-s', '2'], timeout: 180 });
  }, 600_000);

  it.skipIf(missing !== undefined)('are good: the next kernel passes stage 2 of the selftest on them', () => {
    expect(second.output.join('\n')).toContain(STAGES[NAME]?.passed);
  });

  it.skipIf(missing !== undefined)('are read with names, tokens, sizes and hashes', () => {
    const inspection = inspect(image);
    said.push(
      inspectText(inspection, release)
        .filter((line) => /LUO|session|token|memfd|name '/.test(line))
        .join('\n'),
    );
    expect(inspection.problems).toEqual([]);
    const found = JSON.stringify(contents(image), (_key, value) =>
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
    expect(contents(ours)).toEqual(contents(image));
  });

  it.skipIf(missing !== undefined)('go into a spec and come out the same, and are verified', () => {
    const inspection = inspect(image);
    expect(specDifferences(specOf(image, inspection), image, inspection)).toEqual([]);
    expect(verifyImage(image, { receiver: release }).verdict).toBe('revived');
  });
});
