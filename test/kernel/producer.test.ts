import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getOrder } from '../../src/abi/page-order.ts';
import { hex } from '../../src/base/numbers.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { buildRadixTree, type RadixWalk, walkRadixTree } from '../../src/memory/radix-tree.ts';
import type { BuiltImage } from '../../src/produce/assembly.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { scratchArrayBytes } from '../../src/source/scratch-array.ts';
import { csumPartial } from '../../src/users/kho-test/checksum.ts';
import { runLiveGuest } from './guest.ts';
import { memblockFdt, type ReservedMemory, rootFdtPage, testFdtBuffer } from './kernel-fdts.ts';
import { type LiveHandover, liveHandover, PAGE, pagesWith, TARGET, testData } from './live-handover.ts';
import { fileLine, SHOW_KHO } from './plans.ts';
import { radixPages } from './radix-pages.ts';
import { buildKernel } from './receiver.ts';
import { reservedAt, sameSpec } from './same-spec.ts';

let kernel: string;
const said: string[] = [];

beforeAll(() => {
  kernel = buildKernel();
});

// The evidence goes into the log of the run.
afterAll(() => {
  console.log(said.join('\n'));
});

async function boot(cmdline: string): Promise<LiveHandover> {
  const options = { kernel, plan: [SHOW_KHO], memory: 256n << 20n };
  return liveHandover(await runLiveGuest({ ...options, cmdline: `memblock=debug ${cmdline}` }));
}

/** Expects the same bytes, and says how many are. */
function expectSame(what: string, ours: Uint8Array, real: Uint8Array): void {
  const equal = real.filter((byte, i) => byte === ours[i]).length;
  said.push(`  ${what}: ${equal} of ${real.length} bytes equal`);
  expect(Buffer.from(ours).toString('hex')).toBe(Buffer.from(real).toString('hex'));
}

interface Boot {
  name: string;
  cmdline: string;
  reserved: ReservedMemory[];
  /** Nodes of the root FDT, in its order. */
  subtrees: string[];
}

const BOOTS: Boot[] = [
  { name: 'KHO alone', cmdline: '', reserved: [], subtrees: ['kho_test', 'kexec-metadata'] },
  {
    name: 'with live update',
    cmdline: 'liveupdate=on',
    reserved: [],
    subtrees: ['LUO', 'kho_test', 'kexec-metadata'],
  },
  {
    name: 'with live update and reserved memory',
    // 12300 KiB at any page: a range that takes blocks of many orders
    cmdline: 'liveupdate=on reserve_mem=2M:2M:even reserve_mem=12300K:4K:odd',
    reserved: [
      { name: 'even', size: 2n << 20n },
      { name: 'odd', size: 12300n << 10n },
    ],
    subtrees: ['memblock', 'LUO', 'kho_test', 'kexec-metadata'],
  },
];

