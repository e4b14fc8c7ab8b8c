import { ARCHITECTURES } from '../arch/architectures.ts';
import type { KernelImage } from '../arch/x86_64/kernel-image.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput, writeAll } from '../base/files.ts';
import type { ByteProgress } from '../base/progress.ts';
import { IMAGE_FILES, writeImageDirectory } from '../formats/directory.ts';
import { readVmcoreinfo } from '../formats/vmcoreinfo.ts';
import { writeElfCore } from '../formats/write-core.ts';
import { writeRawExtents } from '../formats/write-raw.ts';
import { commandLine, dumpMachineTree, emulatorFor, qemuArguments } from '../guest/qemu.ts';
import { buildBootElf, buildBootParts } from '../load/boot-elf.ts';
import { writeKexecDirectory } from '../load/kexec-file.ts';
import { planKexecLoad } from '../load/kexec-load.ts';
import { buildLoader } from '../load/loader.ts';
import { kexecSegments, type SegmentsOptions, withSegments } from '../load/segments.ts';
import type { Machine } from '../memory/machine.ts';
import { refuseUnread } from '../memory/unread.ts';
import type { Image } from '../model/image.ts';
import { checkOutput } from '../output/check.ts';
import { writeFileWhole } from '../output/write.ts';
import type { PlacedSegment } from '../render/build.ts';

export const FORMATS = ['dir', 'core', 'elf', 'raw', 'kexec'] as const;
export type Format = (typeof FORMATS)[number];

/** Options of `build` that say what is written. */
export interface FormatFlags {
  kernel?: string;
  initrd?: string;
  cmdline?: string;
  vmcoreinfo?: string;
  vmlinux?: string;
  dtb?: string;
  /** False with --no-loader. */
  loader?: boolean;
  cc?: string;
  force?: boolean;
}

/** What was written. */
export interface Written {
  /** Names in the directory; none when the output is a file. */
  readonly files: readonly string[];
  /** What was loaded with --kernel. */
  readonly segments: readonly PlacedSegment[];
}

type OnProgress = (progress: ByteProgress) => void;
type Writer = (image: Image, output: string, flags: FormatFlags, onProgress: OnProgress) => Written;

const WRITERS: Readonly<Record<Format, Writer>> = {
  dir: writeDir,
  core: writeCore,
  elf: writeElf,
  raw: writeRaw,
  kexec: writeKexec,
};

/** Options that only some formats take. */
const TAKEN: Readonly<Record<'vmcoreinfo' | 'vmlinux' | 'dtb' | 'cc', readonly Format[]>> = {
  vmcoreinfo: ['core'],
  vmlinux: ['core'],
  dtb: ['core', 'kexec'],
  cc: ['kexec'],
};

/**
 * Refuses options that do not go together, and an output that may not be replaced, before any work is done.
 * @param source what the image is made from
 * @throws KhoforgeError `USAGE`, and of checkOutput()
 */
export function checkFormat(source: string, format: Format, output: string, flags: FormatFlags): void {
  for (const [option, formats] of Object.entries(TAKEN)) {
    const given = Object.entries(flags).some(([name, value]) => name === option && value !== undefined);
    if (given && !formats.includes(format)) {
      throw usage(
        `--${option} is of no use to --format ${format}`,
        `it goes with --format ${formats.join(', ')}`,
      );
    }
  }
  if (flags.loader === false && format !== 'kexec') {
    throw usage(`--no-loader is of no use to --format ${format}`, 'it goes with --format kexec');
  }
  if (flags.kernel === undefined && (flags.initrd ?? flags.cmdline) !== undefined) {
    throw usage('--initrd and --cmdline are for what --kernel loads', 'add --kernel FILE');
  }
  const { kernel, initrd, vmcoreinfo, vmlinux, dtb, force = false } = flags;
  checkOutput(output, format, {
    force,
    sources: [source, kernel, initrd, vmcoreinfo, vmlinux, dtb],
    extra: extraFiles(format, flags),
  });
}

/** Files of the directory that not every one of its form has. */
function extraFiles(format: Format, { kernel, loader }: FormatFlags): string[] {
  if (format === 'kexec') return loader === false ? [] : ['kexec-load'];
  if (kernel === undefined) return [];
  return format === 'dir' ? ['boot.elf'] : ['entry.elf'];
}

/** @throws KhoforgeError of the writers */
export function writeFormat(
  image: Image,
  format: Format,
  output: string,
  flags: FormatFlags,
  onProgress: OnProgress,
): Written {
  return WRITERS[format](image, output, flags, onProgress);
}

