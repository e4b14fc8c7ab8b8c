import type { Places } from '../places.ts';
import { chunkPath, pagePath } from './paths.ts';

/** The blocks of an area of order 0 and its chunks, as emitVmalloc() makes them. */
export function placeArea(
  places: Places,
  path: string,
  { pages, chunks }: { readonly pages: readonly bigint[]; readonly chunks: readonly bigint[] },
): void {
  pages.forEach((page, i) => {
    places.add(pagePath(path, i), page, 0);
  });
  chunks.forEach((chunk, i) => {
    places.add(chunkPath(path, i), chunk, 0);
  });
}
