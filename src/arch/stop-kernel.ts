/*
 * What a first kernel jumps into where nothing is to run after it: a kernel of a few instructions, in the form that
 * kexec_file_load(2) takes, that prints the address of its parameters to the serial console and halts. Memory is then as the
 * first kernel leaves it to its successor, with what the jump puts in place.
 */

/** What it prints in front of the 16 hexadecimal digits, on a line of its own. */
const STOP_TEXT = 'khoforge-stop: 0x';

/** The bytes that it prints, as its code has them. */
export const stopText = (): Buffer => Buffer.from(`\n${STOP_TEXT}\0`, 'latin1');

/** The address of its parameters, in a console line of it. */
export function stoppedAt(line: string): bigint | undefined {
  const [, digits] = /^khoforge-stop: (0x[0-9a-f]{16})$/.exec(line) ?? [];
  return digits === undefined ? undefined : BigInt(digits);
}
