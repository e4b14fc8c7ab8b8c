import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  buildInBackground,
  captureInBackground,
  inspectInBackground,
  verifyInBackground,
} from '../../src/background/background.ts';
import type { BackgroundProgress } from '../../src/background/job.ts';
import { KhoforgeError } from '../../src/base/errors.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { khoforge } from '../cli/run.ts';
import { asLoads, copyMemory, elfCore, setupDataRecord } from '../formats/core-writer.ts';
import { errorOf } from '../thrown.ts';

const root = mkdtempSync(join(tmpdir(), 'khoforge-background-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
/** A folder of its own, so that what is left behind shows. */
const folder = () => mkdtempSync(join(root, `${count++}-`));

const spec: Spec = {
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [{ 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } }],
  preserve: [{ name: 'folios', order: 2, count: 5 }],
};
/** Some 100 MiB to write. */
const large: Spec = {
  target: { release: '7.3' },
  ram: '512MiB',
  preserve: [{ name: 'much', size: '96MiB', content: { seed: 1, size: '96MiB' } }],
};
const built = buildImage(spec);

/** A dump of a machine with the handover of `spec`. */
function dump(path: string): string {
  const memory = copyMemory(built);
  memory.write(0x3f_0040n, setupDataRecord(built));
  writeFileSync(path, elfCore(asLoads(memory)));
  return path;
}

/** A core of 1 TiB, all of it a hole in the file: a scan takes 16,384 steps, and finds nothing. */
function longDump(): string {
  const path = join(folder(), 'long.elf');
  const size = 1n << 40n;
  writeFileSync(path, elfCore([{ start: 0n, bytes: new Uint8Array(), size }]));
  truncateSync(path, Number(size) + 4096);
  return path;
}

async function refused(work: Promise<unknown>): Promise<KhoforgeError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Aborts when the work has come to a stage. */
function abortAt(stage: BackgroundProgress['stage']) {
  const controller = new AbortController();
  const seen: BackgroundProgress[] = [];
  return {
    seen,
    signal: controller.signal,
    onProgress(progress: BackgroundProgress) {
      seen.push(progress);
      if (progress.stage === stage) controller.abort();
    },
  };
}

const stages = (seen: readonly BackgroundProgress[]) =>
  seen.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]);

/** The bytes of a stage grow, and end at the total. */
function expectWhole(seen: readonly BackgroundProgress[], stage: BackgroundProgress['stage']): void {
  const bytes = seen.filter((progress) => progress.stage === stage).map(({ done }) => done ?? -1n);
  expect(bytes).toEqual([...new Set(bytes)].sort((a, b) => (a < b ? -1 : 1)));
  expect(seen.findLast((progress) => progress.stage === stage)?.total).toBe(bytes.at(-1));
}

describe('work in the background', () => {
  it('builds what is built in the foreground, and tells how far it is', async () => {
    const [output, same] = [join(folder(), 'image'), join(folder(), 'image')];
    const seen: BackgroundProgress[] = [];
    const text = await buildInBackground(large, output, { onProgress: (progress) => seen.push(progress) });
    writeImageDirectory(buildImage(large), same);
    for (const name of ['manifest.json', 'memory.bin', 'kho.dtb'])
      expect(readFileSync(join(output, name)).equals(readFileSync(join(same, name)))).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ schema: { name: 'khoforge-build' }, directory: output });
    expect(stages(seen)).toEqual(['building', 'writing']);
    expectWhole(seen, 'writing');
  });

  it('leaves the event loop to others', async () => {
    let turns = 0;
    const turn = () => {
      turns++;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    await buildInBackground(large, join(folder(), 'image'));
    clearImmediate(next);
    // In the foreground it would be one turn, or none.
    expect(turns).toBeGreaterThan(2);
  });

  it('prints the documents of the commands', async () => {
    const source = dump(join(folder(), 'core.elf'));
    const seen: BackgroundProgress[] = [];
    const onProgress = (progress: BackgroundProgress) => seen.push(progress);
    const inspected = await inspectInBackground(source, { onProgress });
    expect(inspected).toBe(khoforge(['inspect', source, '--json']).stdout.trimEnd());
    expect(stages(seen)).toEqual(['reading', 'scanning', 'reading']);
    expectWhole(seen, 'scanning');
    const severity = new Map([['stale-bytes', 'error']] as const);
    const verified = await verifyInBackground(source, { receiver: '7.2', severity });
    const flags = ['--receiver', '7.2', '-E', 'stale-bytes', '--json'];
    expect(verified).toBe(khoforge(['verify', source, ...flags]).stdout.trimEnd());
  });

  it('captures a dump, in place of an older image', async () => {
    const source = dump(join(folder(), 'core.elf'));
    const into = folder();
    const output = join(into, 'captured');
    await buildInBackground(large, output);
    const seen: BackgroundProgress[] = [];
    const text = await captureInBackground(source, output, { onProgress: (progress) => seen.push(progress) });
    expect(JSON.parse(text)).toMatchObject({ directory: output, subtrees: ['kexec-metadata'] });
    expect(stages(seen)).toEqual(['reading', 'scanning', 'reading', 'writing']);
    expectWhole(seen, 'writing');
    expect(readImageDirectory(output).bootRecord).toEqual(built.bootRecord);
    expect(readdirSync(into)).toEqual(['captured']);
  });

  it('runs several at a time', async () => {
    const source = dump(join(folder(), 'core.elf'));
    const texts = await Promise.all(Array.from({ length: 4 }, () => inspectInBackground(source)));
    expect(new Set(texts).size).toBe(1);
  });
});

