/** Fields of a bzImage's setup header that a test may want to set. */
export interface FakeKernel {
  setupSects?: number;
  protocol?: number;
  loadflags?: number;
  relocatable?: boolean;
  xloadflags?: number;
  alignment?: number;
  prefAddress?: bigint;
  initSize?: number;
  cmdlineSize?: number;
  version?: string;
  payload?: number;
  /** What it would unpack. */
  packed?: Uint8Array;
}

/** Where the latter is in what is loaded. */
const PACKED_AT = 0x400;

/** A file with a bzImage's header and no kernel in it (offsets: Documentation/arch/x86/boot.rst, 7.3). */
export function fakeBzImage(fields: FakeKernel = {}): Buffer {
  const setupSects = fields.setupSects ?? 3;
  const setup = Buffer.alloc(((setupSects || 4) + 1) * 512);
  setup.writeUInt8(setupSects, 0x1f1);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.writeUInt8(0x6a, 0x201); // the header ends at 0x202 + 0x6a
  setup.write('HdrS', 0x202);
  setup.writeUInt16LE(fields.protocol ?? 0x20f, 0x206);
  setup.writeUInt16LE(0x300, 0x20e);
  setup.writeUInt8(fields.loadflags ?? 1, 0x211);
  setup.writeUInt32LE(fields.alignment ?? 0x200000, 0x230);
  setup.writeUInt8((fields.relocatable ?? true) ? 1 : 0, 0x234);
  setup.writeUInt16LE(fields.xloadflags ?? 0x7f, 0x236);
  setup.writeUInt32LE(fields.cmdlineSize ?? 2047, 0x238);
  setup.writeBigUInt64LE(fields.prefAddress ?? 0x1000000n, 0x258);
  setup.writeUInt32LE(fields.initSize ?? 0x123456, 0x260);
  setup.write(fields.version ?? '7.3.4 (a@b) #1 SMP', 0x500);
  const payload = Buffer.alloc(fields.payload ?? 0x3000, 0x90);
  if (fields.packed) {
    setup.writeUInt32LE(PACKED_AT, 0x248);
    setup.writeUInt32LE(fields.packed.length, 0x24c);
    payload.set(fields.packed, PACKED_AT);
  }
  return Buffer.concat([setup, payload]);
}

/**
 * A vmlinux as a bzImage has it: two parts, linked at 0x1000000 and 0x1002000 in reverse order, and nothing after it.
 * @param entry from 0x1000000 on
 */
export function fakeVmlinux({ entry = 0x2004, second = 0x1002000n } = {}): Buffer {
  const parts = [
    { phys: second, text: 'second' },
    { phys: 0x1000000n, text: 'first' },
  ];
  const raw = Buffer.alloc(0x200);
  raw.write('\x7fELF\x02\x01\x01', 'latin1');
  raw.writeUInt16LE(2, 16);
  raw.writeUInt16LE(62, 18);
  raw.writeBigUInt64LE(0x1000000n + BigInt(entry), 24);
  raw.writeBigUInt64LE(64n, 32); // e_phoff
  raw.writeBigUInt64LE(0x200n, 40); // e_shoff: where there would be section headers
  raw.writeUInt16LE(56, 54);
  raw.writeUInt16LE(parts.length, 56);
  parts.forEach(({ phys, text }, i) => {
    const [at, offset] = [64 + i * 56, 0x100 + i * 0x40];
    raw.writeUInt32LE(1, at);
    raw.writeBigUInt64LE(BigInt(offset), at + 8);
    raw.writeBigUInt64LE(phys, at + 24);
    raw.writeBigUInt64LE(BigInt(text.length), at + 32);
    raw.writeBigUInt64LE(0x1000n, at + 40);
    raw.write(text, offset);
  });
  return raw;
}

/** A file with the header of an arm64 Image of 1 MiB that takes 4 MiB (Documentation/arch/arm64/booting.rst, 7.3). */
export function fakeArm64Image(): Buffer {
  const kernel = Buffer.alloc(1 << 20, 0x41);
  kernel.writeBigUInt64LE(0n, 8);
  kernel.writeBigUInt64LE(4n << 20n, 16);
  kernel.write('ARM\x64', 56, 'latin1');
  return kernel;
}
