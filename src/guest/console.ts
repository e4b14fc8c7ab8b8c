/** Bytes of one line that are kept; a longer line is cut into several. */
const MAX_LINE_LENGTH = 4096;
const RETURN = 0x0d;
const FEED = 0x0a;

/**
 * Cuts the bytes of a serial console into lines: at LF, CR, or any run of CR before LF. Bytes that are no text
 * become U+FFFD or are left out. Keeps at most one line.
 */
export class LineSplitter {
  readonly #emit: (line: string) => void;
  #parts: Uint8Array[] = [];
  #length = 0;
  #afterReturn = false;

  constructor(emit: (line: string) => void) {
    this.#emit = emit;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    chunk.forEach((byte, i) => {
      const isEnd = byte === RETURN || byte === FEED;
      if (!isEnd && this.#length + i - start < MAX_LINE_LENGTH) return;
      this.#keep(chunk.subarray(start, i));
      this.#endLine(byte === RETURN);
      start = isEnd ? i + 1 : i;
    });
    this.#keep(Buffer.from(chunk.subarray(start))); // a copy: the caller may use its buffer again
  }

  /** The last line, which has no end. */
  flush(): void {
    if (this.#length > 0) this.#endLine(false);
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** A line feed or another return right after a return ends no further line. */
  #endLine(byReturn: boolean): void {
    if (this.#length > 0 || !this.#afterReturn) this.#emit(clean(Buffer.concat(this.#parts)));
    this.#afterReturn = byReturn;
    this.#parts = [];
    this.#length = 0;
  }
}

/** The lines of a saved console log. */
export function consoleLines(log: Uint8Array): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  splitter.push(log);
  splitter.flush();
  return lines;
}

/** Escape sequences that terminals act on (ECMA-48: CSI …), and other control characters but TAB. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
const CONTROL = /\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

const clean = (bytes: Buffer): string => bytes.toString('utf8').replace(CONTROL, '');

/** The stamps that printk puts before a message: `<6>`, `[    0.000000]`, `[    T1]` (kernel/printk/printk.c, 7.3). */
const STAMPS = /^(?:<\d+>)?(?:\[ *\d+\.\d+\])?(?:\[ *[TC]\d+\])?\s*/;

/** What init passed on of a program, with the spaces that the program put in front. */
export function passedOn(line: string): string {
  return line.replace(/^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?/, '');
}

/** A console line without its stamps. */
export function message(line: string): string {
  return line.replace(STAMPS, '');
}

/** Lines after which a kernel does nothing more; QEMU may go on running. */
export const STOP_LINES: readonly RegExp[] = [
  /^---\[ end Kernel panic/, // printed when panic= keeps it from rebooting: kernel/panic.c vpanic(), 7.3
  /^reboot: (?:Power down|Power off not available|System halted)/,
  /-- System halted/,
  /^PANIC: early exception/, // then it halts for good: arch/x86/mm/extable.c early_fixup_exception(), 7.3
];
