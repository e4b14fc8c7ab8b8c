import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/numbers.ts';
import { bootImage } from '../../src/boot/boot-image.ts';
import { extractHandover } from '../../src/capture/extract.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import { dumpGuest } from '../../src/source/guest.ts';
import { openSource } from '../../src/source/open.ts';
import type { OpenedSource } from '../../src/source/opened.ts';
import { type Chain, withJumpingGuest } from './jump.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-dumps-'));
const said: string[] = [];

beforeAll(() => {});

// The evidence goes into the log of the run.
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

async function dump(guest: { qmp: string }, name: string): Promise<string> {
  const path = join(folder, name);
  await dumpGuest(guest.qmp, path);
  return path;
}

function say(what: string, { kind, choice, notes, candidates }: OpenedSource): void {
  said.push(
    `${what}: ${kind}; ${candidates.length} root FDT (${choice})`,
    ...notes.map(({ code, text }) => `  ${code}: ${text}`),
  );
}

const codes = ({ notes }: OpenedSource) => notes.map(({ code }) => code);

describe.each(['7.3', ...RECEIVERS])('a %s kernel in the instant before it jumps', (release) => {
  const missing = whyUnfetchable(release);
  if (missing !== undefined) said.push(`${release}: skipped: ${missing}`);
  let opened: OpenedSource;
  let lines: string[];
  let kernel: string;
  let path: string;

  beforeAll(async () => {
    if (missing !== undefined) return;
    kernel = buildKernel('--release', release);
    await withJumpingGuest({ kernels: [kernel, kernel], cmdline: 'liveupdate=on' }, async (guest) => {
      await guest.untilJump();
      path = await dump(guest, `${release}.elf`);
      opened = openSource(path);
      lines = await guest.finish();
    });
    say(release, opened);
  }, 600_000);

  it.skipIf(missing !== undefined)('has left a good handover: the next kernel revives it', () => {
    // 6.17 and 6.18 go on in the same line.
    expect(lines.some((line) => line.startsWith('KHO: found kexec handover data.'))).toBe(true);
    expect(lines).toContain('test_kho: KHO restore succeeded');
  });

  it.skipIf(missing !== undefined)('is read without a complaint', () => {
    const inspection = inspect(opened.image);
    expect(inspection.problems).toEqual([]);
    expect(opened.image.target.generation.releases).toContain(release);
    // 6.2 of docs/kho-facts.md: the array is put in place by the jump.
    expect(codes(opened)).toContain('SCRATCH_ELSEWHERE');
    expect(inspection.subtrees.map(({ name }) => name)).toContain('kho_test');
    const test = inspection.subtrees.find(({ name }) => name === 'kho_test');
    expect(test?.decoded?.fields.contents).toBe('match the checksum');
    const debugfs = lines.filter((line) => line.startsWith('khoforge-init: text out/scratch_phys '));
    const theirs = debugfs.map((line) => line.split(' ').at(-1));
    expect(inspection.scratch.map(({ start }) => hex(start))).toEqual(theirs);
  });

  it.skipIf(missing !== undefined)('is found by the symbols of its vmlinux too', () => {
    const vmlinux = join(dirname(kernel), 'vmlinux');
    const told = openSource(path, { vmlinux });
    const note = told.notes.find(({ code }) => code === 'SYMBOLS')?.text ?? '';
    said.push(`  ${note}`);
    expect(told.image.bootRecord).toEqual(opened.image.bootRecord);
    expect(told.image.scratch).toEqual(opened.image.scratch);
    // Up to 6.18 kho_out holds a struct page, at an offset that the configuration decides.
    const early = ['6.17', '6.18'].includes(release);
    expect(note).toContain(
      early ? 'neither kho_out nor kho_in' : `kho_out leads to ${hex(told.image.bootRecord.fdtAddr)}`,
    );
  });

  // `verify` knows receivers from 6.18 on.
  it.skipIf(missing !== undefined || release === '6.17')(
    'is verified as what the next kernel made of it',
    () => {
      const { verdict, findings } = verifyImage(opened.image, { receiver: release });
      said.push(...findings.map(({ severity, check, text }) => `  verify: ${severity} ${check}: ${text}`));
      expect(verdict).toBe('revived');
    },
  );

  it.skipIf(missing !== undefined)('goes into a spec and comes out the same', () => {
    const inspection = inspect(opened.image);
    const spec = specOf(opened.image, inspection);
    expect(specDifferences(spec, opened.image, inspection)).toEqual([]);
    said.push(
      `  as-spec: root FDT of ${inspection.fdt?.size} bytes and ${inspection.walk?.bytes} preserved bytes equal`,
    );
  });

  it.skipIf(missing !== undefined)(
    'is captured, and the capture is rehearsed on the next kernel',
    async () => {
      const captured = extractHandover(opened.image, { withContents: true });
      const path = join(folder, `${release}.capture`);
      writeImageDirectory(captured, path);
      expect(diffImages(opened.image, captured)).toEqual({ values: [], added: [], removed: [] });
      const result = await bootImage(readImageDirectory(path), { kernel, timeout: 90 });
      said.push(
        `  rehearsal: ${result.verdict}, ${result.reason}; memory.bin ${statSync(join(path, 'memory.bin')).size} bytes`,
      );
      expect(result.verdict).toBe('revived');
      expect(result.proofs.join('\n')).toContain('test_kho: KHO restore succeeded');
    },
  );
});

describe('a 7.3 kernel that was revived itself', () => {
  it('has two root FDTs, and the live one is taken', async () => {
    const kernel = buildKernel();
    const chain: Chain = { kernels: [kernel, kernel, kernel] };
    const { first, second, symbols, lines } = await withJumpingGuest(chain, async (guest) => {
      await guest.untilJump();
      const before = inspect(openSource(await dump(guest, 'first.elf')).image);
      await guest.untilJump();
      const path = await dump(guest, 'second.elf');
      const after = openSource(path);
      const told = openSource(path, { vmlinux: join(dirname(kernel), 'vmlinux') });
      return { first: before, second: after, symbols: told, lines: await guest.finish() };
    });
    say('second jump', second);
    const stale = first.fdt?.phys;
    const inspection = inspect(second.image);
    expect(second.candidates.map(({ phys }) => phys)).toContain(stale);
    expect(inspection.fdt?.phys).not.toBe(stale);
    expect(inspection.problems).toEqual([]);
    const metadata = inspection.subtrees.find(({ name }) => name === 'kexec-metadata');
    expect(metadata?.decoded?.fields.kexec_count).toBe(2);
    // The kernel before is of the same build, and may be in memory still: its symbols lead to the stale one.
    said.push(...symbols.notes.filter(({ code }) => code === 'SYMBOLS').map(({ text }) => `  ${text}`));
    expect(symbols.image.bootRecord.fdtAddr).toBe(inspection.fdt?.phys);
    expect(symbols.notes.map(({ text }) => text).join()).toContain(`kho_in to ${hex(stale ?? 0n)}`);
    expect(lines.filter((line) => line === 'KHO: found kexec handover data.')).toHaveLength(2);
    expect(lines.join('\n')).toMatch(/^KHO: exec from: 7\.3\S* \(count 2\)$/m);
    expect(verifyImage(second.image, { receiver: '7.3' }).verdict).toBe('revived');
  });
});
