import type { z } from 'zod';
import type { Target } from '../../abi/target.ts';
import { Places } from '../places.ts';
import type { SpecFragment } from '../user.ts';
import { placeArea } from '../vmalloc/respec.ts';
import { folioFlags } from './folios.ts';
import type { ListedRun } from './hash.ts';
import type { DecodedMemfd, schema } from './memfd.ts';
import { folioPath, foliosPath } from './paths.ts';
import { SEALS } from './seals.ts';

const SEAL_NAMES = Object.keys(SEALS) as (keyof typeof SEALS)[];

/**
 * A memfd as it is, each structure at its place; what it holds is zero.
 * @param phys of its structure
 * @returns undefined for what no kernel hands over, and so no spec says
 */
export function respec(
  memfd: DecodedMemfd,
  phys: bigint,
  path: string,
  target: Target,
): SpecFragment | undefined {
  const { size, position, seals, flags, folios, list } = memfd;
  const odd =
    flags !== 0 ||
    list.order !== 0 ||
    (folios.length > 0 && list.flags !== target.abi.number('KHO_VMALLOC_ALLOC'));
  if (odd || folios.some((run) => run.order === null || run.flags !== folioFlags(target))) return undefined;
  const content = zeroes(folios, size, target.pageShift);
  if (!content) return undefined;
  const places = new Places();
  places.add(path, phys, 0);
  let first = 0;
  for (const run of folios) {
    places.addRun(folioPath(path, first), run.phys, run.order ?? 0, run.count, target.pageShift);
    first += run.count;
  }
  placeArea(places, foliosPath(path), list);
  const names = SEAL_NAMES.filter((name) => seals?.includes(name));
  const spec: z.input<typeof schema> = { size, position, ...(seals !== null && { seals: names }), content };
  return { spec, place: places.place, claims: places.claims };
}

interface Zeroes {
  readonly at: bigint;
  readonly order: number;
  readonly zero: bigint;
}

/** What is in a row in the file and of one order is one piece; undefined where a folio is beyond the end. */
function zeroes(folios: readonly ListedRun[], size: bigint, pageShift: number): Zeroes[] | undefined {
  const pieces: Zeroes[] = [];
  for (const { index, order, count } of folios) {
    const folio = 1n << BigInt((order ?? 0) + pageShift);
    const at = index << BigInt(pageShift);
    if (at + folio * BigInt(count - 1) >= size) return undefined;
    const last = pieces.at(-1);
    const zero = folio * BigInt(count);
    if (last && last.order === order && last.at + last.zero === at) {
      pieces[pieces.length - 1] = { ...last, zero: last.zero + zero };
    } else pieces.push({ at, order: order ?? 0, zero });
  }
  return pieces.map(({ at, order, zero }) => ({ at, order, zero: at + zero > size ? size - at : zero }));
}
