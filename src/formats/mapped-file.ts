import { closeSync, readSync } from 'node:fs';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { humanSize } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { type OpenOptions, openRegular, unreadable } from '../base/regular-file.ts';
import type { Contents } from '../memory/contents.ts';
import { type NativeScan, native } from '../memory/native.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { type FileRange, scanPieces } from './scan-pieces.ts';

/**
 * Bytes of the file that are mapped at a time: no ArrayBuffer of that size is refused, and a file of 64 TiB needs half
 * the maps that the system allows a process (vm.max_map_count, 65,530), even where all of it is looked at.
 */
const WINDOW = 2 ** 31;
/**
 * Bytes of a file that is read instead: the system allows 65,530 maps (vm.max_map_count), and they are given back only
 * when the event loop turns, which a program that opens many images may never let it.
 */
const SMALL = 2 ** 20;
/**
 * Windows of a file that is mapped. V8 collects garbage for each, which takes some 15 ms: a file of 5 TiB took a minute
 * before anything was read.
 */
const MAX_WINDOWS = 8;
/** Hits of one kind that a scan keeps. */
const SCAN_LIMIT = 1 << 14;

/**
 * A file that is mapped where it is looked at and, unless it is small, never read whole. What is mapped is private: writes stay in memory.
 * A file that shrinks meanwhile gives zeroes where it is mapped, which `native().mapFaults()` counts, and an error where it
 * is read.
 */
export class MappedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  #fd: number | undefined;
  readonly #windows = new Map<number, Uint8Array>();

  /** @throws KhoforgeError `FILE_UNREADABLE` */
  constructor(path: string, options: OpenOptions = {}) {
    this.path = path;
    const { descriptor, size, mode } = openRegular(path, options);
    this.#fd = descriptor;
    this.size = size;
    this.mode = mode & 0o666;
  }

  /** A copy of up to `length` bytes: fewer at the end of the file. @throws KhoforgeError `FILE_UNREADABLE` */
  read(offset: number, length: number): Buffer {
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, this.size - offset)));
    let done = 0;
    try {
      while (done < buffer.length) {
        const got = readSync(this.#open, buffer, done, buffer.length - done, offset + done);
        if (got === 0) break;
        done += got;
      }
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
    return buffer.subarray(0, done);
  }

  /**
   * Puts a range of the file at a physical address, valid until `close()`. Of a file of many windows nothing is mapped:
   * it is read where somebody looks at it.
   * @throws KhoforgeError `FILE_UNREADABLE`, `FILE_MAP_LIMIT`
   */
  mapInto(memory: PhysicalMemory, start: bigint, { offset, size }: FileRange): void {
    if (this.#isLarge) memory.mapContents(start, size, this.#contents, offset);
    for (let at = offset; at < offset + size && !this.#isLarge; ) {
      const first = Math.floor(at / WINDOW) * WINDOW;
      const end = Math.min(offset + size, first + WINDOW);
      memory.map(start + BigInt(at - offset), this.#window(first).subarray(at - first, end - first));
      at = end;
    }
  }

  /**
   * Looks for parts of a handover, in pieces. Each range begins at a page.
   * @param onProgress called after each piece, and once with all when there is nothing to look through
   * @throws KhoforgeError `FILE_UNREADABLE`
   */
  scan(ranges: readonly FileRange[], onProgress?: (progress: ByteProgress) => void): NativeScan {
    const scan = (offsets: BigUint64Array, sizes: BigUint64Array) =>
      native().scanFile(this.#open, offsets, sizes, SCAN_LIMIT);
    try {
      return scanPieces(ranges, scan, { limit: SCAN_LIMIT, ...(onProgress && { onProgress }) });
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
  }

  /** Gives the descriptor back, so that a source that nobody closes holds none, unless memory is read by it. */
  settle(): void {
    if (!this.#isLarge) this.closeDescriptor();
  }

  /** Gives the descriptor back: what is mapped stays, and nothing else can be read. */
  closeDescriptor(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Gives back all of it: nobody may use the pieces any more. */
  close(): void {
    this.closeDescriptor();
    if (this.size > SMALL) for (const window of this.#windows.values()) native().unmapFile(window);
    this.#windows.clear();
  }

  get #isLarge(): boolean {
    return this.size > MAX_WINDOWS * WINDOW;
  }

  get #contents(): Contents {
    return {
      size: this.size,
      zeroUntil: (offset) => offset,
      read: (offset, length) => {
        return this.#whole(offset, length);
      },
    };
  }

  /** All of these bytes, which the file had when it was opened. */
  #whole(offset: number, length: number): Buffer {
    const bytes = this.read(offset, length);
    if (bytes.length === length) return bytes;
    throw unreadable(
      this.path,
      new Error(`it ends before byte ${offset + length}: it was cut short meanwhile`),
    );
  }

  get #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    throw new KhoforgeError('SOURCE_CLOSED', `${this.path} was closed`, { where: { file: this.path } });
  }

  #keep(first: number, window: Uint8Array): Uint8Array {
    this.#windows.set(first, window);
    return window;
  }

  #window(first: number): Uint8Array {
    const known = this.#windows.get(first);
    if (known) return known;
    const size = Math.min(WINDOW, this.size - first);
    if (this.size <= SMALL) return this.#keep(first, this.#whole(0, size));
    try {
      return this.#keep(first, native().mapFile(this.#open, BigInt(first), size));
    } catch (cause) {
      const limited = cause instanceof Error && 'code' in cause && cause.code === 'FILE_MAP_LIMIT';
      throw limited
        ? tooLarge(this, first, cause)
        : unreadable(`${this.path} (${humanSize(BigInt(size))} at ${first})`, cause);
    }
  }
}

/** ENOMEM of mmap(2), which is not about memory where nothing is reserved. */
function tooLarge({ path, size }: MappedFile, mapped: number, cause: Error): KhoforgeError {
  const [all, done] = [size, mapped].map((bytes) => humanSize(BigInt(bytes)));
  return new KhoforgeError(
    'FILE_MAP_LIMIT',
    `cannot map ${path}: of its ${all} the system allows this process ${done} and what it has mapped besides`,
    {
      where: { file: path },
      hint: 'raise what bounds it: `ulimit -v unlimited` for addresses, `sysctl vm.max_map_count` for the number of maps',
      exitCode: ExitCode.couldNotRun,
      cause,
    },
  );
}
