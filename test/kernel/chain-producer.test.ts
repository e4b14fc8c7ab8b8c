import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBitmapChain } from '../../src/memory/bitmap-chain.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { walkMemoryMap } from '../../src/memory/walk-map.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { type ChainElement, chainElements } from './chain-elements.ts';
import { runLiveGuest } from './guest.ts';
import { type LiveHandover, liveHandover } from './live-handover.ts';
import { FINALIZE, SHOW_KHO } from './plans.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

/**
 * What real kernels with a chain of bitmaps hand over, read from their own memory: the oracle of the engine and of the
 * root FDT. Every comparison claims byte equality.
 */
const RELEASES = RECEIVERS.filter((release) => release.startsWith('6.'));
const said: string[] = [];

afterAll(() => {
  console.log(said.join('\n'));
});

/** A kernel that reserved memory, ran its self-test, was told to finalize, and stopped. */
async function finalized(release: string): Promise<LiveHandover> {
  const guest = await runLiveGuest({
    kernel: buildKernel('--release', release),
    plan: [FINALIZE, SHOW_KHO],
    // 12300 KiB at any page: a range that takes blocks of many orders.
    cmdline: 'reserve_mem=2M:2M:even reserve_mem=12300K:4K:odd',
    memory: 256n << 20n,
  });
  expect(guest.console).toContain('khoforge-init: wrote /sys/kernel/debug/kho/out/finalize');
  return liveHandover(guest);
}

describe.each(RELEASES)('what a real %s kernel hands over', (release) => {
  let live: LiveHandover | undefined;
  let why: string | undefined;

  beforeAll(async () => {
    why = whyUnfetchable(release);
    if (why === undefined) live = await finalized(release);
    else said.push(`SKIPPED: ${why}`);
  });

  /** A test that is skipped, with the reason, when the kernel's source cannot be had. */
  const check = (name: string, body: (live: LiveHandover) => void) =>
    it(name, ({ skip }) => {
      if (why !== undefined) skip(why);
      if (live === undefined) throw new Error('there is no guest');
      body(live);
    });

  check('is read without a complaint', ({ inspection }) => {
    expect(inspection.problems).toEqual([]);
    const names = ['kho_test', 'memblock'];
    expect(inspection.subtrees.map(({ name }) => name)).toEqual(
      inspection.target.generation.rootFdt === 'sequential' ? names : names.reverse(),
    );
    const test = inspection.subtrees.find(({ name }) => name === 'kho_test');
    expect(test?.decoded?.fields).toMatchObject({ contents: 'match the checksum' });
  });

  check('has the bitmaps of its generation, by their evidence too', ({ inspection }) => {
    expect(inspection.bitmaps?.verdict).not.toBe('contradicts');
    said.push(`${release}: ${JSON.stringify(inspection.bitmaps)}`);
  });

  check('has the chain that its own folios give', ({ image, inspection }) => {
    const { target, memory } = image;
    const map = inspection.memoryMap ?? 0n;
    const walk = walkMemoryMap(target, memory, map, { maxFolios: 1 << 20 });
    expect(walk.findings).toEqual([]);
    const { phys, orders } = walk.folios;
    const chain = buildBitmapChain(target, { folios: { phys, orders } });
    const ours = new PhysicalMemory();
    chain.relocate(1n << 30n, 1n << 32n);
    ours.map(1n << 30n, chain.chunks);
    ours.map(1n << 32n, chain.bitmaps);
    const theirs = chainElements(memory, map, chain.bitmapBytes);
    expect(chainElements(ours, 1n << 30n, chain.bitmapBytes)).toEqual(withoutEmpty(theirs));
    const empty = theirs.flat().length - withoutEmpty(theirs).flat().length;
    const blocks = walk.byOrder.reduce((sum, count) => sum + count, 0n);
    said.push(
      `${release}: ${theirs.length} chunks and ${theirs.flat().length} bitmaps equal (${blocks} blocks); empty: ${empty}`,
    );
  });

  check('has the root FDT that a spec gives', ({ image, inspection }) => {
    const { target, memory, bootRecord } = image;
    const added = [...inspection.subtrees];
    if (target.generation.rootFdt === 'edited') added.reverse();
    const built = buildImage({
      target: { release },
      subtrees: added.map(({ name }) => ({ raw: { name, content: { text: 'x' } } })),
      place: Object.fromEntries(added.map(({ name, phys }) => [name, phys ?? 0n])),
      override: { 'root-fdt/preserved-memory-map': inspection.memoryMap ?? 0n },
    });
    const size = inspection.fdt?.size ?? 0;
    const [ours, theirs] = [
      built.memory.read(built.bootRecord.fdtAddr, size),
      memory.read(bootRecord.fdtAddr, size),
    ];
    expect(Buffer.from(ours).toString('hex')).toBe(Buffer.from(theirs).toString('hex'));
    said.push(`${release}: root FDT, ${size} bytes equal`);
  });
});

/** Bitmaps stay listed when everything in them was unpreserved again (1.5.13 of docs/kho-facts.md). */
function withoutEmpty(chunks: readonly ChainElement[][]): ChainElement[][] {
  return chunks
    .map((elements) => elements.filter(({ bits }) => !/^0*$/.test(bits)))
    .filter(({ length }) => length > 0);
}
