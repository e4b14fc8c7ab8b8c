import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/boot/console.ts';
import { buildImage } from '../../src/handover/build-image.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';
import { buildSelftest, STAGES, selftestInitrd } from './selftest.ts';

const said: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'khoforge-selftest-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

const RELEASES = ['7.3', ...RECEIVERS.filter((release) => ['7.1', '7.2'].includes(release))];

describe.each(RELEASES)(
  'the selftests of %s, in the stage after the reboot, with no stage before',
  (release) => {
    const missing = whyUnfetchable(release);

    const stages = Object.entries(STAGES).filter(([, { since = '7.1' }]) => release >= since);

    it.skipIf(missing !== undefined).for(stages)(
      '%s passes on our image',
      async ([name, { sessions, passed }]) => {
        const image = buildImage({ target: { release }, subtrees: [{ luo: { sessions } }] });
        const kernel = buildKernel('--release', release);
        const initrd = selftestInitrd(buildSelftest(release, name, folder), folder);
        const result = await bootImage(image, { kernel, initrd, cmdline: 'liveupdate=on', timeout: 180 });
        const lines = consoleLines(readFileSync(result.console)).map(message);
        const own = lines.slice(lines.findIndex((line) => line.includes('STAGE 2')));
        said.push(`${release} ${name}: ${result.verdict}`, ...own.slice(0, 12).map((line) => `    ${line}`));
        expect(lines.join('\n')).toContain(passed);
        expect(lines).toContain('khoforge-selftest: exit 0');
        expect(result.verdict).toBe('revived');
      },
    );
  },
);
