import { fdtSize } from '../fdt/header.ts';
import type { PreservedBlocks } from '../memory/preserved-blocks.ts';
import type { Image } from '../model/image.ts';
import { blobBytes } from '../receive/blob.ts';
import type { InspectedSubtree } from '../receive/decode.ts';
import { isSubtreeEntry, type SubtreeEntry } from '../specfile/schema.ts';
import { bytesEntry, emptyEntry, userOf } from '../users/registry.ts';
import { facet, type LocatedSubtree, type SpecFragment, type User } from '../users/user.ts';

/** One subtree as an entry of a spec, and where its parts are. */
export interface PlacedEntry extends Pick<SpecFragment, 'place' | 'unpreserve'> {
  readonly entry: SubtreeEntry;
}

/** Longest blob that is written into a spec; none of the kernel's comes near. */
const MAX_BLOB_SIZE = 1n << 20n;

/**
 * A subtree in the words of its user; any other, and one that is damaged, by its bytes. Claims the blocks that the
 * entry preserves by itself.
 */
export function specEntry(image: Image, subtree: InspectedSubtree, blocks: PreservedBlocks): PlacedEntry {
  const { name, phys, size, decoded } = subtree;
  if (phys === null) return { entry: emptyEntry(name), place: {} };
  const located = (bytes: Uint8Array): LocatedSubtree => ({
    target: image.target,
    memory: image.memory,
    name,
    phys,
    bytes,
    decoded,
    orderAt: (at) => blocks.orderAt(at),
  });
  const user = decoded?.problems.length === 0 ? userOf(image.target, name) : undefined;
  const own = user && ownEntry(user, located(blobBytes(image, phys, size)), blocks);
  if (own) return own;
  const { claims, ...any } = bytesEntry(located(rawBytes(image, phys, subtree)));
  blocks.claim(claims);
  return any;
}

/** Undefined where the user has no words for it, or what it refers to is not preserved as its entry would. */
function ownEntry(user: User, subtree: LocatedSubtree, blocks: PreservedBlocks): PlacedEntry | undefined {
  const fragment = facet(user.respec)?.(subtree);
  if (!fragment) return undefined;
  const { spec, claims, ...where } = fragment;
  const entry: unknown = { [user.key]: spec };
  return isSubtreeEntry(entry) && blocks.claim(claims) ? { entry, ...where } : undefined;
}

/** Of a blob whose size is not recorded, and that is no FDT, its head. */
function rawBytes(image: Image, phys: bigint, { size, head }: InspectedSubtree): Uint8Array {
  const wanted = size ?? BigInt(fdtSize(image.memory.read(phys, 8)) ?? head?.length ?? image.target.pageSize);
  return image.memory.read(phys, Number(wanted < MAX_BLOB_SIZE ? wanted : MAX_BLOB_SIZE));
}
