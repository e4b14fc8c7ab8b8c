import { KhoforgeError } from './errors.ts';

// What TypeScript refuses, a program in JavaScript may pass all the same.

/** @throws KhoforgeError `USAGE` for anything but a path as text */
export function needPath(name: string, value: unknown): void {
  if (typeof value !== 'string') throw wrong(name, value, 'a path as text');
  if (value.includes('\0')) throw wrong(name, value, 'a path without a NUL');
}

/** @throws KhoforgeError `USAGE` for anything but a bigint from 0 to 2^64 - 1, or undefined */
export function needAddress(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n)
    throw wrong(name, value, 'an address as a bigint, such as 0x1000n');
}

/** @throws KhoforgeError `USAGE` for anything but an object with these members */
export function needMembers(name: string, value: unknown, members: readonly string[], what: string): void {
  const isOne = typeof value === 'object' && value !== null && members.every((member) => member in value);
  if (!isOne) throw wrong(name, value, what);
}

function wrong(name: string, value: unknown, expected: string): KhoforgeError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new KhoforgeError('USAGE', `${name} is ${shown} (${typeof value}): expected ${expected}`);
}
