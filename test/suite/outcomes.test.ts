import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listMarkdown } from '../../src/render/suite-list.ts';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';

describe('docs/outcomes.md', () => {
  it('has the tables of `khoforge suite --list --format markdown`', () => {
    const tables = listMarkdown(loadCatalogue(FIXTURES_FOLDER));
    const text = readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8');
    expect(text.slice(text.indexOf('| Kernel |')).trimEnd()).toBe(tables);
  });
});
