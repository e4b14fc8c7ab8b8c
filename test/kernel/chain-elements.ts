import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';

const PAGE = 4096;

/** An element of a chunk, with the bits that it leads to. */
export interface ChainElement {
  readonly order: number;
  readonly physStart: bigint;
  /** The bytes of the bitmap. Where it stands differs from chain to chain. */
  readonly bits: string;
}

/**
 * The preserved memory map as kernel/kexec_handover.c walks it (6.17 and 6.18, 4 KiB pages: kho_mem_deserialize()),
 * without the code of src/ or binding/. One list per chunk.
 */
export function chainElements(memory: PhysicalMemory, map: bigint, bitmapBytes: number): ChainElement[][] {
  const chunks: ChainElement[][] = [];
  for (let at = map; at !== 0n; ) {
    if (!memory.covers(at, PAGE)) throw new Error(`chunk 0x${at.toString(16)} is outside memory`);
    const chunk = Buffer.from(memory.read(at, PAGE));
    chunks.push(
      Array.from({ length: chunk.readUInt32LE(12) }, (_, i) => ({
        order: chunk.readUInt32LE(8),
        physStart: chunk.readBigUInt64LE(16 + i * 16),
        bits: Buffer.from(memory.read(chunk.readBigUInt64LE(24 + i * 16), bitmapBytes)).toString('hex'),
      })),
    );
    at = chunk.readBigUInt64LE(0);
  }
  return chunks;
}
