import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../src/base/text.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { specOf } from '../../src/respec/as-spec.ts';
import { codeOf } from '../thrown.ts';

describe('text of the kernel', () => {
  it('is UTF-8, and all other bytes too go to text and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(encodeText(decodeText(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeText(encodeText(text) ?? Buffer.alloc(0))).toBe(text);
      }),
    );
    expect(decodeText(Buffer.from('a\xffü\ufffd'.replace('\xff', ''), 'utf8'))).toBe('aü\ufffd');
    expect(decodeText(Buffer.of(0x61, 0xff, 0xc3, 0xbc))).toBe('a\udcffü');
    expect(encodeText('\ud800')).toBeUndefined();
  });

  const named = (name: string, release = '7.3.4') => ({
    subtrees: [
      { 'kexec-metadata': { previous_release: release, kexec_count: 1 } },
      { luo: { sessions: [{ name }] } },
    ],
  });

  it('is in memory as user space has it: session names and the previous release', () => {
    const image = buildImage(named('vm-ü日', 'ü'));
    const memory = Buffer.concat(image.memory.extents.map(({ bytes }) => bytes));
    expect(memory.includes(Buffer.from('vm-ü日\0', 'utf8'))).toBe(true);
    const { subtrees, lineage } = inspect(image);
    expect(lineage?.previousRelease).toBe('ü');
    expect(subtrees.find(({ name }) => name === 'LUO')?.decoded?.fields.sessions).toMatchObject([
      { name: 'vm-ü日' },
    ]);
  });

  it('keeps what is no UTF-8 on the way through a spec', () => {
    const image = buildImage(named('a\udcffb'));
    const memory = Buffer.concat(image.memory.extents.map(({ bytes }) => bytes));
    expect(memory.includes(Buffer.of(0x61, 0xff, 0x62, 0))).toBe(true);
    const again = buildImage(specOf(image, inspect(image)));
    expect(Buffer.concat(again.memory.extents.map(({ bytes }) => bytes))).toEqual(memory);
  });

  it('is measured in bytes', () => {
    expect(codeOf(() => buildImage(named('ü'.repeat(31))))).toBe('none');
    expect(codeOf(() => buildImage(named('ü'.repeat(32))))).toBe('SPEC_INVALID');
    expect(codeOf(() => buildImage(named('a', 'ü'.repeat(32))))).toBe('none');
    expect(codeOf(() => buildImage(named('a', `${'ü'.repeat(32)}a`)))).toBe('SPEC_INVALID');
  });
});
