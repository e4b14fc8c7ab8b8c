import { lineTableRows } from '../toolchain/readelf.ts';

/** Instructions that are of one line of source. */
export interface LineCode {
  /** Path of the source, in the kernel's tree. */
  readonly file: string;
  readonly line: number;
  /** Address of the first instruction, as linked. */
  readonly start: bigint;
  /** Address behind the last. */
  readonly end: bigint;
}

/** `kexec_handover.c   529   0xffffffff8110a0f0   1   x`; a dash for the line ends a sequence. */
const ROW = /^\S.*?\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\s|\[|$)/;
/** `CU: ./mm/memblock.c:`, and `./include/linux/list.h:` where rows of another file begin. */
const FILE = /^(?:CU: )?(\S.*):$/;

/**
 * The code of some files of a program, wherever it was inlined into. Rows without an instruction of their own are left
 * out: the compiler moved that line's work elsewhere.
 * @param isWanted by path of the source, as the line table has it without a `./` before it
 * @throws KhoforgeError of lineTableRows()
 */
export async function codeOfFiles(
  program: string,
  isWanted: (file: string) => string | undefined,
): Promise<LineCode[]> {
  const code: LineCode[] = [];
  let file: string | undefined;
  let open: Omit<LineCode, 'end'> | undefined;
  for await (const text of lineTableRows(program)) {
    const [, name] = FILE.exec(text) ?? [];
    if (name !== undefined) {
      file = isWanted(name.replace(/^\.\//, ''));
      continue;
    }
    if (file === undefined && open === undefined) continue;
    const [, line, address] = ROW.exec(text) ?? [];
    if (line === undefined || address === undefined) continue;
    const start = BigInt(address);
    if (open && start > open.start) code.push({ ...open, end: start });
    open = file === undefined || line === '-' ? undefined : { file, line: Number(line), start };
  }
  return code;
}
