import type { Base } from './base.ts';
import { Draw } from './draw.ts';
import { formOf, type Mutation, withMutation } from './mutation.ts';

/** What a run is: a handover, made otherwise. */
export interface Plan {
  readonly base: Base;
  readonly mutations: readonly Mutation[];
}

/** Decides what runs are. */
export interface Planner {
  plan(run: number): Plan;
  /** Those of the lines that a run reached which no run before did, as far as that is known. */
  newOf(lines: readonly string[]): readonly string[];
  /** Takes in what came of runs, with the lines that they were first to reach. */
  learn(runs: readonly Learned[]): void;
}

export interface Learned {
  readonly run: number;
  readonly plan: Plan;
  readonly lines: readonly string[];
}

/** Learns nothing: what a run is follows from the seed and its number alone. */
export class Unguided implements Planner {
  readonly #bases: readonly Base[];
  readonly #seed: string;
  readonly #known = new Set<string>();

  constructor(bases: readonly Base[], seed: string) {
    this.#bases = bases;
    this.#seed = seed;
  }

  plan(run: number): Plan {
    return drawn(this.#bases, new Draw(this.#seed, run));
  }

  newOf(lines: readonly string[]): string[] {
    const fresh = lines.filter((line) => !this.#known.has(line));
    for (const line of fresh) this.#known.add(line);
    return fresh;
  }

  learn(): void {}
}

function drawn(bases: readonly Base[], draw: Draw): Plan {
  const base = draw.pick(bases);
  return { base, mutations: base.mutable.draw(draw) };
}

/** Runs that are drawn before anything is learned from them: as many as keep all jobs busy for most of the time. */
export const ROUND = 20;
/** Once in so many runs a kept one is mutated further: what is wrong with it already hides what comes later. */
const FURTHER = 4;
/** Good handovers made wrong, of which the best is tried. */
const DRAWS = 6;
/** A kept run that was mutated this often is as good as any other handover. */
const MOST_MUTATIONS = 6;

/**
 * Keeps runs that reached new lines of the kernel, and mutates them further. What a run is follows from the seed, its
 * number, and what came of the rounds before its own, whatever the order in which runs of a round end.
 */
export class Guided implements Planner {
  readonly #bases: readonly Base[];
  readonly #seed: string;
  readonly #known = new Set<string>();
  readonly #kept: Plan[] = [];
  /** By the form of a mutation. */
  readonly #tried = new Map<string, Tried>();

  constructor(bases: readonly Base[], seed: string) {
    this.#bases = bases;
    this.#seed = seed;
  }

  plan(run: number): Plan {
    const draw = new Draw(`${this.#seed} guided`, run);
    if (this.#kept.length > 0 && draw.once(FURTHER)) return this.#further(draw);
    const plans = Array.from({ length: DRAWS }, () => drawn(this.#bases, draw));
    return plans.reduce((best, one) => (this.#worth(one) > this.#worth(best) ? one : best));
  }

  newOf(lines: readonly string[]): string[] {
    return lines.filter((line) => !this.#known.has(line));
  }

  learn(runs: readonly Learned[]): void {
    for (const { plan, lines } of [...runs].sort((a, b) => a.run - b.run)) {
      const isNew = this.newOf(lines).length > 0;
      if (isNew) this.#kept.push(plan);
      for (const line of lines) this.#known.add(line);
      for (const name of namesOf(plan)) {
        const { tries, finds } = this.#tried.get(name) ?? NEVER;
        this.#tried.set(name, { tries: tries + 1, finds: finds + (isNew ? 1 : 0) });
      }
    }
  }

  /** Mostly another value in the same place: where one led to new lines there are more checks. Late ones are rare ones. */
  #further(draw: Draw): Plan {
    const count = this.#kept.length;
    const at = Math.max(draw.below(count), draw.below(count));
    const { base, mutations } = this.#kept[at] ?? drawn(this.#bases, draw);
    const changed = draw.below(mutations.length);
    const isMore = draw.once(4);
    const more = isMore
      ? withMutation(mutations, base.mutable.one(draw))
      : mutations.map((one, i) => (i === changed ? base.mutable.again(draw, one) : one));
    return { base, mutations: more.slice(-MOST_MUTATIONS) };
  }

  /** What was tried little, or led to new lines often, is worth most. */
  #worth(plan: Plan): number {
    const each = namesOf(plan).map((name) => {
      const { tries, finds } = this.#tried.get(name) ?? NEVER;
      return (finds + 1) / (tries + 1);
    });
    return each.reduce((sum, one) => sum + one, 0) / each.length;
  }
}

interface Tried {
  readonly tries: number;
  /** How often there were new lines. */
  readonly finds: number;
}

const NEVER: Tried = { tries: 0, finds: 0 };

/** What a plan makes otherwise, whatever the value. */
const namesOf = ({ mutations }: Plan): string[] =>
  mutations.map((one) =>
    'path' in one
      ? `${one.kind} ${formOf(one.path)}`
      : 'subtree' in one
        ? `${one.kind} ${one.name}`
        : one.kind,
  );
