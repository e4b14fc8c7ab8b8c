import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';

const PIECE_BYTES = 64 << 10;

/**
 * The file that QEMU writes the console to, and that is read as it grows. No pipe: QEMU drops characters of a serial
 * console that a full pipe or socket does not accept (hw/char/serial.c: serial_xmit(), 7.2), and where the machine is
 * busy it is full before it is read.
 */
export class ConsoleLog {
  /** For the child to write to. */
  readonly file: number;
  #bytesRead = 0;

  /** @throws KhoforgeError `LOG_UNWRITABLE` */
  constructor(path: string) {
    this.file = openLog(path);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** What was written since; empty when there is nothing more now. */
  next(): Uint8Array {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const count = readSync(this.file, piece, 0, piece.length, this.#bytesRead);
    this.#bytesRead += count;
    return piece.subarray(0, count);
  }

  /** Cuts the file off behind what was read. Once nobody writes any more. */
  dropUnread(): void {
    ftruncateSync(this.file, this.#bytesRead);
  }

  /**
   * Whether the disk accepts no more, and why: QEMU says nothing of a console that it cannot write, and the guest would
   * seem to be silent. Once nobody writes any more.
   */
  whyFull(): string | undefined {
    const { size } = fstatSync(this.file);
    const more = Buffer.alloc(PIECE_BYTES);
    try {
      for (let done = 0; done < more.length; ) {
        done += writeSync(this.file, more, done, more.length - done, size + done);
      }
      return undefined;
    } catch (cause) {
      return `cannot write the console log: ${reason(cause)}`;
    } finally {
      ftruncateSync(this.file, size);
    }
  }

  close(): void {
    closeSync(this.file);
  }
}

/** A link may lead to what is nobody's to empty. */
const NEW_OR_EMPTIED = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

function openLog(path: string): number {
  const where = { file: path };
  let file: number;
  try {
    file = openSync(path, NEW_OR_EMPTIED);
  } catch (cause) {
    const text = `cannot write the console log ${path}: ${reason(cause)}`;
    throw new KhoforgeError('LOG_UNWRITABLE', text, { where, cause });
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new KhoforgeError('LOG_UNWRITABLE', `the console log ${path} is no regular file`, {
    where,
    hint: 'the console is read back from it: give the path of a file',
  });
}
