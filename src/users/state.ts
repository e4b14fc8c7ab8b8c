import { createHash } from 'node:crypto';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { DecodedValue } from './decoded-value.ts';

/** What a part of a handover says, with no address in it: the same on both sides of a jump, wherever it stands. */
export type Facts = { readonly [key: string]: DecodedValue };

/** A part of a handover without where it stands. */
export interface State {
  /** Its own among its siblings; their order does not count. */
  readonly name: string;
  readonly facts: Facts;
  readonly parts: readonly State[];
  /** What is handed over with it, and is not in the facts: nobody here can tell it from an address. */
  readonly unread?: string;
}

/** Bytes in physical memory. */
export interface Piece {
  readonly phys: bigint;
  /** Bytes. */
  readonly size: number;
}

const PART = 1 << 20;
/** An image may tell of more zeroes than anybody can wait for. */
export const MAX_HASHED = 1 << 30;

/** SHA-256 of what pieces hold, one after the other; null where the image does not have all of it, or it is too much. */
export function sha256Of(memory: PhysicalMemory, pieces: readonly Piece[]): string | null {
  if (pieces.reduce((sum, { size }) => sum + size, 0) > MAX_HASHED) return null;
  if (!pieces.every(({ phys, size }) => memory.hasContents(phys, size))) return null;
  const hash = createHash('sha256');
  for (const { phys, size } of pieces) {
    for (let done = 0; done < size; done += PART) {
      hash.update(memory.read(phys + BigInt(done), Math.min(PART, size - done)));
    }
  }
  return hash.digest('hex');
}