describe('work in the background that is stopped', () => {
  it('in the middle of a scan gives ABORTED', async () => {
    const stop = abortAt('scanning');
    const error = await refused(inspectInBackground(longDump(), stop));
    expect(error).toMatchObject({ code: 'ABORTED', exitCode: 3 });
    const { done, total } = stop.seen.at(-1) ?? {};
    expect(done).toBeLessThan(total ?? 0n);
  });

  it.each(['building', 'writing'] as const)('while it is %s leaves nothing behind', async (stage) => {
    const into = folder();
    const error = await refused(buildInBackground(large, join(into, 'image'), abortAt(stage)));
    expect(error.code).toBe('ABORTED');
    expect(readdirSync(into)).toEqual([]);
  });

  it('leaves an older image as it was', async () => {
    const into = folder();
    const output = join(into, 'image');
    await buildInBackground(spec, output);
    const before = readFileSync(join(output, 'manifest.json'));
    await refused(buildInBackground(large, output, abortAt('writing')));
    expect(readFileSync(join(output, 'manifest.json')).equals(before)).toBe(true);
    expect(readdirSync(into)).toEqual(['image']);
  });

  it('before it begins starts nothing', async () => {
    let started = 0;
    const onWorker = () => started++;
    process.on('worker', onWorker);
    const into = folder();
    const signal = AbortSignal.abort('no need');
    const error = await refused(buildInBackground(spec, join(into, 'image'), { signal }));
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'no need' });
    expect([started, readdirSync(into)]).toEqual([0, []]);
    await buildInBackground(spec, join(into, 'image'));
    expect(started).toBe(1);
    process.off('worker', onWorker);
  });

  it('after its end stays as it is', async () => {
    const controller = new AbortController();
    const output = join(folder(), 'image');
    await buildInBackground(spec, output, { signal: controller.signal });
    controller.abort();
    expect(existsSync(join(output, 'manifest.json'))).toBe(true);
  });

  it('by an error of the callback rejects with it, and leaves nothing behind', async () => {
    const into = folder();
    const onProgress = () => {
      throw new RangeError('of the caller');
    };
    await expect(buildInBackground(large, join(into, 'image'), { onProgress })).rejects.toThrow(RangeError);
    expect(readdirSync(into)).toEqual([]);
  });
});

describe('an error of work in the background', () => {
  it('has the fields that it has in the foreground', async () => {
    const file = join(folder(), 'wrong.yaml');
    writeFileSync(file, 'ram: 64MiB\nscratch: [{ size: 8MiB }]\nplaces: {}\n');
    const { code, message, where, hint, exitCode } = errorOf(() => loadSpec(file));
    const error = await refused(buildInBackground(file, join(folder(), 'image')));
    expect(error).toMatchObject({ code, message, where, exitCode });
    expect(error.hint).toBe(hint);
  });

  it('names the checks that a build broke', async () => {
    const file = join(folder(), 'wrong.yaml');
    writeFileSync(file, 'scratch: [{ size: 4MiB, addr: 1TiB }, { size: 5MiB }]\n');
    const error = await refused(buildInBackground(file, join(folder(), 'image')));
    expect(error.checks.toSorted()).toEqual(['scratch-alignment', 'scratch-outside-ram']);
  });

  it('keeps addresses', async () => {
    const output = join(folder(), 'image');
    await buildInBackground(spec, output);
    const memory = join(output, 'memory.bin');
    writeFileSync(memory, readFileSync(memory).fill(0xff, 0, 1));
    const { code, message, where, hint } = errorOf(() => readImageDirectory(output));
    expect(where.phys).toBeGreaterThan(0n);
    const error = await refused(inspectInBackground(output));
    expect(error).toMatchObject({ code, message, where });
    expect(error.hint).toBe(hint);
  });

  it('leaves what it must not replace', async () => {
    const into = folder();
    writeFileSync(join(into, 'mine'), 'text');
    const error = await refused(buildInBackground(spec, into));
    expect(error.code).toBe('OUTPUT_EXISTS');
    expect(readdirSync(into)).toEqual(['mine']);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('of a source without a handover is that of openSource', async () => {
    const path = join(folder(), 'zeroes');
    writeFileSync(path, Buffer.alloc(1 << 20));
    const error = await refused(captureInBackground(path, join(folder(), 'image'), { base: 0n }));
    expect(error).toMatchObject({ code: 'HANDOVER_NOT_FOUND', exitCode: 2 });
  });
});
