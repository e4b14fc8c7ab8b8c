import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../../src/abi/target.ts';
import { PhysicalMemory } from '../../../src/memory/physical-memory.ts';
import { walkEntries, walkVmalloc } from '../../../src/users/vmalloc/walk.ts';

const target = makeTarget({ release: '7.3' });
const PAGE = target.pageSize;

/** A memory with an area of numbered entries in blocks that are not in order, each of `1 << order` pages. */
function areaOf(size: number, count: number, order: number) {
  const bytes = PAGE * 2 ** order;
  const content = Buffer.alloc(Math.ceil((size * count) / bytes) * bytes);
  for (let i = 0; i < count; i++) content.writeUInt32LE(i + 1, i * size);
  const memory = new PhysicalMemory();
  const blocks = Array.from({ length: content.length / bytes }, (_, i) => BigInt(0x9000000 - i * 2 * bytes));
  blocks.forEach((block, i) => {
    memory.map(block, content.subarray(i * bytes, (i + 1) * bytes));
  });
  return { memory, blocks, order };
}

const numbers = (size: number, stored: number, order: number, count = stored) => {
  const { memory, ...area } = areaOf(size, stored, order);
  const entry = (bytes: Buffer, at: number) => bytes.readUInt32LE(at);
  return [...walkEntries(memory, target, area, { size, count, entry })];
};

describe('the entries of a vmalloc area', () => {
  it.each([
    { what: 'in single pages', size: 16, order: 0 },
    { what: 'in blocks of several pages', size: 8, order: 2 },
    { what: 'that lie across the ends of pages and of blocks', size: 24, order: 1 },
  ])('come in their order, $what', ({ size, order }) => {
    const count = Math.ceil((PAGE / size) * 2.5 * 2 ** order);
    expect(numbers(size, count, order)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });

  it('are as many as were asked for, or as there is room for', () => {
    expect(numbers(8, 1000, 0, 3)).toEqual([1, 2, 3]);
    expect(numbers(8, 1000, 0, 2 ** 40)).toHaveLength(1024);
    expect(numbers(8, 1000, 0, 0)).toEqual([]);
  });

  it('are read page by page, and no page is read that has none of them', () => {
    const starts: bigint[] = [];
    const read = (start: bigint, length: number) => {
      starts.push(start);
      return new Uint8Array(length);
    };
    const area = { blocks: [0x1000n], order: 40 };
    const entries = walkEntries({ read }, target, area, { size: 8, count: 513, entry: (_, at) => at });
    expect([...entries]).toHaveLength(513);
    expect(starts).toEqual([0x1000n, 0x2000n]);
  });
});

describe('a chain of chunks', () => {
  const codec = target.abi.struct('kho_vmalloc_chunk');
  const chunk = (next: bigint, phys: bigint[]) =>
    codec.encode({ next, phys: [...phys, ...Array(511 - phys.length).fill(0n)] });

  it('is told chunk by chunk, before each is read', () => {
    const memory = new PhysicalMemory();
    memory.map(0x1000n, chunk(0x8000n, [0x100000n, 0x101000n]));
    memory.map(0x8000n, chunk(0n, [0x200000n]));
    expect([...walkVmalloc(memory, target, 0x1000n)].map(({ kind, phys }) => `${kind} ${phys}`)).toEqual([
      `chunk ${0x1000}`,
      `block ${0x100000}`,
      `block ${0x101000}`,
      `end ${0x1000}`,
      `chunk ${0x8000}`,
      `block ${0x200000}`,
      `end ${0x8000}`,
    ]);
  });

  it('is not read where its reader stops', () => {
    const read = () => {
      throw new Error('read');
    };
    for (const { phys } of walkVmalloc({ read }, target, 0x1000n)) {
      expect(phys).toBe(0x1000n);
      break;
    }
  });
});
