import { alignUp } from '../../base/numbers.ts';
import { parseBzImage } from './bzimage.ts';

/**
 * Where a kernel's own unpacker runs: it moves itself to the end of the room that it unpacks into
 * (7.3, arch/x86/boot/compressed/head_64.S: startup_64).
 * @param kernel the bzImage
 * @param loaded its address
 * @param end `_end` of the unpacker, which is linked at 0
 * @throws KhoforgeError of parseBzImage()
 */
export function unpackerAddress(kernel: Uint8Array, loaded: bigint, end: bigint): bigint {
  const { kernelAlignment, prefAddress, initSize, relocatable } = parseBzImage(kernel);
  const aligned = alignUp(loaded, kernelAlignment);
  const output = relocatable && aligned >= prefAddress ? aligned : prefAddress;
  return output + initSize - end;
}
