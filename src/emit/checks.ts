import { type ErrorLine, KhoforgeError, withinSpec } from '../base/errors.ts';
import type { SpecPath } from '../base/spec-path.ts';
import { FDT_CHECKS } from '../fdt/checks.ts';

/**
 * What a good handover never has. Each check stops a build by its name and can be allowed by its name, alone,
 * to make an image that is wrong on purpose. The text says what a receiving kernel does with such an image.
 */
export const CHECKS = {
  'scratch-overlap':
    'preserved memory or metadata inside scratch: the receiver allocates there before it reads the map',
  'placement-overlap': 'two structures at one address: the later one destroys the earlier one',
  'outside-ram': 'a structure outside RAM: the receiver reads or reserves memory that is not there',
  'scratch-overlap-scratch': 'two scratch regions that share memory',
  'scratch-outside-ram': 'a scratch region outside RAM: the receiver adds it to its memory all the same',
  'scratch-alignment': 'a scratch region that is not made of whole blocks of the largest buddy order',
  'scratch-array-unplaced': 'no scratch region has room for the scratch array, as kexec_file_load demands',
  'first-megabyte': 'preserved memory below 1 MiB, which an x86 receiver uses as scratch',
  'folio-order': 'a folio above MAX_PAGE_ORDER: kho_restore_folio() never made one',
  'range-order': 'a block of 2 GiB or more: receivers up to 7.1 compute its size in 32 bits',
  'radix-order-lost':
    'a radix tree too shallow for its key (7.0 with 16 KiB pages): the order bit of small folios falls off',
  'subtree-unknown': 'a subtree that kernels of this generation do not have',
  'subtree-size': 'a subtree blob that is empty or larger than the memory preserved for it',
  ...FDT_CHECKS,
} as const;

export type Check = keyof typeof CHECKS;

export function isCheck(name: string): name is Check {
  return Object.hasOwn(CHECKS, name);
}

interface Problem {
  check: Check;
  text: string;
  specPath: SpecPath | undefined;
}

/** Collects broken checks, so that one build names them all. */
export class Checker {
  readonly allowed: ReadonlySet<Check>;
  readonly #problems: Problem[] = [];
  readonly #used = new Set<Check>();
  #specPath: SpecPath | undefined;

  constructor(allowed: Iterable<Check>) {
    this.allowed = new Set(allowed);
  }

  /** The part of the spec that is being done. */
  get specPath(): SpecPath | undefined {
    return this.#specPath;
  }

  /** Does what a part of the spec asks for: what it breaks, and errors, are about that part. */
  within<T>(specPath: SpecPath, body: () => T): T {
    const outer = this.#specPath;
    this.#specPath = specPath;
    try {
      return withinSpec(specPath, body);
    } finally {
      this.#specPath = outer;
    }
  }

  /** Whether `check` is allowed; if so, something needs it. */
  allows(check: Check): boolean {
    if (!this.allowed.has(check)) return false;
    this.#used.add(check);
    return true;
  }

  /** Records that `check` is broken, unless it is allowed. */
  broken(check: Check, text: string, specPath = this.#specPath): void {
    if (!this.allows(check)) this.#problems.push({ check, text, specPath });
  }

  /** Allowed checks that nothing broke: leftovers of an earlier spec. */
  get unused(): readonly Check[] {
    return [...this.allowed].filter((check) => !this.#used.has(check));
  }

  /** @throws KhoforgeError `CHECK_FAILED` naming every broken check, at most 20 in full */
  finish(): void {
    if (this.#problems.length === 0) return;
    const shown = this.#problems
      .slice(0, 20)
      .map(({ check, text, specPath }): ErrorLine => ({ text: `${check}: ${text}`, specPath }));
    const more = this.#problems.length - shown.length;
    const names = [...new Set(this.#problems.map(({ check }) => check))];
    throw new KhoforgeError('CHECK_FAILED', [...shown, ...(more > 0 ? [{ text: `and ${more} more` }] : [])], {
      hint: `correct the spec, or say that it is meant: allow: [${names.join(', ')}]`,
      checks: names,
    });
  }
}
