/** Where 64-bit code enters a kernel, from its start (Documentation/arch/x86/boot.rst, 64-bit boot protocol). */
export const ENTRY_64 = 0x200n;

/** Null, unused, 0x10: 64-bit code, 0x18: data; both flat, as boot.rst asks for (__BOOT_CS, __BOOT_DS). */
export const DESCRIPTORS = [0n, 0n, 0x00af9a000000ffffn, 0x00cf92000000ffffn] as const;

/** Bytes of operands, the low one first. */
export const u32 = (value: bigint): number[] =>
  [0n, 8n, 16n, 24n].map((bit) => Number((value >> bit) & 0xffn));
export const u64 = (value: bigint): number[] => [...u32(value), ...u32(value >> 32n)];

/** Writes the descriptors at an offset. */
export function writeDescriptors(page: Buffer, offset: number): void {
  DESCRIPTORS.forEach((descriptor, i) => {
    page.writeBigUInt64LE(descriptor, offset + i * 8);
  });
}
