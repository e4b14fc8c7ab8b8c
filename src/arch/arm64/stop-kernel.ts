import { stopText } from '../stop-kernel.ts';

/** struct arm64_image_header (arch/arm64/include/asm/image.h, 7.3). */
const HEADER_SIZE = 64;
const IMAGE_SIZE = 1n << 16n;
/** Little-endian, a page size that is not told, anywhere in memory (Documentation/arch/arm64/booting.rst, 7.3). */
const FLAGS = 1n << 3n;

/** Entered with the MMU off and the device tree in x0 (same file). */
const CODE = [
  0xaa0003f4, //          mov x20, x0
  0x10000281, //          adr x1, text
  0xd2a12002, //          mov x2, #0x9000000: the serial port of QEMU's virt (hw/arm/virt.c: VIRT_UART)
  0x38401423, //   print: ldrb w3, [x1], #1
  0x34000063, //          cbz w3, address
  0xb9000043, //          str w3, [x2]
  0x17fffffd, //          b print
  0x52800204, // address: mov w4, #16
  0x93d4f294, //   digit: ror x20, x20, #60
  0x12000e83, //          and w3, w20, #15
  0x7100287f, //          cmp w3, #10
  0x54000043, //          b.lo decimal
  0x11009c63, //          add w3, w3, #39: from the tenth digit to a
  0x1100c063, // decimal: add w3, w3, #48: 0
  0xb9000043, //          str w3, [x2]
  0x71000484, //          subs w4, w4, #1
  0x54ffff01, //          b.ne digit
  0x52800143, //          mov w3, #10: a new line
  0xb9000043, //          str w3, [x2]
  0xd503207f, //    halt: wfi
  0x17ffffff, //          b halt
];

/** An Image that image_probe() and image_load() take (arch/arm64/kernel/kexec_image.c, 7.3). */
export function stopKernel(): Uint8Array {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(0x14000000 | (HEADER_SIZE / 4), 0); // b past the header
  header.writeBigUInt64LE(IMAGE_SIZE, 16);
  header.writeBigUInt64LE(FLAGS, 24);
  header.write('ARM\x64', 56, 'latin1');
  const code = Buffer.alloc(CODE.length * 4);
  CODE.forEach((word, i) => {
    code.writeUInt32LE(word, i * 4);
  });
  return Buffer.concat([header, code, stopText()]);
}
