import { alignTag, invalid, PROPERTY_HEADER_SIZE, TAG_SIZE, Tag } from './format.ts';

/** Where a structure block lies in a tree's bytes. The caller has checked that it does. */
export interface StructBlock {
  readonly bytes: Buffer;
  /** Bytes from the start of the tree. */
  readonly start: number;
  readonly size: number;
  /**
   * Of a version before 16: names of nodes are paths, and a value of 8 bytes or more begins at a multiple of 8
   * (scripts/dtc/libfdt/fdt.c: fdt_next_tag(), fdt_ro.c: fdt_get_name(), 7.3).
   */
  readonly isOld?: boolean;
}

/** One tag with what follows it. `offset` and `next` are bytes from the start of the structure block. */
export type FdtToken = { readonly offset: number; readonly next: number } & (
  | { readonly tag: typeof Tag.beginNode; readonly name: Buffer }
  | {
      readonly tag: typeof Tag.prop;
      /** Bytes from the start of the strings block; not checked here. */
      readonly nameoff: number;
      readonly value: Buffer;
    }
  | { readonly tag: typeof Tag.endNode | typeof Tag.nop | typeof Tag.end }
);

export type PropertyToken = Extract<FdtToken, { tag: typeof Tag.prop }>;

const NO_END = 'ends without an FDT_END tag';

/** Whether readToken() found no more tag. */
export const isCutOff = ({ message }: Error): boolean => message.endsWith(NO_END);

/**
 * Reads the tag at `offset`, within the block's bounds and by the rules of fdt_next_tag() (scripts/dtc/libfdt/fdt.c, 7.3).
 * @throws KhoforgeError `FDT_INVALID` for an unknown tag or one that the block cuts off
 */
export function readToken(block: StructBlock, offset: number): FdtToken {
  const { bytes, start, size } = block;
  if (offset + TAG_SIZE > size) {
    throw invalid(`structure block of ${size} bytes ${NO_END}`, start + offset);
  }
  const tag = bytes.readUInt32BE(start + offset);
  const next = offset + TAG_SIZE;
  switch (tag) {
    case Tag.beginNode:
      return readNode(block, offset);
    case Tag.prop:
      return readProperty(block, offset);
    case Tag.endNode:
    case Tag.nop:
    case Tag.end:
      return { tag, offset, next };
    default:
      throw invalid(`tag 0x${tag.toString(16)} is none of 1, 2, 3, 4, 9`, start + offset);
  }
}

function readNode({ bytes, start, size }: StructBlock, offset: number): FdtToken {
  const from = start + offset + TAG_SIZE;
  const length = bytes.subarray(from, start + size).indexOf(0);
  if (length < 0) throw invalid('node name does not end within the structure block', from);
  const next = alignTag(offset + TAG_SIZE + length + 1);
  return { tag: Tag.beginNode, offset, next, name: bytes.subarray(from, from + length) };
}

function readProperty({ bytes, start, size, isOld }: StructBlock, offset: number): FdtToken {
  const from = start + offset;
  if (offset + PROPERTY_HEADER_SIZE > size)
    throw invalid('property is cut off by the end of its block', from);
  const length = bytes.readUInt32BE(from + 4);
  const gap = isOld && length >= 8 && (offset + PROPERTY_HEADER_SIZE) % 8 !== 0 ? 4 : 0;
  const end = offset + PROPERTY_HEADER_SIZE + gap + length;
  if (end > size) {
    const room = size - offset - PROPERTY_HEADER_SIZE - gap;
    throw invalid(`property len is ${length}, ${room} bytes are left in the structure block`, from + 4);
  }
  const value = bytes.subarray(start + end - length, start + end);
  return { tag: Tag.prop, offset, next: alignTag(end), nameoff: bytes.readUInt32BE(from + 8), value };
}
