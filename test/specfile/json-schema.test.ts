import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keysAt, specJsonSchema } from '../../src/specfile/json-schema.ts';

describe('spec.schema.json', () => {
  it('is what the code says (else: npm run schema)', () => {
    const file = new URL('../../src/specfile/spec.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(specJsonSchema());
  });

  it('knows the keys at any depth', () => {
    expect(keysAt(['subtrees', 0, 'kexec-metadata'])).toEqual(['previous_release', 'kexec_count']);
    expect(keysAt(['ram', 0])).toEqual(['start', 'size']);
  });
});
