import { describe, expect, it } from 'vitest';
import { manifestRecord, manifestText, parseManifest } from '../../src/formats/manifest.ts';
import type { BootRecord, Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { codeOf } from '../thrown.ts';

const images = {
  x86_64: buildImage({}),
  arm64: buildImage({ target: { arch: 'arm64' }, ram: '1GiB', scratch: [{ size: '128MiB' }] }),
  nothing: buildImage({ target: { release: '6.18' }, finalized: false }),
};

/** What is read back of a manifest whose boot record was changed. */
function reread(image: Image, change: (record: Record<string, unknown>) => void = () => {}): BootRecord {
  const document = JSON.parse(manifestText(image, []));
  change(document.bootRecord);
  return manifestRecord(parseManifest(JSON.stringify(document), 'm.json'), 'm.json');
}

describe('the boot record of a manifest', () => {
  it.each(Object.entries(images))('is read as it was written: %s', (_name, image) => {
    expect(reread(image)).toEqual(image.bootRecord);
  });

  it('has a type and a length of setup_data on x86_64 alone', () => {
    expect(JSON.parse(manifestText(images.x86_64, [])).bootRecord).toMatchObject({
      kind: 'setup_data',
      setupDataType: 10,
      setupDataLen: 32,
    });
    expect(Object.keys(images.arm64.bootRecord)).not.toContain('setupDataType');
  });

  it.each(Object.entries(images))(
    'is read of a manifest that gives setup_data to every architecture: %s',
    (name, image) => {
      const old = reread(image, (record) => {
        delete record.kind;
        Object.assign(
          record,
          name === 'nothing' ? { setupDataType: 0, setupDataLen: 0 } : { setupDataType: 10 },
        );
        record.setupDataLen ??= 32;
      });
      expect(old).toEqual(image.bootRecord);
    },
  );

  it('is refused when the architecture has none of the kind, or half of it is missing', () => {
    const refuse = (image: Image, kind: string) =>
      codeOf(() => reread(image, (record) => Object.assign(record, { kind })));
    expect(refuse(images.x86_64, 'chosen')).toBe('MANIFEST_INVALID');
    expect(refuse(images.arm64, 'setup_data')).toBe('MANIFEST_INVALID');
    expect(refuse(images.x86_64, 'other')).toBe('MANIFEST_INVALID');
    expect(codeOf(() => reread(images.x86_64, (record) => delete record.setupDataLen))).toBe(
      'MANIFEST_INVALID',
    );
  });
});

describe('an override of the boot record', () => {
  const arm64 = { target: { arch: 'arm64' as const }, ram: '1GiB', scratch: [{ size: '128MiB' }] };

  it('of a structure that the architecture does not have is refused', () => {
    const build = () => buildImage({ ...arm64, override: { 'setup_data/type': 9 } });
    expect(build).toThrow('setup_data/type');
    expect(codeOf(build)).toBe('OVERRIDE_UNKNOWN');
  });

  it('of setup_data leaves a record, whatever its type', () => {
    expect(buildImage({ override: { 'setup_data/type': 0 } }).bootRecord).toMatchObject({
      kind: 'setup_data',
      setupDataType: 0,
    });
  });
});

it.each([
  ['[]', /manifest\.json: the document: expected keys and values, found a list$/],
  ['{}', /manifest\.json: schema: expected keys and values, found nothing$/],
  ['{"schema": {"name": 5}}', /manifest\.json: schema\.name: /],
])('%s is no manifest, which is said in plain words', (text, message) => {
  expect(() => parseManifest(text, 'manifest.json')).toThrow(message);
});

describe('a manifest that is no manifest', () => {
  it.each([
    ['brackets in brackets', '['.repeat(1_000_000)],
    ['objects in objects', '{"a":'.repeat(100_000)],
  ])('is refused before it takes more memory than a manifest: %s', (_, text) => {
    const before = process.memoryUsage().heapUsed;
    expect(codeOf(() => parseManifest(text, 'm.json'))).toBe('MANIFEST_INVALID');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 << 20);
  });

  it('may have brackets in its texts', () => {
    const document = JSON.parse(manifestText(images.x86_64, []));
    document.placements[0].path = '[[{"'.repeat(100);
    expect(parseManifest(JSON.stringify(document), 'm.json').placements?.[0]?.path).toContain('[[{"');
  });
});
