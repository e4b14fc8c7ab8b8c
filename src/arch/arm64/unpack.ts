import { type Unpacking, unpackList, unpackListSize } from '../unpack-list.ts';

/*
 * Entered by kexec_load(2) with the MMU off and one CPU (7.3, arch/arm64/kernel/relocate_kernel.S), at any address.
 * Memory is written past the caches then: a dirty line that the kernel before left there would be written over it
 * later, and a clean one hide it from the next, so lines are thrown out before and after, as that kernel does it for the
 * segments themselves.
 */

const CODE = [
  0x10000609, // adr x9, list
  0xd53b002a, // mrs x10, ctr_el0
  0xd3504d4a, // ubfx x10, x10, #16, #4
  0xd280008b, // mov x11, #4
  0x9aca216a, // lsl x10, x11, x10: bytes of a cache line
  0xa8c10520, // next: ldp x0, x1, [x9], #16
  0xf8408522, // ldr x2, [x9], #8
  0xb4000322, // cbz x2, done
  0x8b020003, // add x3, x0, x2
  0xaa0003e4, // mov x4, x0
  0xd50b7e24, // before: dc civac, x4
  0x8b0a0084, // add x4, x4, x10
  0xeb03009f, // cmp x4, x3
  0x54ffffa3, // b.lo before
  0xd5033f9f, // dsb sy
  0xaa0003e4, // mov x4, x0
  0xb40000c1, // cbz x1, zero
  0xa8c11825, // copy: ldp x5, x6, [x1], #16
  0xa8811885, // stp x5, x6, [x4], #16
  0xeb03009f, // cmp x4, x3
  0x54ffffa3, // b.lo copy
  0x14000004, // b drop
  0xa8817c9f, // zero: stp xzr, xzr, [x4], #16
  0xeb03009f, // cmp x4, x3
  0x54ffffc3, // b.lo zero
  0xd5033f9f, // drop: dsb sy
  0xaa0003e4, // mov x4, x0
  0xd50b7e24, // after: dc civac, x4
  0x8b0a0084, // add x4, x4, x10
  0xeb03009f, // cmp x4, x3
  0x54ffffa3, // b.lo after
  0x17ffffe6, // b next
  0xd5033f9f, // done: dsb sy
  0xd508751f, // ic iallu
  0xd5033f9f, // dsb sy
  0xd5033fdf, // isb
  0x580000c0, // ldr x0, dtb
  0xd2800001, // mov x1, #0
  0xd2800002, // mov x2, #0
  0xd2800003, // mov x3, #0
  0x58000084, // ldr x4, kernel
  0xd61f0080, // br x4
];
/** Where dtb, kernel and list stand. */
const DTB = 0xa8;
const KERNEL = 0xb0;
const LIST = 0xc0;

/** Bytes of the stub with its list of so many pieces. */
export const unpackStubSize = (count: number): bigint => BigInt(LIST) + unpackListSize(count);

/** The stub's bytes. */
export function makeUnpackStub({ unpacked, kernel, parameters }: Unpacking): Uint8Array {
  const head = Buffer.alloc(LIST);
  CODE.forEach((word, i) => {
    head.writeUInt32LE(word, i * 4);
  });
  head.writeBigUInt64LE(parameters, DTB);
  head.writeBigUInt64LE(kernel, KERNEL);
  return Buffer.concat([head, unpackList(unpacked)]);
}
