import { alignDown, hex } from '../base/numbers.ts';
import type { Offer } from '../emit/overrides.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Placement } from '../model/image.ts';
import type { BuiltImage } from '../produce/assembly.ts';
import type { Draw } from './draw.ts';
import { formOf, type Mutation, withMutation } from './mutation.ts';
import { drawAddress, drawPage, drawValue, type Surroundings } from './values.ts';

/** What of a handover can be made otherwise. Of what there is many of, all together weigh as much as one alone. */
export class Mutable {
  readonly #around: Surroundings;
  readonly #offers: readonly (readonly (readonly [string, Offer])[])[];
  readonly #byPath: ReadonlyMap<string, Offer>;
  readonly #placements: readonly (readonly Placement[])[];
  readonly #memory: PhysicalMemory;
  readonly #subtrees: readonly string[];

  /** @param subtrees a name for each entry of the spec's list */
  constructor(image: BuiltImage, subtrees: readonly string[]) {
    const { target, ram, scratch, placements, offers, memory } = image;
    const pageSize = BigInt(target.pageSize);
    const texts = [...offers.values()].flatMap((offer) => (offer.kind === 'text' ? [offer.value] : []));
    this.#around = { pageSize, ram, scratch, structures: placements, texts };
    this.#offers = byForm(offers, ([path]) => path);
    this.#byPath = offers;
    this.#placements = byForm(placements, ({ path }) => path);
    this.#memory = memory;
    this.#subtrees = subtrees;
  }

  /** One to three mutations, each about another thing. */
  draw(draw: Draw): Mutation[] {
    const count = draw.pick([1, 1, 1, 2, 2, 3]);
    let drawn: Mutation[] = [];
    while (drawn.length < count) drawn = withMutation(drawn, this.one(draw));
    return drawn;
  }

  /** The same thing made otherwise in another way, where there is one; else another thing. */
  again(draw: Draw, mutation: Mutation): Mutation {
    const { kind } = mutation;
    if (kind === 'override') {
      const offer = this.#offerOf(mutation.path);
      return offer && offer.kind !== 'node'
        ? { ...mutation, value: drawValue(draw, offer, this.#around) }
        : this.one(draw);
    }
    if (kind === 'place') return { ...mutation, at: drawAddress(draw, this.#around) };
    if (kind === 'patch') return { ...mutation, bytes: draw.bytes(mutation.bytes.length) };
    return kind === 'preserve' ? this.#preserve(draw) : this.one(draw);
  }

  /** Of an element that offer which stands for all of them. */
  #offerOf(path: string): Offer | undefined {
    const first = path.replace(/\[\d+\]$/, '[0]');
    return this.#byPath.get(path) ?? this.#byPath.get(first);
  }

  one(draw: Draw): Mutation {
    const kind = draw.below(20);
    if (kind < 10) return this.#override(draw);
    if (kind < 13) return this.#patch(draw);
    if (kind < 15) return this.#place(draw);
    if (kind < 17) return { kind: 'unpreserve', path: this.#placement(draw).path };
    if (kind < 18) return { kind: 'omit', path: this.#placement(draw).path };
    if (kind < 19 || this.#subtrees.length === 0) return this.#preserve(draw);
    const subtree = draw.below(this.#subtrees.length);
    return { kind: draw.pick(['drop', 'repeat', 'last']), subtree, name: this.#subtrees[subtree] ?? '' };
  }

  #placement = (draw: Draw): Placement => draw.pick(draw.pick(this.#placements));

  #override(draw: Draw): Mutation {
    const [first, offer] = draw.pick(draw.pick(this.#offers));
    const elements = 'elements' in offer ? (offer.elements ?? 1) : 1;
    const element = draw.pick([0, 0, 1, elements - 1, draw.below(elements)]);
    const path = elements === 1 ? first : first.replace(/\[0\]$/, `[${element % elements}]`);
    return { kind: 'override', path, value: drawValue(draw, offer, this.#around) };
  }

  /** Mostly where something is: most of a page is zeroes. */
  #patch(draw: Draw): Mutation {
    const page = drawPage(draw, this.#placement(draw), this.#around.pageSize);
    const bytes = this.#memory.read(page, Number(this.#around.pageSize));
    const used = Array.from(bytes.keys()).filter((at) => bytes[at] !== 0);
    const at = used.length === 0 || draw.once(4) ? draw.below(bytes.length) : draw.pick(used);
    const old = Buffer.from(bytes.subarray(at, at + 8));
    const value = draw.pick<() => Uint8Array>([
      () => Uint8Array.of((old[0] ?? 0) ^ (1 << draw.below(8))),
      () => draw.bytes(1),
      () => draw.bytes(Math.min(4, old.length)),
      () => new Uint8Array(old.length),
      () => new Uint8Array(old.length).fill(0xff),
      () => word(drawAddress(draw, this.#around)),
    ])();
    const from = value.length === 8 ? page + BigInt(at & ~7) : page + BigInt(at);
    return { kind: 'patch', at: from, bytes: value };
  }

  /** A folio stands at a multiple of its size, or there is no telling where it is. */
  #place(draw: Draw): Mutation {
    const { path, size } = this.#placement(draw);
    const at = drawAddress(draw, this.#around);
    const step = 1n << BigInt((size - 1n).toString(2).length);
    return { kind: 'place', path, at: draw.once(8) ? at : alignDown(at, step) };
  }

  #preserve(draw: Draw): Mutation {
    const order = draw.pick([0, 0, 0, 1, 4, 9, 10]);
    const at = alignDown(drawAddress(draw, this.#around), this.#around.pageSize << BigInt(order));
    return { kind: 'preserve', name: `extra-${hex(at)}`, order, at };
  }
}

function word(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** Groups what differs in numbers alone, such as `folios[3]` and `folios[4]`. */
function byForm<T>(items: Iterable<T>, pathOf: (item: T) => string): T[][] {
  const forms = new Map<string, T[]>();
  for (const item of items) {
    const form = formOf(pathOf(item));
    const same = forms.get(form);
    if (same) same.push(item);
    else forms.set(form, [item]);
  }
  return [...forms.values()];
}
