import { type BtfType, Kind, MAX_DEPTH, type TypeTable } from './types.ts';

const QUALIFIERS: Readonly<Record<number, string>> = {
  [Kind.const]: 'const',
  [Kind.volatile]: 'volatile',
  [Kind.restrict]: 'restrict',
};
/** Kinds that stand for another type, and change nothing in its layout. */
const QUALIFYING: ReadonlySet<number> = new Set([Kind.const, Kind.volatile, Kind.restrict, Kind.typeTag]);
const TRANSPARENT: ReadonlySet<number> = new Set([...QUALIFYING, Kind.typedef]);
const TAGS: Readonly<Record<number, string>> = {
  [Kind.struct]: 'struct ',
  [Kind.union]: 'union ',
  [Kind.enum]: 'enum ',
  [Kind.enum64]: 'enum ',
};
const SIZED: ReadonlySet<number> = new Set([
  Kind.int,
  Kind.float,
  Kind.struct,
  Kind.union,
  Kind.enum,
  Kind.enum64,
]);
/** The kernel keeps the size of an array in 32 bits (7.3, kernel/bpf/btf.c: btf_array_resolve). */
const MAX_SIZE = 0xffffffff;

export function isAggregate(type: BtfType): boolean {
  return type.kind === Kind.struct || type.kind === Kind.union;
}

/**
 * The type behind typedefs and qualifiers; undefined is void.
 * @param from where in the type section the id was found
 */
export function strip(types: TypeTable, id: number, from: number): BtfType | undefined {
  return skip(types, id, from, TRANSPARENT);
}

/** The type behind qualifiers only: a typedef is a name that C knows it by. */
export function unqualified(types: TypeTable, id: number, from: number): BtfType | undefined {
  return skip(types, id, from, QUALIFYING);
}

function skip(types: TypeTable, id: number, from: number, kinds: ReadonlySet<number>): BtfType | undefined {
  let type = types.get(id, from);
  for (let depth = 0; type !== undefined && kinds.has(type.kind); depth++) {
    if (depth === MAX_DEPTH) throw tooDeep(types, from);
    type = target(types, type);
  }
  return type;
}

/** `sizeof` of a type, in bytes. A flexible array has 0. */
export function sizeOf(types: TypeTable, id: number, from: number, pointerSize: () => number): number {
  let count = 1;
  let type = types.get(id, from);
  for (let depth = 0; type !== undefined && !hasOwnSize(type); depth++) {
    if (depth === MAX_DEPTH) throw tooDeep(types, from);
    if (type.kind === Kind.array) count *= types.view.u32(type.extra + 8);
    if (count > MAX_SIZE) throw types.view.error(type.extra + 8, `array of ${count} elements`);
    type = target(types, type);
  }
  if (type === undefined || !(type.kind === Kind.ptr || SIZED.has(type.kind))) {
    throw types.view.error(from, `a type without a size: ${type ? `kind ${type.kind}` : 'void'}`);
  }
  const size = count * (type.kind === Kind.ptr ? pointerSize() : type.sizeOrType);
  if (size > MAX_SIZE) throw types.view.error(from, `type of ${size} bytes`);
  return size;
}

/** Whether its size is not that of the type it refers to, times a count. */
function hasOwnSize({ kind }: BtfType): boolean {
  return kind !== Kind.array && !TRANSPARENT.has(kind);
}

/**
 * The type as C writes it without a name: `u64[511]`, `struct page *`, `int (*)[3]`.
 * The parameters of a function are left out: `void (*)(...)`.
 */
export function typeName(types: TypeTable, id: number, from: number): string {
  let declarator = '';
  let qualifiers = '';
  let type = types.get(id, from);
  for (let depth = 0; type !== undefined && isDerived(type); depth++) {
    if (depth === MAX_DEPTH) throw tooDeep(types, from);
    const qualifier = QUALIFIERS[type.kind];
    if (qualifier !== undefined) qualifiers += `${qualifier} `;
    if (type.kind === Kind.ptr) {
      declarator = `*${declarator.startsWith('*') ? qualifiers : qualifiers.trimEnd()}${declarator}`;
      qualifiers = '';
    }
    if (type.kind === Kind.array) declarator = `${grouped(declarator)}[${types.view.u32(type.extra + 8)}]`;
    if (type.kind === Kind.funcProto) declarator = `${grouped(declarator)}(...)`;
    type = target(types, type);
  }
  const gap = /^[*(]/.test(declarator) ? ' ' : '';
  return qualifiers + baseName(types, type) + gap + declarator;
}

/** The type that an array, a pointer, a typedef and the like refer to. */
function target(types: TypeTable, type: BtfType): BtfType | undefined {
  if (type.kind === Kind.array) return types.get(types.view.u32(type.extra), type.extra);
  return types.get(type.sizeOrType, type.at + 8);
}

function isDerived({ kind }: BtfType): boolean {
  return QUALIFYING.has(kind) || kind === Kind.ptr || kind === Kind.array || kind === Kind.funcProto;
}

function grouped(declarator: string): string {
  return declarator.startsWith('*') ? `(${declarator})` : declarator;
}

function baseName(types: TypeTable, type: BtfType | undefined): string {
  if (type === undefined) return 'void';
  const name = types.name(type.at);
  const tag = type.kind === Kind.fwd ? (type.kindFlag ? 'union ' : 'struct ') : TAGS[type.kind];
  if (tag === undefined) return name;
  return `${tag}${name || '{...}'}`;
}

function tooDeep(types: TypeTable, from: number): Error {
  return types.view.error(from, `type nested more than ${MAX_DEPTH} deep, or in a circle`);
}
