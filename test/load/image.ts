import { makeTarget } from '../../src/abi/target.ts';
import { pcRam } from '../../src/arch/x86_64/machine.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Region } from '../../src/memory/regions.ts';
import type { Image } from '../../src/model/image.ts';

export const MiB = 1n << 20n;
export const GiB = 1n << 30n;

export interface SmallImage {
  memory?: bigint;
  scratch?: readonly Region[];
  /** Where the one preserved page, filled with 0x5a, is. */
  page?: bigint;
  expect?: Image['expect'];
}

/** An image with a scratch array and one page of contents; no kernel would find a handover in it. */
export function smallImage(fields: SmallImage = {}): Image {
  const scratch = fields.scratch ?? [{ start: 16n * MiB, size: 64n * MiB }];
  const [first = { start: 0n, size: 0n }] = scratch;
  const scratchAddr = first.start + first.size - 0x10000n;
  const memory = new PhysicalMemory();
  const array = new BigUint64Array(scratch.flatMap(({ start, size }) => [start, size]));
  memory.map(scratchAddr, new Uint8Array(array.buffer));
  memory.map(fields.page ?? 128n * MiB, new Uint8Array(4096).fill(0x5a));
  return {
    target: makeTarget(),
    ram: pcRam(fields.memory ?? 512n * MiB),
    scratch,
    memory,
    placements: [],
    bootRecord: {
      kind: 'setup_data',
      fdtAddr: 0x8000000n,
      fdtSize: 4096n,
      scratchAddr,
      scratchSize: BigInt(scratch.length * 16),
      setupDataType: 10,
      setupDataLen: 32,
    },
    expect: fields.expect ?? { verdict: 'revived', lines: [], absent: [] },
  };
}
