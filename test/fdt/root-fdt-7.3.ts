import { u64Native } from '../../src/fdt/values.ts';
import type { Call } from './calls.ts';

export const PAGE_SIZE = 4096;

/** Physical addresses and sizes that the kernel below had; the order is that in which it adds the subtrees. */
export const RADIX_ROOT = 0x228000n;
export const SUBTREES = [
  { name: 'kexec-metadata', phys: 0x22f000n, size: 0x49n }, // kho_init(): kho_kexec_metadata_init()
  { name: 'kho_test', phys: 0x26c000n, size: 0xf0n }, // lib/test_kho.c: kho_test_save(), a device_initcall
] as const;

/** kernel/liveupdate/kexec_handover.c, 7.3: kho_out_fdt_setup() */
export function baseCalls(radixRoot: bigint): Call[] {
  return [
    ['create', PAGE_SIZE],
    ['finish_reservemap'],
    ['begin_node', ''],
    ['property_string', 'compatible', 'kho-v4'],
    ['property', 'preserved-memory-map', u64Native(radixRoot, 'little')],
    ['end_node'],
    ['finish'],
  ];
}

/** Same file: kho_add_subtree() */
export function addSubtreeCalls(subtree: { name: string; phys: bigint; size: bigint }): Call[] {
  return [
    ['open_into', PAGE_SIZE],
    ['add_subnode', '/', subtree.name],
    ['setprop', `/${subtree.name}`, 'preserved-data', u64Native(subtree.phys, 'little')],
    ['setprop', `/${subtree.name}`, 'blob-size', u64Native(subtree.size, 'little')],
    ['pack'],
  ];
}

/** Same file: kho_remove_subtree() */
export function removeSubtreeCalls(name: string): Call[] {
  return [['open_into', PAGE_SIZE], ['del_node', `/${name}`], ['pack']];
}

/**
 * The root FDT of Linux 7.3.4, x86_64, as it lay in the memory of a running kernel (kho=on, CONFIG_TEST_KEXEC_HANDOVER)
 * and in its page all zero where nothing is listed. Each line: offset, bytes, and what they are, by hand.
 */
const LISTING = `
  000  d00dfeed                                  magic
  004  00000125                                  totalsize: 293 = 169 + (48 + 16) + (48 + 12)
  008  00000038                                  off_dt_struct: 56, after one reserve entry
  00c  000000ec                                  off_dt_strings: 236 = 56 + 180
  010  00000028                                  off_mem_rsvmap: 40, packed; a sequential write leaves 48
  014  00000011                                  version: 17
  018  00000010                                  last_comp_version: 16
  01c  00000000                                  boot_cpuid_phys
  020  00000039                                  size_dt_strings: 57
  024  000000b4                                  size_dt_struct: 180

  028  0000000000000000 0000000000000000         reserve map: only its end, address 0 size 0

  038  00000001                                  FDT_BEGIN_NODE
  03c  00000000                                    name: "", padded to 4: the root
  040  00000003                                    FDT_PROP
  044  00000007                                      len: 7
  048  00000015                                      nameoff: 21, compatible
  04c  6b686f2d763400 00                             "kho-v4", one byte of padding
  054  00000003                                    FDT_PROP
  058  00000008                                      len: 8
  05c  00000000                                      nameoff: 0, preserved-memory-map
  060  0080220000000000                              0x228000, little-endian: the radix root page

  068  00000001                                    FDT_BEGIN_NODE: the newest subtree comes first
  06c  6b686f5f74657374 00 000000                    name: "kho_test", padded to 12
  078  00000003                                      FDT_PROP: the newest property comes first
  07c  00000008                                        len: 8
  080  0000002f                                        nameoff: 47, blob-size
  084  f000000000000000                                0xf0, little-endian
  08c  00000003                                      FDT_PROP
  090  00000008                                        len: 8
  094  00000020                                        nameoff: 32, preserved-data
  098  00c0260000000000                                0x26c000, little-endian
  0a0  00000002                                    FDT_END_NODE

  0a4  00000001                                    FDT_BEGIN_NODE
  0a8  6b657865632d6d65 7461646174610000             name: "kexec-metadata", padded to 16
  0b8  00000003                                      FDT_PROP
  0bc  00000008                                        len: 8
  0c0  0000002f                                        nameoff: 47, blob-size
  0c4  4900000000000000                                0x49, little-endian: struct kho_kexec_metadata
  0cc  00000003                                      FDT_PROP
  0d0  00000008                                        len: 8
  0d4  00000020                                        nameoff: 32, preserved-data
  0d8  00f0220000000000                                0x22f000, little-endian
  0e0  00000002                                    FDT_END_NODE
  0e4  00000002                                  FDT_END_NODE
  0e8  00000009                                  FDT_END

  0ec  7072657365727665642d6d656d6f72792d6d617000   0: "preserved-memory-map": the last name of the sequential write
  101  636f6d70617469626c6500                      21: "compatible": its first name, written from the end downward
  10c  7072657365727665642d6461746100              32: "preserved-data": added by an edit, so at the end
  11b  626c6f622d73697a6500                        47: "blob-size"
  125                                            end of the tree

  fe0  7072657365727665642d6d656d6f72792d6d617000   where the sequential write kept its names until fdt_finish()
  ff5  636f6d70617469626c6500
`;

/** The listing as a page. */
export function goldenPage(): Buffer {
  const page = Buffer.alloc(PAGE_SIZE);
  for (const line of LISTING.split('\n')) {
    const match = /^ {2}([0-9a-f]{3}) {2}((?:[0-9a-f]{2} ?)+)(?: {2}|$)/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    page.set(Buffer.from(match[2].replaceAll(' ', ''), 'hex'), Number.parseInt(match[1], 16));
  }
  return page;
}
