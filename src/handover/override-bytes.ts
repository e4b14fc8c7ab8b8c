import { decodeStruct, encodeStruct, type Fields, layoutOf, type StructDef } from '../abi/layout.ts';
import type { Producer } from './producer.ts';

/** Applies overrides to a structure that the engine wrote, where it stands in `bytes`. */
export function overrideBytes<F extends Fields>(
  { overrides, target }: Producer,
  path: string,
  def: StructDef<F>,
  bytes: Uint8Array,
  offset: number,
): void {
  if (!overrides.touches(`${path}/`)) return;
  const here = bytes.subarray(offset, offset + layoutOf(def, target).size);
  here.set(encodeStruct(def, target, overrides.struct(path, def, target, decodeStruct(def, target, here))));
}
