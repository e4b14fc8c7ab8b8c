import type { Facts, NamedFacts } from '../abi/facts.ts';
import { type FieldLayout, layoutOf } from '../abi/layout.ts';
import { abiOf } from '../abi/releases.ts';
import type { Target } from '../abi/target.ts';

/** One item as khoforge has it. */
export interface Expected extends NamedFacts {
  /** Where khoforge says it is from. */
  readonly source: string;
}

/**
 * Everything that khoforge emits or reads for a target, by the kernel's names.
 * @param release series whose headers it should agree with
 */
export function expectedItems(target: Target, release: string): Expected[] {
  const { tree } = target.generation;
  const resolve = <T extends number | string>(known: T | ((target: Target) => T)): T =>
    typeof known === 'function' ? known(target) : known;
  const constant = <T extends number | string>(name: string, known: T | ((target: Target) => T)) =>
    tree?.constants.get(name) ?? resolve(known);
  const isThere = ([name]: [string, unknown]) => !tree?.gone.has(name);
  return abiOf(release, target.arch).flatMap((entry): Expected[] => {
    const { numbers = {}, strings = {}, properties = {}, from, to } = entry;
    const source = `constant of ${from}${to === undefined ? '' : ` to ${to}`}`;
    return [
      ...(entry.struct === undefined ? [] : structItems(entry, target)),
      ...Object.entries(numbers)
        .filter(isThere)
        .map(([name, value]) => ({ name, source, value: constant(name, value) })),
      ...Object.entries(strings)
        .filter(isThere)
        .map(([name, value]) => ({ name, source, value: constant(name, value) })),
      ...Object.entries(properties).map(([name, size]) => ({ name, source, size: resolve(size) })),
    ];
  });
}

function structItems({ struct, names = {} }: ReturnType<typeof abiOf>[number], target: Target): Expected[] {
  if (struct === undefined || target.generation.tree?.gone.has(struct.name)) return [];
  const { name, size, align, fields } = layoutOf(struct, target);
  const source = struct.source;
  return [
    { name, source, size, align },
    ...fields.map((field) => ({
      name: `${name}.${names[field.name] ?? field.name}`,
      source,
      ...fieldFacts(field),
    })),
  ];
}

function fieldFacts({ offset, size, bits }: FieldLayout): Facts {
  return bits === undefined ? { offset, size } : { bitOffset: offset * 8 + bits.shift, bitWidth: bits.width };
}