/** Of a dump that is cut short while it is read, nothing is taken. */
const options = ({ force = false }: FormatFlags) => ({ force, onWritten: () => refuseUnread() });

function writeDir(image: Image, output: string, flags: FormatFlags, onProgress: OnProgress): Written {
  const boot = flags.kernel === undefined ? undefined : buildBootElf(image, kernelOptions(image, flags));
  const extra = boot === undefined ? [] : [{ name: 'boot.elf', bytes: boot.elf }];
  writeImageDirectory(image, output, { extra, ...options(flags), onProgress });
  const files = [...IMAGE_FILES, ...extra.map(({ name }) => name)];
  return { files, segments: boot?.segments ?? [] };
}

function writeCore(image: Image, output: string, flags: FormatFlags, onProgress: OnProgress): Written {
  const { kernel, vmcoreinfo, vmlinux } = flags;
  if (vmcoreinfo !== undefined && vmlinux !== undefined) {
    throw usage('--vmcoreinfo and --vmlinux exclude each other', 'VMCOREINFO is made from the vmlinux');
  }
  const info = vmcoreinfo === undefined ? {} : { vmcoreinfo: readVmcoreinfo(vmcoreinfo) };
  const segments = kernel === undefined ? [] : kexecSegments(image, kernelOptions(image, flags)).segments;
  const symbols = vmlinux === undefined ? undefined : kernelImage(image, vmlinux);
  writeElfCore({ ...withSegments(image, segments), ...info }, output, symbols, {
    ...options(flags),
    onProgress,
  });
  return { files: [], segments };
}

function kernelImage({ target }: Image, vmlinux: string): KernelImage {
  const { readKernelImage } = ARCHITECTURES[target.arch];
  if (readKernelImage !== undefined) return readKernelImage(vmlinux);
  throw usage(`--vmlinux: no kernel of ${target.arch} can be put into a core`, 'give --vmcoreinfo instead');
}

function writeElf(image: Image, output: string, flags: FormatFlags, onProgress: OnProgress): Written {
  const { elf, segments } = buildBootElf(image, { ...kernelOptions(image, flags), onProgress });
  const { mode } = image;
  writeFileWhole(output, { ...options(flags), form: 'elf', mode }, (descriptor) => writeAll(descriptor, elf));
  return { files: [], segments };
}

function writeRaw(image: Image, output: string, flags: FormatFlags, onProgress: OnProgress): Written {
  if (flags.kernel === undefined)
    return { files: writeRawExtents(image, output, { ...options(flags), onProgress }), segments: [] };
  const { elf, image: loaded, inElf, machine, segments } = buildBootParts(image, kernelOptions(image, flags));
  const name = 'entry.elf';
  const files = writeRawExtents(loaded, output, {
    extra: [{ name, bytes: elf }],
    arguments: qemuArguments(name, machine, 'tcg'),
    without: inElf,
    ...options(flags),
    onProgress,
  });
  return { files, segments };
}

function writeKexec(image: Image, output: string, flags: FormatFlags, onProgress: OnProgress): Written {
  // The console is the machine's own affair.
  const booted = { ...kernelOptions(image, flags), cmdline: `kho=on ${flags.cmdline ?? ''}`.trim() };
  const load = planKexecLoad(image, booted);
  const loader = flags.loader === false ? undefined : buildLoader(load.arch, flags.cc);
  const directory = { load, cmdline: booted.cmdline, ...(loader && { loader }) };
  const files = writeKexecDirectory(directory, output, { ...options(flags), onProgress });
  return {
    files,
    segments: load.segments.map(({ mem, memsz, ...rest }) => ({ ...rest, start: mem, size: memsz })),
  };
}

function kernelOptions(image: Image, { kernel, initrd, cmdline, dtb }: FormatFlags): SegmentsOptions {
  if (kernel === undefined) throw usage('this format has a kernel in it', 'add --kernel FILE');
  return {
    kernel: readInput(kernel),
    kernelFile: kernel,
    cmdline: commandLine(cmdline, image.target.arch),
    machineTree: (machine) => (dtb === undefined ? qemuTree(machine, image) : readInput(dtb)),
    ...(initrd !== undefined && { initrd: readInput(initrd) }),
  };
}

/** Of the machine that QEMU would make; of another only the user knows it. */
function qemuTree(machine: Machine, { target }: Image): Uint8Array {
  if (machine.type !== 'none') return dumpMachineTree(machine, emulatorFor(target.arch));
  throw usage("`ram` is not that of QEMU's machine", 'give its device tree: --dtb /sys/firmware/fdt');
}

const usage = (message: string, hint: string) => new KhoforgeError('USAGE', message, { hint });
