import type { Region } from '../memory/regions.ts';

/*
 * kexec_load(2) takes 16 segments at most (KEXEC_SEGMENT_MAX, include/uapi/linux/kexec.h) and a handover may have
 * thousands of pieces, so they come packed in one segment. A stub before them, in the place of a purgatory, follows a
 * list that puts them where they belong, and enters the kernel: x86_64/unpack.ts, arm64/unpack.ts.
 */

/** A stub for one kernel and one list. */
export interface Unpacking {
  /** Where the stub itself is: page aligned. */
  readonly address: bigint;
  readonly unpacked: readonly Unpacked[];
  /** Memory that the stub and the kernel's first steps come to. */
  readonly mapped: readonly Region[];
  /** Start of the kernel. */
  readonly kernel: bigint;
  /** What the kernel is started with: boot_params, or a device tree. */
  readonly parameters: bigint;
}

/** Memory that gets the bytes from another place, or zeroes. Whole pages. */
export interface Unpacked {
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Undefined for zeroes. */
  readonly from?: bigint;
}

const ENTRY_SIZE = 24;

/** Bytes of the list of so many pieces. */
export const unpackListSize = (count: number): bigint => BigInt((count + 1) * ENTRY_SIZE);

/** Of each piece: destination, source or 0, bytes; an entry without bytes ends it. */
export function unpackList(unpacked: readonly Unpacked[]): Buffer {
  const list = Buffer.alloc(Number(unpackListSize(unpacked.length)));
  unpacked.forEach(({ start, from, size }, i) => {
    list.writeBigUInt64LE(start, i * ENTRY_SIZE);
    list.writeBigUInt64LE(from ?? 0n, i * ENTRY_SIZE + 8);
    list.writeBigUInt64LE(size, i * ENTRY_SIZE + 16);
  });
  return list;
}
