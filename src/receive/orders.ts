import { Preserved } from '../memory/preserved.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Image } from '../model/image.ts';

/** Blocks that are kept for looking up their orders, 9 bytes each. */
const MAX_BLOCKS = 1 << 24;

/** The memory map block by block, read when somebody first asks. */
export class Orders {
  readonly #image: Image;
  readonly #map: bigint | null;
  #preserved: Preserved | undefined;

  constructor(image: Image, map: bigint | null) {
    this.#image = image;
    this.#map = map;
  }

  at(phys: bigint): number | undefined {
    this.#preserved ??= this.#read();
    return this.#preserved.orderAt(phys);
  }

  #read(): Preserved {
    const { target, memory } = this.#image;
    const walk = this.#map ? walkMemoryMap(target, memory, this.#map, { maxFolios: MAX_BLOCKS }) : undefined;
    return new Preserved(walk, target.generation.memoryMap.kind === 'radix');
  }
}
