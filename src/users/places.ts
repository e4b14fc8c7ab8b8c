import type { Block } from '../memory/preserved-blocks.ts';
import type { SpecFragment } from './user.ts';

/** What a spec has to say of where structures are, and the blocks that it then preserves. */
export class Places {
  readonly place: Record<string, bigint> = {};
  readonly claims: Block[] = [];

  add(path: string, phys: bigint, order: number): void {
    this.place[path] = phys;
    this.claims.push([phys, order]);
  }

  /** Blocks of one order side by side, of which a spec places the first. */
  addRun(path: string, phys: bigint, order: number, count: number, pageShift: number): void {
    this.place[path] = phys;
    const bytes = 1n << BigInt(order + pageShift);
    for (let i = 0; i < count; i++) this.claims.push([phys + BigInt(i) * bytes, order]);
  }

  include({ place, claims }: Pick<SpecFragment, 'place' | 'claims'>): void {
    Object.assign(this.place, place);
    for (const claim of claims) this.claims.push(claim);
  }
}
