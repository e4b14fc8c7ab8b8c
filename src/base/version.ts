import { readFileSync } from 'node:fs';
import { packageUrl } from './package.ts';

/** The version in package.json, which lies one folder above both src/ and dist/. */
export function version(): string {
  const text = readFileSync(packageUrl('package.json'), 'utf8');
  const data: { version?: unknown } = JSON.parse(text);
  return String(data.version);
}
