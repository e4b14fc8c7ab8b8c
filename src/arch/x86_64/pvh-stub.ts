import { KhoforgeError } from '../../base/errors.ts';
import { hex } from '../../base/numbers.ts';
import type { Region } from '../../memory/regions.ts';
import { DESCRIPTORS, u32, u64, writeDescriptors } from './code.ts';
import { identityTables } from './identity-tables.ts';

/*
 * What runs between the firmware and the kernel, instead of a purgatory: a PVH loader enters in 32-bit protected
 * mode without paging (xen/include/public/arch-x86/hvm/start_info.h), and a kernel that kexec starts is entered
 * in 64-bit mode, 0x200 bytes into its payload, with memory mapped one to one (Documentation/arch/x86/boot.rst,
 * 64-bit boot protocol). One page of code and descriptors, then the page tables.
 */

export interface StubTargets {
  /** Where the stub itself is: below 4 GiB, page aligned. */
  readonly address: bigint;
  readonly kernel: Region;
  /** In the kernel. */
  readonly entry: bigint;
  readonly bootParams: Region;
}

const PAGE = 0x1000n;
const GiB = 1n << 30n;
/** Where in the stub's page the 64-bit code, the descriptor table and its pointer are. */
const LONG_MODE = 0x40;
const GDT = 0x80;
const GDT_POINTER = 0xa0;

/** Bytes of the stub, to place it before its targets are known: code page and the most tables it can need. */
export function stubSize(kernelSize: bigint): bigint {
  const gibs = (bytes: bigint) => bytes / GiB + 2n;
  const directories = 4n + gibs(kernelSize) + gibs(0n);
  return PAGE * (1n + 1n + 3n + directories);
}

/**
 * The stub's bytes.
 * @throws KhoforgeError `STUB_ADDRESS` when it is not page aligned below 4 GiB
 */
export function makeStub(targets: StubTargets): Uint8Array {
  const { address, kernel, entry, bootParams } = targets;
  if (address % PAGE !== 0n || address + stubSize(kernel.size) > 4n * GiB) {
    throw new KhoforgeError('STUB_ADDRESS', `the entry stub cannot be at ${hex(address)}`);
  }
  const tables = identityTables(address + PAGE, [{ start: 0n, size: 4n * GiB }, kernel, bootParams]);
  const code = Buffer.alloc(Number(PAGE));
  code.set(protectedMode(address), 0);
  code.set(longMode(entry, bootParams.start), LONG_MODE);
  writeDescriptors(code, GDT);
  code.writeUInt16LE(DESCRIPTORS.length * 8 - 1, GDT_POINTER);
  code.writeUInt32LE(Number(address) + GDT, GDT_POINTER + 2);
  return Buffer.concat([code, tables]);
}

/** From 32-bit protected mode to 64-bit mode (Intel SDM volume 3, 10.8.5 "Initializing IA-32e mode"). */
function protectedMode(address: bigint): Uint8Array {
  return Uint8Array.from(
    [
      [0xfa], //                                                cli
      [0xfc], //                                                cld
      [0x0f, 0x01, 0x15, ...u32(address + BigInt(GDT_POINTER))], // lgdt [GDT_POINTER]
      [0xb8, ...u32(address + PAGE)], //                        mov eax, page tables
      [0x0f, 0x22, 0xd8], //                                    mov cr3, eax
      [0x0f, 0x20, 0xe0], //                                    mov eax, cr4
      [0x83, 0xc8, 0x20], //                                    or eax, CR4.PAE
      [0x0f, 0x22, 0xe0], //                                    mov cr4, eax
      [0xb9, ...u32(0xc0000080n)], //                           mov ecx, MSR_EFER
      [0x0f, 0x32], //                                          rdmsr
      [0x0d, ...u32(0x100n)], //                                or eax, EFER.LME
      [0x0f, 0x30], //                                          wrmsr
      [0x0f, 0x20, 0xc0], //                                    mov eax, cr0
      [0x0d, ...u32(0x80000000n)], //                           or eax, CR0.PG
      [0x0f, 0x22, 0xc0], //                                    mov cr0, eax
      [0xea, ...u32(address + BigInt(LONG_MODE)), 0x10, 0x00], // jmp 0x10:LONG_MODE
    ].flat(),
  );
}

/** The state that boot.rst asks for, and a jump to the kernel. */
function longMode(entry: bigint, bootParams: bigint): Uint8Array {
  return Uint8Array.from(
    [
      [0xb8, ...u32(0x18n)], //         mov eax, 0x18
      [0x8e, 0xd8], //                  mov ds, eax
      [0x8e, 0xc0], //                  mov es, eax
      [0x8e, 0xd0], //                  mov ss, eax
      [0x8e, 0xe0], //                  mov fs, eax
      [0x8e, 0xe8], //                  mov gs, eax
      [0x31, 0xdb], //                  xor ebx, ebx
      [0x31, 0xed], //                  xor ebp, ebp
      [0x31, 0xff], //                  xor edi, edi
      [0x48, 0xbe, ...u64(bootParams)], // mov rsi, boot_params
      [0x48, 0xb8, ...u64(entry)], //   mov rax, entry
      [0xff, 0xe0], //                  jmp rax
    ].flat(),
  );
}
