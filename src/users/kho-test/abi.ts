import { kho_vmalloc } from '../../abi/kexec_handover.ts';
import { layoutOf } from '../../abi/layout.ts';
import type { Target } from '../../abi/target.ts';

/** Names and values of lib/test_kho.c (6.17 to 7.3). */
export const KHO_TEST_FDT = 'kho_test';
export const KHO_TEST_COMPAT = 'kho-test-v1';
/** `KHO!` */
export const KHO_TEST_MAGIC = 0x4b484f21;
/** The node below the root that holds the list of folios. */
export const KHO_TEST_DATA = 'data';

/**
 * Bytes that the reader takes for one `folios_info`: up to 6.17 the property is an array of u64, from 6.18 on
 * one struct kho_vmalloc, under the same compatible string.
 */
export function folioInfoSize(target: Target): number {
  return target.generation.testFolios === 'inline' ? 8 : layoutOf(kho_vmalloc, target).size;
}
