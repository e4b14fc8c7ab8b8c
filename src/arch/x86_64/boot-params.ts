import { createHash } from 'node:crypto';
import { SETUP_RNG_SEED } from '../../abi/setup-types.ts';
import type { Target } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { alignUp } from '../../base/numbers.ts';
import type { Machine } from '../../memory/machine.ts';
import { type Region, regionEnd } from '../../memory/regions.ts';
import type { BootRecord } from '../../model/image.ts';
import { type BzImage, SETUP_HEADER_OFFSET } from './bzimage.ts';
import { encodeSetupData } from './setup-data.ts';

/** Offsets in `struct boot_params` (arch/x86/include/uapi/asm/bootparam.h, 7.3; Documentation/arch/x86/zero-page.rst). */
const EXT_RAMDISK_IMAGE = 0x0c0;
const EXT_RAMDISK_SIZE = 0x0c4;
const EXT_CMD_LINE_PTR = 0x0c8;
const E820_ENTRIES = 0x1e8;
const TYPE_OF_LOADER = 0x210;
const LOADFLAGS = 0x211;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const CMD_LINE_PTR = 0x228;
export const SETUP_DATA = 0x250;
const E820_TABLE = 0x2d0;
const E820_MAX_ENTRIES = 128;
const BOOT_PARAMS_SIZE = 4096;

/** The loader type that kexec gives (7.3, arch/x86/kernel/kexec-bzimage64.c: bzImage64_load()). */
const LOADER_KEXEC = 0xd0;
/** Room that kexec_file_load() leaves after the command line (same file: MAX_ELFCOREHDR_STR_LEN). */
const ELFCOREHDR_ROOM = 30;
/** sizeof(struct setup_data) + sizeof(struct kho_data). */
const KHO_RECORD_SIZE = 16 + 32;
/** sizeof(struct setup_data) + RNG_SEED_LENGTH (same file). */
const RNG_RECORD_SIZE = 16 + 32;
/** Room for a record of EFI, whether there is EFI or not: sizeof(struct setup_data) + sizeof(struct efi_setup_data). */
const EFI_ROOM = 16 + 96;
/** A kernel gives its successor random bytes; the same spec gives the same image, and the same boot. */
const RNG_SEED = createHash('sha256').update('khoforge').digest();

export interface E820Entry extends Region {
  /** E820_TYPE_RAM or E820_TYPE_RESERVED. */
  readonly type: 1 | 2;
}

export interface BootParams {
  readonly kernel: BzImage;
  /** Where the boot parameters will be. */
  readonly address: bigint;
  readonly cmdline: string;
  readonly initrd?: Region;
  readonly e820: readonly E820Entry[];
  readonly bootRecord: BootRecord;
  readonly target: Target;
}

/** Bytes of boot_params, command line and setup_data together: one kexec buffer. */
export function bootParamsSize(cmdline: string): bigint {
  return BigInt(recordOffset(cmdline) + EFI_ROOM + KHO_RECORD_SIZE + RNG_RECORD_SIZE);
}

/**
 * The bytes of that buffer, laid out as bzImage64_load() does: boot_params, command line, setup_data.
 * @throws KhoforgeError `CMDLINE_TOO_LONG`, `E820_TOO_LONG`
 */
export function encodeBootParams(params: BootParams): Uint8Array {
  const { kernel, address, cmdline, initrd } = params;
  const raw = Buffer.alloc(Number(bootParamsSize(cmdline)));
  raw.set(kernel.setupHeader, SETUP_HEADER_OFFSET);
  raw.writeUInt8(LOADER_KEXEC, TYPE_OF_LOADER);
  raw.writeUInt8(0, LOADFLAGS);
  writeSplit(raw, address + BigInt(BOOT_PARAMS_SIZE), CMD_LINE_PTR, EXT_CMD_LINE_PTR);
  if (initrd) {
    writeSplit(raw, initrd.start, RAMDISK_IMAGE, EXT_RAMDISK_IMAGE);
    writeSplit(raw, initrd.size, RAMDISK_SIZE, EXT_RAMDISK_SIZE);
  }
  writeE820(raw, params.e820);
  writeCmdline(raw, cmdline, kernel);
  const at = recordOffset(cmdline);
  // The room for the record is always there; without a handover it is not linked (7.3, setup_kho()).
  const { bootRecord, target } = params;
  if (bootRecord.kind === 'setup_data')
    pushRecord(raw, params, at, (next) => encodeSetupData(target, bootRecord, next));
  pushRecord(raw, params, at + KHO_RECORD_SIZE, rngRecord(params));
  return raw;
}

