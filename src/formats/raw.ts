import { type Dump, tidySegments } from './dump.ts';
import type { MappedFile } from './mapped-file.ts';

/** A file that is memory from `base` on, such as QEMU's pmemsave writes. */
export function readRaw(file: MappedFile, base: bigint): Dump {
  const { segments, notes } = tidySegments([{ start: base, offset: 0, size: file.size }], file);
  const reach = segments.map(({ start, size }) => ({ start, size: BigInt(size) }));
  return { kind: 'raw dump', file, segments, reach, notes };
}
