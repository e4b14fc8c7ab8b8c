import { alignDown, alignUp, overlaps } from '../base/numbers.ts';
import type { Region } from './regions.ts';
import { regionEnd } from './regions.ts';

/** One kexec buffer that needs an address, in the words of `struct kexec_buf` (include/linux/kexec.h). */
export interface PlaceRequest {
  /** Entries of the scratch array, in array order. */
  readonly scratch: readonly Region[];
  /** What is already placed: the buffer shares no byte with it. */
  readonly occupied: readonly Region[];
  /** Bytes the buffer takes; rounded up to whole pages. */
  readonly memsz: bigint;
  /** Power of two; raised to the page size. Default: the page size. */
  readonly align?: bigint;
  /** Lowest address of the first byte (`buf_min`). Default 0. */
  readonly min?: bigint;
  /** Highest address of the last byte (`buf_max`). Default: no limit. */
  readonly max?: bigint;
  /** Search each entry from its end (x86) or from its start (an arm64 kernel). */
  readonly topDown: boolean;
  /** Bytes in a base page of the target. */
  readonly pageSize: number;
}

/** ULONG_MAX, the `buf_max` of every buffer without a limit. */
const NO_LIMIT = (1n << 64n) - 1n;

interface Hole {
  start: bigint;
  /** Last byte. */
  end: bigint;
  memsz: bigint;
  align: bigint;
}

/**
 * Where kexec_file_load() puts one buffer while KHO is on: only scratch is searched, entry by entry in array
 * order, and the first entry with a hole wins (7.3, kernel/liveupdate/kexec_handover.c: kho_walk_scratch();
 * kernel/kexec_file.c: kexec_add_buffer(), locate_mem_hole_callback()).
 * @returns undefined where the kernel returns -EADDRNOTAVAIL
 */
export function placeSegment(request: PlaceRequest): bigint | undefined {
  const page = BigInt(request.pageSize);
  const memsz = alignUp(request.memsz, page);
  const align = request.align !== undefined && request.align > page ? request.align : page;
  const min = request.min ?? 0n;
  const max = request.max ?? NO_LIMIT;
  for (const entry of request.scratch) {
    const last = regionEnd(entry) - 1n;
    if (entry.size < memsz || last < min || entry.start > max) continue;
    const hole = {
      start: entry.start > min ? entry.start : min,
      end: last < max ? last : max,
      memsz,
      align,
    };
    const found = request.topDown ? topDown(hole, request.occupied) : bottomUp(hole, request.occupied);
    if (found !== undefined) return found;
  }
  return undefined;
}

/*
 * The kernel steps one page at a time past an occupied range and aligns again, so that it tries every multiple
 * of the alignment. Going straight to the first multiple beyond the range skips only candidates that touch it.
 */

/** 7.3, kernel/kexec_file.c: locate_mem_hole_top_down(). */
function topDown(hole: Hole, occupied: readonly Region[]): bigint | undefined {
  let at = alignDown(hole.end - hole.memsz + 1n, hole.align);
  while (at >= hole.start) {
    const blocker = blocking(occupied, at, at + hole.memsz);
    if (!blocker) return at;
    at = alignDown(blocker.start - hole.memsz, hole.align);
  }
  return undefined;
}

/** 7.3, kernel/kexec_file.c: locate_mem_hole_bottom_up(). */
function bottomUp(hole: Hole, occupied: readonly Region[]): bigint | undefined {
  let at = alignUp(hole.start, hole.align);
  while (at + hole.memsz - 1n <= hole.end) {
    const blocker = blocking(occupied, at, at + hole.memsz);
    if (!blocker) return at;
    at = alignUp(regionEnd(blocker), hole.align);
  }
  return undefined;
}

function blocking(occupied: readonly Region[], start: bigint, end: bigint): Region | undefined {
  return occupied.find((region) => region.size > 0n && overlaps(start, end, region.start, regionEnd(region)));
}
