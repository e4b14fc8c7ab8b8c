import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { KernelFile } from '../arch/kernel-file.ts';
import { extractHandover } from '../capture/extract.ts';
import { dumpMemory } from '../formats/dump.ts';
import { readElfCore } from '../formats/elf-core.ts';
import { MappedFile } from '../formats/mapped-file.ts';
import type { BootRecord, Image } from '../model/image.ts';
import { openSource } from '../source/open.ts';

/** What a first kernel handed over, in a dump of its memory. It is in use until it is disposed of. */
export interface StoppedHandover extends Disposable {
  readonly image: Image;
}

export interface Stopped {
  /** Path of the dump of a guest that stopped. */
  readonly dump: string;
  /** Address of what the next kernel was started with. */
  readonly parameters: bigint;
  readonly kernel: KernelFile;
  /** Bytes of guest memory. */
  readonly memory: bigint;
  /** Of the kernel's tree, beside those of the releases. */
  readonly own?: Target | undefined;
}

/** The handover that the next kernel was told of, contents and all; undefined when it was told of none. */
export function openStopped({ dump, parameters, kernel, memory, own }: Stopped): StoppedHandover | undefined {
  const { recordOf, machineRam } = ARCHITECTURES[kernel.arch];
  const bootRecord = recordIn(dump, (contents) => recordOf(contents, parameters));
  if (bootRecord === undefined) return undefined;
  const { arch, pageSize } = kernel;
  const opened = openSource(dump, { fdtPhys: bootRecord.fdtAddr, arch, pageSize, ...(own && { own }) });
  try {
    const { ramGuessed, ...found } = opened.image;
    const known = { ...found, bootRecord, ...(ramGuessed && { ram: machineRam(memory) }) };
    const image = extractHandover(known, { withContents: true });
    return { image, [Symbol.dispose]: opened.close };
  } catch (error) {
    opened.close();
    throw error;
  }
}

function recordIn(
  dump: string,
  read: (memory: Image['memory']) => BootRecord | undefined,
): BootRecord | undefined {
  const file = new MappedFile(dump);
  const memory = dumpMemory(readElfCore(file));
  try {
    return read(memory);
  } finally {
    memory.close();
    file.close();
  }
}
