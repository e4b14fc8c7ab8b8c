import type { StructName } from '../abi/declared.ts';
import type { Producer } from './producer.ts';

/** Applies overrides to a structure of which there are many, where it stands in `bytes`. */
export function overrideBytes<N extends StructName>(
  producer: Producer,
  path: string,
  name: N,
  bytes: Uint8Array,
  offset: number,
): void {
  if (producer.overrides.hasUnder(`${path}/`)) offerBytes(producer, path, name, bytes, offset);
}

/** The same, and its fields are among the paths that can be overridden. */
export function offerBytes<N extends StructName>(
  { overrides, target }: Producer,
  path: string,
  name: N,
  bytes: Uint8Array,
  offset: number,
): void {
  const codec = target.abi.struct(name);
  const here = bytes.subarray(offset, offset + codec.size);
  here.set(codec.encode(overrides.struct(path, codec, codec.decode(here))));
}
