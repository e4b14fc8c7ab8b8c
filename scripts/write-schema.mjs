// Writes the JSON Schema of specs, which editors and examples refer to. Run by `npm run schema`.
import { writeFileSync } from 'node:fs';
import { specJsonSchema } from '../dist/specfile/json-schema.js';

const file = new URL('../src/specfile/spec.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(specJsonSchema(), null, 2)}\n`);
