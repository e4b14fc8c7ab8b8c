import { lowerBound } from '../memory/intervals.ts';

/** Paths such as `memfd/folios[3]`, so that one element, or those of an array, are found without a look at all others. */
export class PathIndex {
  /** Of each array the numbers of its elements, ascending. */
  readonly #elements = new Map<string, number[]>();
  readonly #prefixes = new Set<string>();

  constructor(paths: Iterable<string>) {
    for (const path of paths) this.#add(path);
    for (const numbers of this.#elements.values()) numbers.sort((a, b) => a - b);
  }

  /** Every `i` from `first` to below `end` that has a path `array[i]`, ascending. */
  elements(array: string, first: number, end: number): number[] {
    const numbers = this.#elements.get(array) ?? [];
    const above = (limit: number) => lowerBound(numbers.length, (i) => (numbers[i] ?? 0) >= limit);
    return numbers.slice(above(first), above(end));
  }

  /** Whether some path begins with `prefix`, which ends in `/` or `[`. */
  hasUnder(prefix: string): boolean {
    return this.#prefixes.has(prefix);
  }

  #add(path: string): void {
    for (const { index } of path.matchAll(/[/[]/g)) this.#prefixes.add(path.slice(0, index + 1));
    const [, array, number] = /^(.*)\[(0|[1-9]\d*)\]$/.exec(path) ?? [];
    if (array === undefined) return;
    const numbers = this.#elements.get(array);
    if (numbers) numbers.push(Number(number));
    else this.#elements.set(array, [Number(number)]);
  }
}
