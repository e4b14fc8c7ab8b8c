import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { SetupDataRecord } from '../../model/image.ts';
import { stopText } from '../stop-kernel.ts';
import { SETUP_DATA } from './boot-params.ts';
import { SETUP_HEADER_OFFSET } from './bzimage.ts';
import { ENTRY_64 } from './code.ts';
import { readSetupData, X86 } from './setup-data.ts';

/** The boot sector and one more: offsets below are those of Documentation/arch/x86/boot.rst (7.3). */
const REAL_MODE = 1024;
const SECTORS_BEHIND_BOOT = 1;
const PROTOCOL = 0x20f;
const LOADED_HIGH = 1;
/** XLF_KERNEL_64, XLF_CAN_BE_LOADED_ABOVE_4G, XLF_5LEVEL, XLF_5LEVEL_ENABLED: it runs wherever it is put. */
const XLOADFLAGS = 0x63;
const HEADER_END = 0x26c;
const INIT_SIZE = 4096;

/** Entered in 64-bit mode with boot_params in rsi and memory mapped one to one, by purgatory or right after the jump. */
const CODE = [
  [0x48, 0x89, 0xf3], //                         mov rbx, rsi
  [0x48, 0x8d, 0x35, 0x2b, 0x00, 0x00, 0x00], // lea rsi, [text]
  [0x66, 0xba, 0xf8, 0x03], //                   mov dx, 0x3f8: the first serial port
  [0xac], //                              print: lodsb
  [0x84, 0xc0], //                               test al, al
  [0x74, 0x03], //                               jz address
  [0xee], //                                     out dx, al
  [0xeb, 0xf8], //                               jmp print
  [0xb9, 0x10, 0x00, 0x00, 0x00], //    address: mov ecx, 16
  [0x48, 0xc1, 0xc3, 0x04], //            digit: rol rbx, 4
  [0x88, 0xd8], //                               mov al, bl
  [0x24, 0x0f], //                               and al, 15
  [0x3c, 0x0a], //                               cmp al, 10
  [0x72, 0x02], //                               jb decimal
  [0x04, 0x27], //                               add al, 39: from the tenth digit to a
  [0x04, 0x30], //                      decimal: add al, 48: 0
  [0xee], //                                     out dx, al
  [0xe2, 0xed], //                               loop digit
  [0xb0, 0x0a], //                               mov al, 10: a new line
  [0xee], //                                     out dx, al
  [0xfa], //                               halt: cli
  [0xf4], //                                     hlt
  [0xeb, 0xfc], //                               jmp halt
].flat();

/** A bzImage that bzImage64_probe() and bzImage64_load() take (arch/x86/kernel/kexec-bzimage64.c, 7.3). */
export function stopKernel(): Uint8Array {
  const header = Buffer.alloc(REAL_MODE);
  header.writeUInt8(SECTORS_BEHIND_BOOT, SETUP_HEADER_OFFSET);
  header.writeUInt16LE(0xaa55, 0x1fe);
  header.writeUInt16LE(0xeb | ((HEADER_END - 0x202) << 8), 0x200); // a jump over the header tells its length
  header.write('HdrS', 0x202, 'latin1');
  header.writeUInt16LE(PROTOCOL, 0x206);
  header.writeUInt8(LOADED_HIGH, 0x211);
  header.writeUInt32LE(2 << 20, 0x230); // kernel_alignment
  header.writeUInt8(1, 0x234); // relocatable_kernel
  header.writeUInt16LE(XLOADFLAGS, 0x236);
  header.writeUInt32LE(2047, 0x238); // cmdline_size
  header.writeBigUInt64LE(1n << 20n, 0x258); // pref_address
  header.writeUInt32LE(INIT_SIZE, 0x260);
  return Buffer.concat([header, Buffer.alloc(Number(ENTRY_64)), Buffer.from(CODE), stopText()]);
}

/** More than a kernel has kinds of records, and than a chain that leads into itself may cost. */
const MAX_RECORDS = 64;

/** The record of KHO in the chain that boot_params lead to (arch/x86/kernel/setup.c: parse_setup_data(), 7.3). */
export function recordOfBootParams(memory: PhysicalMemory, params: bigint): SetupDataRecord | undefined {
  const header = X86.abi.struct('setup_data');
  const kho = X86.abi.number('SETUP_KEXEC_KHO');
  let at = Buffer.from(memory.read(params + BigInt(SETUP_DATA), 8)).readBigUInt64LE();
  for (let count = 0; at !== 0n && count < MAX_RECORDS; count++) {
    const { next, type } = header.decode(memory.read(at, header.layout.size));
    if (type === kho) return readSetupData(memory, at);
    at = next;
  }
  return undefined;
}
