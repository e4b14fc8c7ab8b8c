import { readFileSync } from 'node:fs';

/** The version in package.json, which lies one folder above both src/ and dist/. */
export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const data: { version?: unknown } = JSON.parse(text);
  return String(data.version);
}
