import type { Platform } from './layout.ts';

/**
 * MAX_PAGE_ORDER: the largest order of the buddy allocator.
 * 10 by default; arm64 takes 11 with 16 KiB and 13 with 64 KiB pages (arch/arm64/Kconfig: ARCH_FORCE_MAX_ORDER, 7.3).
 */
export function maxPageOrder(target: Pick<Platform, 'pageShift'>): number {
  return { 12: 10, 14: 11, 16: 13 }[target.pageShift];
}

/** Lowest order whose block holds `size` bytes: the kernel's get_order(). */
export function getOrder(size: bigint, target: Pick<Platform, 'pageShift'>): number {
  let order = 0;
  while (BigInt(1) << BigInt(target.pageShift + order) < size) order++;
  return order;
}
