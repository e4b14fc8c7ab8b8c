/** Consoles as real kernels print them: the lines that matter, with what stands around them. */

const stamp = (lines: string, seconds = '0.000000') =>
  lines
    .trim()
    .split('\n')
    .map((line) => `[${seconds.padStart(12)}] ${line.trim()}`)
    .join('\n');

const BOOT = `
Linux version 7.3.4 (build@host) (gcc (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT
Command line: console=ttyS0 earlyprintk=serial,ttyS0,115200 ignore_loglevel panic=-1 kho=on
BIOS-provided physical RAM map:
BIOS-e820: [mem 0x0000000000000000-0x000000000009efff]  System RAM
`;
const FOUND = 'KHO: found kexec handover data.';
const METADATA = 'KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)';
const TEST = 'test_kho: KHO restore succeeded';
const NO_ROOT = `
VFS: Cannot open root device "" or unknown-block(0,0): error -6
Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
Kernel Offset: disabled
`;

const console = (...parts: string[]) => `${parts.map((part) => stamp(part)).join('\r\n')}\r\n`;

export const revived = console(BOOT, FOUND, METADATA, TEST, NO_ROOT);
/** 6.19 and before go on after the full stop. */
export const revivedOld = console(BOOT, `${FOUND} Will skip init for some devices`, TEST, NO_ROOT);
export const poweredOff = console(BOOT, FOUND, METADATA, 'reboot: Power down');
export const onlyFound = console(BOOT, FOUND, NO_ROOT);
export const incompatible = console(
  BOOT,
  "KHO: setup: handover FDT (0x8000000) is incompatible with 'kho-v4': 1\nKHO: disabling KHO revival",
  NO_ROOT,
);
/** 6.18 prints an error number. */
export const invalid = console(
  BOOT,
  'KHO: setup: handover FDT (0x10116b000) is invalid: -9\nKHO: disabling KHO revival: -22',
  NO_ROOT,
);
export const mapZero = console(BOOT, 'KHO: disabling KHO revival', NO_ROOT);
export const metadataRefused = console(
  BOOT,
  FOUND,
  'KHO: kexec-metadata version 9 not supported (expected 1)',
  NO_ROOT,
);
export const memblockRefused = console(
  BOOT,
  FOUND,
  "FDT 'memblock' is incompatible with 'memblock-v1': 1",
  METADATA,
  NO_ROOT,
);
export const notConfigured = console(
  BOOT,
  'Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.',
  NO_ROOT,
);
export const silentOnKho = console(
  BOOT,
  'KHO: scratch areas: lowmem: 64MiB global: 16MiB pernode: 16MiB',
  NO_ROOT,
);
export const warned = console(
  BOOT,
  FOUND,
  '------------[ cut here ]------------\nWARNING: kernel/liveupdate/kexec_handover.c:529 at kho_restore_folio+0x5f/0x130, CPU#0: swapper/0/1',
  METADATA,
  TEST,
  NO_ROOT,
);
export const oopsed = console(
  BOOT,
  FOUND,
  `BUG: unable to handle page fault for address: 0000087f00000000
  #PF: supervisor read access in kernel mode
  Oops: Oops: 0000 [#1] SMP
  Kernel panic - not syncing: Attempted to kill the idle task!
  ---[ end Kernel panic - not syncing: Attempted to kill the idle task! ]---`,
);
export const earlyException = console(
  BOOT,
  FOUND,
  'PANIC: early exception 0x0d IP 10:ffffffff8108c1d6 error 0 cr2 0xffff888000000413',
);
export const restoreFailed = console(BOOT, FOUND, METADATA, 'test_kho: KHO restore failed', NO_ROOT);
export const died = console(BOOT, FOUND);
