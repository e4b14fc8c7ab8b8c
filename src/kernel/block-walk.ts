import type { Struct, StructName } from '../abi/declared.ts';
import type { Target } from '../abi/target.ts';
import type { Readable } from '../memory/physical-memory.ts';

/** `block`: before it is read, so that whoever cannot go there stops. `header`: what it says. */
export type BlockStep =
  | { readonly kind: 'block'; readonly phys: bigint }
  | { readonly kind: 'header'; readonly phys: bigint; readonly count: bigint };

/**
 * Follows a chain of blocks as kho_block_set_restore() does (kernel/liveupdate/kho_block.c, 7.2 and 7.3). It has no end
 * where a block is in its own chain: those who follow it stop.
 */
export function* walkBlocks(memory: Readable, { abi }: Target, head: bigint): Generator<BlockStep, void> {
  const header = abi.struct('kho_block_header_ser');
  for (let phys = head; phys !== 0n; ) {
    yield { kind: 'block', phys };
    const { next, count } = header.decode(memory.read(phys, header.size));
    yield { kind: 'header', phys, count };
    phys = next;
  }
}

/** `count` entries from the start of `bytes`. */
export function decodeEntries<N extends StructName>(
  { abi }: Target,
  entry: N,
  bytes: Uint8Array,
  count: number,
): Struct<N>[] {
  const codec = abi.struct(entry);
  return Array.from({ length: count }, (_, i) => codec.decode(bytes.subarray(i * codec.size)));
}
