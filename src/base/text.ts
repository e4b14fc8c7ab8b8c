/**
 * Text as the kernel has it: bytes, which user space means as UTF-8. A byte that is no part of UTF-8 is U+DC80 to U+DCFF,
 * half a surrogate pair, which no text has otherwise (as in Python, PEP 383): so all bytes go to text and back.
 */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(buffer)) return text;
  let result = '';
  for (let at = 0; at < buffer.length; ) {
    const length = SEQUENCES.find((n) => isCharacter(buffer.subarray(at, at + n)));
    if (length === undefined) result += String.fromCharCode(0xdc00 + (buffer[at] ?? 0));
    else result += buffer.toString('utf8', at, at + length);
    at += length ?? 1;
  }
  return result;
}

const SEQUENCES = [1, 2, 3, 4];

function isCharacter(bytes: Buffer): boolean {
  const text = bytes.toString('utf8');
  return [...text].length === 1 && Buffer.from(text).equals(bytes);
}

/** The bytes of a text; undefined where it holds half a surrogate pair that stands for no byte. */
export function encodeText(text: string): Buffer | undefined {
  if (!LONE.test(text)) return Buffer.from(text);
  const parts = text.match(/[\udc80-\udcff]|\P{Cs}+|\p{Cs}/gu) ?? [];
  if (parts.some((part) => LONE.test(part) && !/^[\udc80-\udcff]$/.test(part))) return undefined;
  return Buffer.concat(
    parts.map((part) => (LONE.test(part) ? Buffer.from([part.charCodeAt(0) - 0xdc00]) : Buffer.from(part))),
  );
}

const LONE = /\p{Cs}/u;

/** Bytes that a text takes; 0 where it is none. */
export const textBytes = (text: string): number => encodeText(text)?.length ?? 0;