/** Puts a setup_data record at an offset, and at the head of the chain (7.3, setup_kho(), setup_rng_seed()). */
function pushRecord(raw: Buffer, { address }: BootParams, at: number, record: (next: bigint) => Uint8Array) {
  raw.set(record(raw.readBigUInt64LE(SETUP_DATA)), at);
  raw.writeBigUInt64LE(address + BigInt(at), SETUP_DATA);
}

/**
 * The machine's memory as a producing kernel would hand it on: `ram` is RAM, all other memory of the machine and
 * its firmware's ranges are reserved. Preserved memory and scratch do not show in it (7.3,
 * arch/x86/kernel/kexec-bzimage64.c: setup_e820_entries()).
 */
export function e820Table(ram: readonly Region[], machine: Machine): E820Entry[] {
  const reserved = [...machine.banks.flatMap((bank) => gaps(bank, ram)), ...machine.reserved];
  const entries: E820Entry[] = [
    ...ram.map((region) => ({ ...region, type: 1 as const })),
    ...reserved.map((region) => ({ ...region, type: 2 as const })),
  ];
  return entries.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** The parts of `bank` that are not in `ram`. */
function gaps(bank: Region, ram: readonly Region[]): Region[] {
  const result: Region[] = [];
  let at = bank.start;
  for (const region of [...ram].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    if (region.start >= regionEnd(bank)) break;
    if (region.start > at) result.push({ start: at, size: region.start - at });
    if (regionEnd(region) > at) at = regionEnd(region);
  }
  if (at < regionEnd(bank)) result.push({ start: at, size: regionEnd(bank) - at });
  return result;
}

function recordOffset(cmdline: string): number {
  const bytes = Buffer.byteLength(cmdline) + 1;
  return BOOT_PARAMS_SIZE + Number(alignUp(BigInt(bytes + ELFCOREHDR_ROOM), 16n));
}

/** A 64-bit value whose upper half has a field of its own. */
function writeSplit(raw: Buffer, value: bigint, low: number, high: number): void {
  raw.writeUInt32LE(Number(value & 0xffffffffn), low);
  raw.writeUInt32LE(Number(value >> 32n), high);
}

function writeE820(raw: Buffer, entries: readonly E820Entry[]): void {
  if (entries.length > E820_MAX_ENTRIES) {
    const message = `the memory map has ${entries.length} entries, boot_params has room for ${E820_MAX_ENTRIES}`;
    throw new KhoforgeError('E820_TOO_LONG', message, { where: { spec: 'ram' } });
  }
  raw.writeUInt8(entries.length, E820_ENTRIES);
  entries.forEach((entry, i) => {
    const at = E820_TABLE + i * 20;
    raw.writeBigUInt64LE(entry.start, at);
    raw.writeBigUInt64LE(entry.size, at + 8);
    raw.writeUInt32LE(entry.type, at + 16);
  });
}

function writeCmdline(raw: Buffer, cmdline: string, kernel: BzImage): void {
  const bytes = Buffer.byteLength(cmdline) + 1;
  if (bytes > kernel.cmdlineSize) {
    const message = `the command line takes ${bytes} bytes, the kernel reads ${kernel.cmdlineSize}`;
    throw new KhoforgeError('CMDLINE_TOO_LONG', message, { hint: 'shorten --cmdline' });
  }
  raw.write(cmdline, BOOT_PARAMS_SIZE);
}

function rngRecord({ target }: BootParams) {
  const header = { type: SETUP_RNG_SEED, len: RNG_SEED.length };
  return (next: bigint) =>
    Buffer.concat([target.abi.struct('setup_data').encode({ next, ...header }), RNG_SEED]);
}
