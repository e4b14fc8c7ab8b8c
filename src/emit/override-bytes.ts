import { decodeStruct, encodeStruct, type Fields, layoutOf, type StructDef } from '../abi/layout.ts';
import type { Producer } from './producer.ts';

/** Applies overrides to a structure of which there are many, where it stands in `bytes`. */
export function overrideBytes<F extends Fields>(
  producer: Producer,
  path: string,
  def: StructDef<F>,
  bytes: Uint8Array,
  offset: number,
): void {
  if (producer.overrides.hasUnder(`${path}/`)) offerBytes(producer, path, def, bytes, offset);
}

/** The same, and its fields are among the paths that can be overridden. */
export function offerBytes<F extends Fields>(
  { overrides, target }: Producer,
  path: string,
  def: StructDef<F>,
  bytes: Uint8Array,
  offset: number,
): void {
  const here = bytes.subarray(offset, offset + layoutOf(def, target).size);
  here.set(encodeStruct(def, target, overrides.struct(path, def, target, decodeStruct(def, target, here))));
}
