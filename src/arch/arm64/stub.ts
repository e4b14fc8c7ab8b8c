/** Where the kernel and its device tree are. */
export interface Arm64Entry {
  readonly kernel: bigint;
  readonly dtb: bigint;
}

/** Bytes of the stub. */
export const ARM64_STUB_SIZE = 48n;

/**
 * Code that starts a kernel by its boot protocol: x0 is the device tree, x1 to x3 are 0 (Documentation/arch/arm64/
 * booting.rst, 7.3). It is in the place of the code that a kexec jumps through, and runs at any address.
 */
export function arm64Stub({ kernel, dtb }: Arm64Entry): Uint8Array {
  const stub = Buffer.alloc(Number(ARM64_STUB_SIZE));
  const code = [
    0x58000100, // ldr x0, 0x20
    0xd2800001, // mov x1, #0
    0xd2800002, // mov x2, #0
    0xd2800003, // mov x3, #0
    0x580000c4, // ldr x4, 0x28
    0xd61f0080, // br x4
  ];
  code.forEach((word, i) => {
    stub.writeUInt32LE(word, i * 4);
  });
  stub.writeBigUInt64LE(dtb, 0x20);
  stub.writeBigUInt64LE(kernel, 0x28);
  return stub;
}
