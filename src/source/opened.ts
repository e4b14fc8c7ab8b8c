import type { Arch, Target } from '../abi/target.ts';
import type { ByteProgress } from '../base/progress.ts';
import type { SourceNote } from '../formats/dump.ts';
import type { MappedFile } from '../formats/mapped-file.ts';
import type { Image } from '../model/image.ts';
import type { Candidate } from './candidates.ts';

export interface OpenOptions {
  /** Address of the root FDT; then nothing is searched for. */
  readonly fdtPhys?: bigint;
  /** Address of the first byte of a raw dump. */
  readonly base?: bigint;
  /** Where the file does not tell. */
  readonly arch?: Arch;
  /** Bytes, where the file does not tell. */
  readonly pageSize?: number;
  /** Unstripped vmlinux of the dumped kernel: then its symbols lead to the root FDT. */
  readonly vmlinux?: string;
  /** Of a tree, beside those of the releases; see targetOf(). */
  readonly own?: Target;
  /** Called while a dump or RAM is searched, each 64 MiB; `total` is what there is to search, holes included. */
  readonly onScan?: (progress: ByteProgress) => void;
}

/** What was found in a source: its handover as an image, and how it was found. */
export interface FoundHandover {
  /** E.g. `ELF core, 2 segments, 256 MiB`. */
  readonly kind: string;
  readonly image: Image;
  /** Root FDTs that were found, the chosen one first; none where the source has just one. */
  readonly candidates: readonly Candidate[];
  /** Why the first candidate was chosen. */
  readonly choice: string;
  readonly notes: readonly SourceNote[];
}

/** A source that was opened. It holds maps and descriptors until it is closed, as `using` does at the end of a block. */
export interface OpenedSource extends FoundHandover, Disposable {
  /** Gives them back. The memory of the image, and of images extracted from it, cannot be read any more. */
  close(): void;
}

/** @param file what the memory is read from */
export function opened(found: FoundHandover, file: MappedFile | undefined): OpenedSource {
  const close = () => {
    found.image.memory.close();
    file?.close();
  };
  const image = file === undefined ? found.image : { ...found.image, mode: file.mode };
  return { ...found, image, close, [Symbol.dispose]: close };
}
