/** A file of an initrd; a directory when it has no bytes. */
export interface CpioEntry {
  /** Without a slash in front. */
  readonly path: string;
  readonly bytes?: Uint8Array;
}

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;

/**
 * An initramfs: the `newc` archive that the kernel unpacks (Documentation/driver-api/early-userspace/
 * buffer-format.rst, 7.3). Directories stand before what is in them; times are 0.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap(({ path, bytes }, i) => entryParts(path, i + 1, bytes));
  return Buffer.concat([...parts, ...entryParts('TRAILER!!!', 0, new Uint8Array())]);
}

function entryParts(path: string, inode: number, bytes: Uint8Array | undefined): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const data = bytes ?? new Uint8Array();
  const mode = bytes === undefined ? DIRECTORY : PROGRAM;
  const numbers = [
    inode,
    mode,
    0,
    0,
    bytes === undefined ? 2 : 1,
    0,
    data.length,
    0,
    0,
    0,
    0,
    name.length,
    0,
  ];
  const head = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  return [padded(Buffer.concat([Buffer.from(head), name])), padded(data)];
}

/** To a multiple of 4 bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const rest = -bytes.length & 3;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(rest)]);
}
