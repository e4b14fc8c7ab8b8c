import { hex } from '../base/numbers.ts';

/**
 * One JSON document, the same shape for every command: `schema` names it, addresses and 64-bit sizes are `0x…`
 * strings, counts are numbers, bytes are hex.
 */
export function toJson(name: string, version: number, body: object): string {
  return JSON.stringify({ schema: { name: `khoforge-${name}`, version }, ...body }, jsonValue, 2);
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}
