import { resolve } from 'node:path';
import { z } from 'zod';
import { toNumber } from '../base/numbers.ts';
import { seed, size, text } from '../base/spec-values.ts';
import { encodeText } from '../base/text.ts';
import { type Contents, held } from '../memory/contents.ts';
import { fileContents } from './file-contents.ts';
import { seedContents } from './random.ts';

const hexBytes = z
  .string({ error: () => "bytes in hex, e.g. 'd0 0d fe ed'" })
  .transform((input, context) => {
    const digits = input.replaceAll(/[\s_]/g, '');
    if (/^([0-9a-f]{2})*$/i.test(digits)) return new Uint8Array(Buffer.from(digits, 'hex'));
    context.issues.push({ code: 'custom', message: "bytes in hex, e.g. 'd0 0d fe ed'", input });
    return z.NEVER;
  })
  .meta({ description: "bytes in hex, e.g. 'd0 0d fe ed'" });

/** Bytes in hex, or (from TypeScript) as they are. */
export const bytes = z.union([z.custom<Uint8Array>((value) => value instanceof Uint8Array), hexBytes], {
  error: () => "bytes in hex, e.g. 'd0 0d fe ed'",
});

/** The keys that say where bytes come from. */
export const contentShape = {
  file: text('path of a file, from the folder of the spec').optional(),
  text: text('the text itself, without a NUL at its end').optional(),
  bytes: bytes.optional(),
  seed: seed.optional(),
  size: size.optional(),
};

/** Where bytes come from: exactly one of the keys, but `seed` goes with `size`. */
export const content = z
  .strictObject(contentShape)
  .refine(isOneSource, { error: () => 'one of: file, text, bytes, or seed with size' })
  .meta({ description: 'where the bytes come from: file, text, bytes, or seed with size' });

export type Content = z.output<typeof content>;

/** Whether exactly one source is named, and `size` with `seed` alone. */
export function isOneSource(value: { readonly [key in keyof typeof contentShape]?: unknown }): boolean {
  const { file, text, bytes, seed, size } = value;
  const sources = [file, text, bytes, seed].filter((source) => source !== undefined);
  return sources.length === 1 && (seed === undefined) === (size === undefined);
}

/**
 * What a spec says a structure holds: made when it is read, unless it is little.
 * @param baseDir folder that a relative `file` starts from
 * @throws KhoforgeError `FILE_UNREADABLE`
 */
export function contentsOf(from: Content, baseDir: string): Contents {
  if (from.bytes) return held(from.bytes);
  if (from.text !== undefined) return held(encodeText(from.text) ?? new Uint8Array());
  if (from.seed === undefined) return fileContents(resolve(baseDir, from.file ?? ''));
  return seedContents(from.seed, toNumber(from.size ?? 0n, 'size'));
}
