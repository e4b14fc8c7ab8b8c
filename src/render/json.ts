import { jsonParts, jsonValue } from '../base/json.ts';

/**
 * One JSON document, the same shape for every command: `schema` names it, addresses and 64-bit sizes are `0x…`
 * strings, counts are numbers, bytes are hex.
 */
export function toJson(name: string, version: number, body: object): string {
  return JSON.stringify(withSchema(name, version, body), jsonValue, 2);
}

/** The same in parts, for a body that an image may make longer than a string can be. */
export function toJsonParts(name: string, version: number, body: object): Generator<string, void, undefined> {
  return jsonParts(withSchema(name, version, body));
}

function withSchema(name: string, version: number, body: object): object {
  return { schema: { name: `khoforge-${name}`, version }, ...body };
}
