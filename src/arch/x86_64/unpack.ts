import type { Region } from '../../memory/regions.ts';
import { type Unpacking, unpackList, unpackListSize } from '../unpack-list.ts';
import { DESCRIPTORS, ENTRY_64, u32, u64, writeDescriptors } from './code.ts';
import { identityTables } from './identity-tables.ts';

/*
 * Entered by kexec_load(2) in 64-bit mode with all of RAM mapped one to one, interrupts off and an empty descriptor
 * table (7.3, arch/x86/kernel/relocate_kernel_64.S). The tables that map it are in memory of the kernel before, which
 * what is unpacked may be for: so the stub goes over to its own first. Page tables may have five levels, when those of
 * the kernel before had.
 */

const PAGE = 0x1000n;
/** Where in the stub's first page descriptors and their pointer are; its stack ends with the page. */
const GDT = 0xc0;
const GDT_POINTER = 0xe0;
/** Where the code goes on after it has loaded its code segment. */
const LONG_RETURN = 0x51n;
const PRESENT_WRITABLE = 3n;

/** Bytes of the stub with its tables and its list of so many pieces. */
export function unpackStubSize(count: number, mapped: readonly Region[]): bigint {
  return 2n * PAGE + BigInt(identityTables(0n, mapped).length) + unpackListSize(count);
}

/** The stub's bytes: a page of code, the fifth level of page tables, the other levels, the list of what to unpack. */
export function makeUnpackStub(stub: Unpacking): Uint8Array {
  const { address, unpacked, mapped } = stub;
  const [fiveLevels, fourLevels] = [address + PAGE, address + 2n * PAGE];
  const tables = identityTables(fourLevels, mapped);
  const page = Buffer.alloc(Number(PAGE));
  page.set(code(stub, { fiveLevels, fourLevels, list: fourLevels + BigInt(tables.length) }));
  writeDescriptors(page, GDT);
  page.writeUInt16LE(DESCRIPTORS.length * 8 - 1, GDT_POINTER);
  page.writeBigUInt64LE(address + BigInt(GDT), GDT_POINTER + 2);
  const top = Buffer.alloc(Number(PAGE));
  top.writeBigUInt64LE(fourLevels | PRESENT_WRITABLE, 0);
  return Buffer.concat([page, top, tables, unpackList(unpacked)]);
}

interface Addresses {
  readonly fiveLevels: bigint;
  readonly fourLevels: bigint;
  readonly list: bigint;
}

function code({ address, kernel, parameters }: Unpacking, at: Addresses): Uint8Array {
  return Uint8Array.from(
    [
      [0xfa], //                                          cli
      [0xfc], //                                          cld
      [0x0f, 0x01, 0x15, ...u32(BigInt(GDT_POINTER - 9))], // lgdt [GDT_POINTER]
      [0x0f, 0x20, 0xe0], //                              mov rax, cr4
      [0x48, 0xbb, ...u64(at.fourLevels)], //             mov rbx, tables
      [0x0f, 0xba, 0xe0, 0x0c], //                        bt eax, CR4.LA57
      [0x73, 0x0a], //                                    jnc load
      [0x48, 0xbb, ...u64(at.fiveLevels)], //             mov rbx, tables of five levels
      [0x0f, 0x22, 0xdb], //                        load: mov cr3, rbx
      [0x48, 0xbc, ...u64(address + PAGE)], //            mov rsp, end of the page
      [0xb8, ...u32(0x18n)], //                           mov eax, 0x18
      [0x8e, 0xd8], //                                    mov ds, eax
      [0x8e, 0xc0], //                                    mov es, eax
      [0x8e, 0xd0], //                                    mov ss, eax
      [0x8e, 0xe0], //                                    mov fs, eax
      [0x8e, 0xe8], //                                    mov gs, eax
      [0x6a, 0x10], //                                    push 0x10
      [0x48, 0xb8, ...u64(address + LONG_RETURN)], //     mov rax, return
      [0x50], //                                          push rax
      [0x48, 0xcb], //                                    retfq
      [0x48, 0xbb, ...u64(at.list)], //           return: mov rbx, list
      [0x48, 0x8b, 0x4b, 0x10], //                  next: mov rcx, [rbx + 16]
      [0x48, 0xc1, 0xe9, 0x03], //                        shr rcx, 3
      [0x74, 0x1c], //                                    jz done
      [0x48, 0x8b, 0x3b], //                              mov rdi, [rbx]
      [0x48, 0x8b, 0x73, 0x08], //                        mov rsi, [rbx + 8]
      [0x48, 0x83, 0xc3, 0x18], //                        add rbx, 24
      [0x48, 0x85, 0xf6], //                              test rsi, rsi
      [0x74, 0x05], //                                    jz zero
      [0xf3, 0x48, 0xa5], //                              rep movsq
      [0xeb, 0xe1], //                                    jmp next
      [0x31, 0xc0], //                              zero: xor eax, eax
      [0xf3, 0x48, 0xab], //                              rep stosq
      [0xeb, 0xda], //                                    jmp next
      [0x31, 0xdb], //                              done: xor ebx, ebx
      [0x31, 0xed], //                                    xor ebp, ebp
      [0x31, 0xff], //                                    xor edi, edi
      [0x48, 0xbe, ...u64(parameters)], //                mov rsi, boot_params
      [0x48, 0xb8, ...u64(kernel + ENTRY_64)], //         mov rax, entry
      [0xff, 0xe0], //                                    jmp rax
    ].flat(),
  );
}
