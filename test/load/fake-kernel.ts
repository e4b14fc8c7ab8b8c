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
}

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
  return Buffer.concat([setup, Buffer.alloc(fields.payload ?? 0x3000, 0x90)]);
}

/** A file with the header of an arm64 Image of 1 MiB that takes 4 MiB (Documentation/arch/arm64/booting.rst, 7.3). */
export function fakeArm64Image(): Buffer {
  const kernel = Buffer.alloc(1 << 20, 0x41);
  kernel.writeBigUInt64LE(0n, 8);
  kernel.writeBigUInt64LE(4n << 20n, 16);
  kernel.write('ARM\x64', 56, 'latin1');
  return kernel;
}
