import type { Endian } from '../abi/target.ts';
import { type Origin, View } from '../elf/view.ts';

// The format is that of include/uapi/linux/btf.h and Documentation/bpf/btf.rst (7.3).
const MAGIC = 0xeb9f;
const VERSION = 1;
/** Up to str_len; 7.3 adds layout_off and layout_len. */
const HEADER_SIZE = 24;
const HEADER_SIZE_WITH_LAYOUT = 32;
const KIND_LAYOUT_SIZE = 4;

/** The parts of a BTF blob. */
export interface BtfSections {
  readonly types: View;
  readonly strings: View;
  /** One record per kind that the encoder knew (struct btf_layout); empty in BTF of older encoders. */
  readonly kinds: View;
}

/** The magic tells the byte order. */
export function btfEndian(start: Uint8Array): Endian | undefined {
  if (start[0] === 0x9f && start[1] === 0xeb) return 'little';
  return start[0] === 0xeb && start[1] === 0x9f ? 'big' : undefined;
}

/** @throws KhoforgeError `BTF_INVALID` */
export function readSections(bytes: Uint8Array, endian: Endian, origin: Origin): BtfSections {
  const view = new View(bytes, endian, origin);
  view.need(0, HEADER_SIZE, 'a BTF header');
  if (view.u16(0) !== MAGIC) throw view.error(0, `BTF magic 0x${view.u16(0).toString(16)}: expected 0xeb9f`);
  if (view.u8(2) !== VERSION) throw view.error(2, `BTF version ${view.u8(2)}: expected ${VERSION}`);
  if (view.u8(3) !== 0) throw view.error(3, `BTF flags ${view.u8(3)}: expected none`);
  const headerSize = view.u32(4);
  if (headerSize < HEADER_SIZE) throw view.error(4, `BTF header of ${headerSize} bytes`);
  view.need(0, headerSize, 'the BTF header');
  const section = (at: number, what: string): View =>
    view.part(headerSize + view.u32(at), view.u32(at + 4), what);
  const none = view.part(headerSize, 0, 'nothing');
  const sections = {
    types: section(8, 'the type section'),
    strings: section(16, 'the string section'),
    kinds: headerSize < HEADER_SIZE_WITH_LAYOUT ? none : section(24, 'the layout section'),
  };
  if (sections.kinds.length % KIND_LAYOUT_SIZE !== 0) {
    throw view.error(28, `layout section of ${sections.kinds.length} bytes: expected a multiple of 4`);
  }
  checkStrings(sections.strings);
  return sections;
}

/** A kernel module's BTF goes on where vmlinux's ends, so its strings do not start with the empty one. */
function checkStrings(strings: View): void {
  if (strings.length === 0 || strings.u8(0) !== 0) {
    throw strings.error(
      0,
      'the string section does not start with the empty string: this is split BTF, as in a kernel module',
      'give the vmlinux; the structures that KHO hands over are never in a module',
    );
  }
  if (strings.u8(strings.length - 1) !== 0) {
    throw strings.error(strings.length - 1, 'the string section does not end with a NUL');
  }
}
