import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures.ts';
import { type Produced, produceHandover } from '../../src/first-kernel/produce.ts';
import type { SaidSession } from '../../src/first-kernel/said.ts';
import { ownStage } from '../../src/first-kernel/stage.ts';
import { buildInitrd, planLine } from '../../src/guest/initrd.ts';
import { kexecInitrd } from '../../src/guest/kexec-chain.ts';
import { commandLine } from '../../src/guest/qemu.ts';
import { type Digest, digestImage, partAt } from '../../src/receive/digest.ts';
import { buildKernel } from './receiver.ts';

const NEXT = '/khoforge/next';
const folder = mkdtempSync(join(tmpdir(), 'khoforge-digest-'));
const said: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

function digestOf({ image, steps }: Produced): Digest {
  if (!image) throw new Error(JSON.stringify(steps));
  const { whole, problems } = digestImage(image);
  expect(problems).toEqual([]);
  return whole;
}

/** An initrd with which a kernel prepares as `produce` does, and jumps into one that hands all of it on once more. */
function overTwoJumps(kernel: string, sessions: readonly SaidSession[]): string {
  const again = sessions.map(({ name, files }) =>
    planLine('luo-again', name, ...files.map(({ token }) => `${token}`)),
  );
  const second = buildInitrd({
    arch: 'x86_64',
    plan: [...again, planLine('kexec_file_load', NEXT, '', ''), planLine('kexec')],
    files: { [NEXT]: ARCHITECTURES.x86_64.stopKernel() },
  });
  const first = kexecInitrd({
    arch: 'x86_64',
    kernel: readFileSync(kernel),
    initrd: second,
    cmdline: commandLine(ownStage.cmdline),
    before: ownStage.plan,
  });
  writeFileSync(join(folder, 'first.cpio'), first);
  return join(folder, 'first.cpio');
}

describe('a digest', () => {
  it('of sessions and reserved memory is the same before and after a real kexec', async () => {
    const kernel = buildKernel();
    const { sessions, before } = await produceHandover({ kernel, timeout: 300 }, (produced) => ({
      sessions: produced.sessions,
      before: digestOf(produced),
    }));
    const { cmdline } = ownStage;
    const initrd = overTwoJumps(kernel, sessions);
    const after = await produceHandover({ kernel, initrd, cmdline, timeout: 300 }, digestOf);
    said.push(...[before, after].map((one) => `LUO ${partAt(one, 'LUO')?.sha256}`));
    expect(sessions.length).toBeGreaterThan(3);
    expect(partAt(after, 'LUO')).toEqual(partAt(before, 'LUO'));
    expect(partAt(after, 'memblock')).toEqual(partAt(before, 'memblock'));
    // That there were two jumps the kernel counts.
    const counts = [before, after].map((one) => partAt(one, 'kexec-metadata')?.facts.kexec_count);
    expect(counts).toEqual([1, 2]);
  });
});