describe.each(BOOTS)('what 7.3 would hand over, $name', ({ name, cmdline, reserved, subtrees }) => {
  let live: LiveHandover;
  /** The same handover from a spec. */
  let built: BuiltImage;
  let walk: RadixWalk;

  beforeAll(async () => {
    live = await boot(cmdline);
    built = buildImage(sameSpec(live, reserved));
    walk = walkRadixTree(TARGET, real().extents, root(), { maxFolios: 1 << 20 });
    said.push(`${live.release}, ${name}`);
  }, 180_000);

  const real = (): PhysicalMemory => live.image.memory;
  const root = (): bigint => live.inspection.memoryMap ?? 0n;
  const blob = (subtree: string): { phys: bigint; size: bigint } => {
    const { phys, size } = live.inspection.subtrees.find((found) => found.name === subtree) ?? {};
    return { phys: phys ?? 0n, size: size ?? 0n };
  };
  const sameMemory = (what: string, phys: bigint, length: number) =>
    expectSame(what, built.memory.read(phys, length), real().read(phys, length));

  it('is read without a complaint, and the dump holds what debugfs showed', () => {
    expect(live.inspection.problems).toEqual([]);
    expect(live.inspection.subtrees.map((subtree) => subtree.name)).toEqual(subtrees);
    for (const subtree of subtrees) {
      const { phys, size } = blob(subtree);
      const bytes = real().read(phys, Number(size));
      expect(live.console).toContain(fileLine(`out/sub_fdts/${subtree}`, bytes));
    }
  });

  it('has the root FDT that a spec gives', () => {
    const { phys, size } = live.inspection.fdt ?? { phys: 0n, size: 0 };
    sameMemory('root FDT', phys, size);
  });

  it('has the page of the root FDT that the two writers leave, stale bytes and all', () => {
    const { phys } = live.inspection.fdt ?? { phys: 0n };
    const added = [...subtrees].reverse().map((subtree) => ({ name: subtree, ...blob(subtree) }));
    expectSame('page of the root FDT', rootFdtPage(PAGE, root(), added), real().read(phys, PAGE));
    // The names as the sequential writer collected them, from the end of its buffer downward.
    const stale = 'preserved-memory-map\0compatible\0'.length;
    sameMemory('page from the spec but for stale names', phys, PAGE - stale);
  });

  it('has the blobs of the subtrees that a spec gives', () => {
    for (const subtree of subtrees) {
      const { phys, size } = blob(subtree);
      sameMemory(`blob of ${subtree}`, phys, Number(size));
    }
  });

  it('has nothing but zeroes after kexec-metadata', () => {
    sameMemory('page of kexec-metadata', blob('kexec-metadata').phys, PAGE);
  });

  it('has the buffers that the sequential writer leaves, stale bytes and all', () => {
    const { phys } = blob('kho_test');
    const { nrFolios } = testData(real(), phys);
    const size = nrFolios * 8 + PAGE; // kho_test_preserve(); folio_alloc() left the rest as it was
    expectSame(
      'buffer of the test FDT',
      testFdtBuffer(real().read(phys, PAGE), size),
      real().read(phys, size),
    );
    if (subtrees.includes('memblock')) {
      const page = real().read(blob('memblock').phys, PAGE);
      expectSame('page of the memblock FDT', memblockFdt(PAGE, reservedAt(page, reserved)), page);
    }
  });

  it('has the list of folios and its chunks that a spec gives', () => {
    const { pages, chunks, folios } = testData(real(), blob('kho_test').phys);
    sameMemory('list of test folios', pages[0] ?? 0n, folios.length * 8);
    for (const chunk of chunks) sameMemory('chunk of the list', chunk, PAGE);
  });

  it('has the checksum that we compute from the folios', () => {
    const { folios, csum } = testData(real(), blob('kho_test').phys);
    const bytes = folios.map(({ phys, order }) => real().read(phys, PAGE << order));
    const sum = bytes.reduce((before, data) => csumPartial('x86_64', data, before), 0);
    const total = bytes.reduce((before, data) => before + data.length, 0);
    said.push(
      `  checksum of ${folios.length} folios, ${total} random bytes: ours ${hex(sum)}, theirs ${hex(csum)}`,
    );
    expect(sum).toBe(csum);
  });

  it('has the memory map that its own folios give', () => {
    expect(walk.findings).toEqual([]);
    const { phys, orders } = walk.folios;
    const tree = buildRadixTree(TARGET, { folios: { phys, orders } });
    const memory = new PhysicalMemory();
    tree.relocate(BigInt(PAGE));
    memory.map(BigInt(PAGE), tree.pages);
    expectSameTree('rebuilt from its folios', memory, BigInt(PAGE));
  });

  it('has the memory map that a spec gives', () => {
    const placement = built.placements.find(({ path }) => path === 'memory-map');
    expectSameTree('built from the spec', built.memory, placement?.start ?? 0n);
  });

  it('preserves each structure at its order', () => {
    const { folios } = walk;
    const orderAt = (phys: bigint) => folios.orders[folios.phys.indexOf(phys)];
    const test = testData(real(), blob('kho_test').phys);
    const fdtOrder = getOrder(BigInt(test.nrFolios * 8 + PAGE), TARGET);
    expect(orderAt(live.image.bootRecord.fdtAddr)).toBe(0);
    expect(subtrees.map((subtree) => orderAt(blob(subtree).phys))).toEqual(
      subtrees.map((subtree) => (subtree === 'kho_test' ? fdtOrder : 0)),
    );
    expect([...test.pages, ...test.chunks].map(orderAt)).toEqual(
      [...test.pages, ...test.chunks].map(() => 0),
    );
    expect(test.folios.map(({ phys }) => orderAt(phys))).toEqual(test.folios.map(({ order }) => order));
    said.push(
      `  orders: root FDT and blobs 0, test FDT ${fdtOrder}, list and chunk 0, test folios as listed`,
    );
  });

  it('has scratch where debugfs shows it', () => {
    const bytes = scratchArrayBytes(live.image.scratch, TARGET);
    const places = pagesWith(real(), bytes);
    expect(places).not.toEqual([]);
    said.push(`  scratch array: ${bytes.length} bytes at ${places.map(hex).join(', ')} as debugfs shows`);
  });

  function expectSameTree(what: string, memory: PhysicalMemory, at: bigint): void {
    const theirs = radixPages(real(), root());
    const ours = radixPages(memory, at);
    expect([...ours.pages].sort()).toEqual([...theirs.pages].sort());
    const leaves = [...theirs.pages.values()].filter(({ level }) => level === 0).length;
    const blocks = walk.byOrder.reduce((sum, count) => sum + count, 0n);
    said.push(
      `  memory map, ${what}: ${leaves} leaves and ${theirs.pages.size - leaves} tables equal (${blocks} blocks)`,
      `    in theirs and without a bit: ${theirs.empty.join(', ') || 'none'}`,
    );
    expect(ours.empty).toEqual([]);
  }
});
