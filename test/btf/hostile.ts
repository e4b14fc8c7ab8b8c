import { KhoforgeError } from '../../src/base/errors.ts';
import { type Btf, readBtf } from '../../src/btf/btf.ts';
import { btfItems } from '../../src/btf/items.ts';
import { ENUMS, fixture, linesOf, namesOf } from './compiler.ts';

const STRUCTS = namesOf(linesOf(fixture('x86_64.txt')));

/**
 * Asks for everything in bytes that may be anything: each answer is a result or a proper error.
 * @returns whether the types could be listed, so that what is behind them was asked for
 */
export function exercise(bytes: Uint8Array): boolean {
  let btf: Btf | undefined;
  attempt(() => {
    btf = readBtf(bytes, 'mutant');
  }, bytes.length);
  const { typeCount = 0 } = btf ?? {};
  if (btf === undefined || typeCount === 0) return false;
  const readable = btf;
  for (const name of STRUCTS) attempt(() => btfItems(readable, [name], []), bytes.length);
  for (const name of ENUMS) attempt(() => btfItems(readable, [], [name]), bytes.length);
  return true;
}

function attempt(ask: () => unknown, size: number): void {
  try {
    ask();
  } catch (error) {
    checkError(error, size);
  }
}

const CODES = ['BTF_INVALID', 'ELF_INVALID', 'BTF_MISSING'];

/** An error of ours that says where, in the file as it is. Plain throws: this runs for each of many thousand mutants. */
export function checkError(error: unknown, size: number): void {
  if (!(error instanceof KhoforgeError)) throw error;
  const { code, message, where } = error;
  if (code === 'BTF_AMBIGUOUS') return;
  // What ought to be beyond the end is named by its place there.
  const beyond = message.includes('does not fit') || message.includes('ends after');
  const { offset = NaN, file } = where;
  const placed = Number.isSafeInteger(offset) && offset >= 0 && (beyond || offset <= size);
  if (CODES.includes(code) && file === 'mutant' && placed) return;
  throw new Error(`not a proper error: ${code} at ${offset} of '${file}' (${size} bytes): ${message}`, {
    cause: error,
  });
}
