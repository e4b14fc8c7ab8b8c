import type { Struct } from '../../abi/declared.ts';
import type { Target } from '../../abi/target.ts';
import type { Readable } from '../../memory/physical-memory.ts';
import { type VmallocPages, walkEntries } from '../vmalloc/walk.ts';

/** The list of a file's folios, as memfd_luo_retrieve_folios() goes through it (mm/memfd_luo.c, 6.19 to 7.3). */
export function walkFolios(
  memory: Readable,
  target: Target,
  list: VmallocPages,
  count: number,
): Generator<Struct<'memfd_luo_folio_ser'>, void> {
  const { size, read: entry } = target.abi.struct('memfd_luo_folio_ser');
  return walkEntries(memory, target, list, { size, count, entry });
}
