import type { StructName } from './declared.ts';
import type { Target } from './target.ts';

/** Entries of one serialization block: KHO_BLOCK_SET_INIT (include/linux/kho_block.h, 7.2). */
export function khoBlockCapacity({ abi }: Pick<Target, 'abi'>, entry: StructName): number {
  const room = abi.number('KHO_BLOCK_SIZE') - abi.struct('kho_block_header_ser').size;
  return Math.floor(room / abi.struct(entry).size);
}
