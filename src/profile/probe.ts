import type { Facts } from '../abi/facts.ts';
import type { ItemKind } from '../abi/profile.ts';
import type { Member } from './members.ts';
import type { ReadProperty } from './properties.ts';
import type { Scan, ScannedMacro } from './scan.ts';

/** One question to the compiler, and how its answer is read. */
export interface Question {
  readonly kind: ItemKind;
  /** Name of the item. */
  readonly name: string;
  /** Line of C: one of the macros of abi/shim/probe.h, with `ID` for the object. */
  readonly ask: string;
  /** Macro that has to be defined for the question to make sense. */
  readonly guard?: string;
  /** The facts in the object's bytes; undefined when they are not such an answer. */
  readonly read: (bytes: Uint8Array) => Facts | undefined;
}

/** Members by the name of their structure. */
export type KnownStructs = ReadonlyMap<string, readonly Member[]>;

/**
 * The questions for everything of `scan` that `take` lets pass.
 * @param known structures of the whole tree: a member that is one of them counts with its own members
 */
export function questions(scan: Scan, take: (name: string) => boolean, known: KnownStructs): Question[] {
  return [
    ...scan.structs.filter(({ name }) => take(name)).flatMap(({ name }) => structQuestions(name, known)),
    ...scan.enums.flatMap(({ name, enumerators }) =>
      enumerators.filter((one) => take(one) || take(name)).map((one) => numberQuestion('enum', one)),
    ),
    ...scan.macros.filter(({ name }) => take(name)).map((macro) => macroQuestion(macro, scan.macros)),
  ];
}

/** The size of what one property is read as. @param prefix of the item's name */
export function propertyQuestion(prefix: string, { name, type }: ReadProperty): Question {
  const read = (bytes: Uint8Array) => one(bytes, (size) => ({ size: Number(size) }));
  return { kind: 'property', name: `${prefix}:${name}`, ask: `KF_SIZE(ID, ${type})`, read };
}

function structQuestions(name: string, known: KnownStructs): Question[] {
  const type = `struct ${name}`;
  const members = flatten(known.get(name) ?? [], known, 0);
  const whole: Question = {
    kind: 'struct',
    name,
    ask: `KF_STRUCT(ID, ${type})`,
    read: (bytes) => two(bytes, (size, align) => ({ size, align })),
  };
  return [whole, ...members.map((member) => memberQuestion(name, type, member))];
}

function memberQuestion(struct: string, type: string, member: Member): Question {
  const name = `${struct}.${member.name}`;
  return member.bits === undefined
    ? {
        kind: 'field',
        name,
        ask: `KF_FIELD(ID, ${type}, ${member.name})`,
        read: (bytes) => two(bytes, (offset, size) => ({ offset, size })),
      }
    : { kind: 'field', name, ask: `KF_BITS(ID, ${type}, ${member.name})`, read: setBits };
}

/** `folios` becomes `folios.first`, `folios.total_pages` and so on. */
function flatten(members: readonly Member[], known: KnownStructs, depth: number): Member[] {
  return members.flatMap((member) => {
    const inner = member.struct === undefined ? undefined : known.get(member.struct);
    if (inner === undefined || depth > 4) return [member];
    return flatten(inner, known, depth + 1).map((one) => ({ ...one, name: `${member.name}.${one.name}` }));
  });
}

function macroQuestion(macro: ScannedMacro, all: readonly ScannedMacro[]): Question {
  const guard = { guard: macro.name };
  if (!isText(macro, all)) return { ...numberQuestion('macro', macro.name), ...guard };
  return { kind: 'string', name: macro.name, ask: `KF_STRING(ID, ${macro.name})`, read: text, ...guard };
}

/** Whether a macro is a string, itself or through a macro of the same file. */
function isText(macro: ScannedMacro, all: readonly ScannedMacro[], depth = 0): boolean {
  if (/^\(*"/.test(macro.body)) return true;
  const alias = all.find(({ name }) => name === macro.body.split(/\s/)[0]);
  return (
    alias !== undefined && /^\w+(\s+["\w]+)*$/.test(macro.body) && depth < 8 && isText(alias, all, depth + 1)
  );
}

function numberQuestion(kind: ItemKind, name: string): Question {
  const read = (bytes: Uint8Array) => one(bytes, (value) => ({ value: asValue(value) }));
  return { kind, name, ask: `KF_NUMBER(ID, ${name})`, read };
}

function asValue(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `0x${value.toString(16)}`;
}

function one(bytes: Uint8Array, facts: (value: bigint) => Facts): Facts | undefined {
  return bytes.length === 8 ? facts(Buffer.from(bytes).readBigUInt64LE()) : undefined;
}

function two(bytes: Uint8Array, facts: (a: number, b: number) => Facts): Facts | undefined {
  if (bytes.length !== 16) return undefined;
  const buffer = Buffer.from(bytes);
  return facts(Number(buffer.readBigUInt64LE(0)), Number(buffer.readBigUInt64LE(8)));
}

function text(bytes: Uint8Array): Facts | undefined {
  return bytes.at(-1) === 0 ? { value: Buffer.from(bytes.subarray(0, -1)).toString('latin1') } : undefined;
}

/** The one run of bits that are set. */
function setBits(bytes: Uint8Array): Facts | undefined {
  const bits = [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> i) & 1)).join('');
  const match = /^(0*)(1+)0*$/.exec(bits);
  return match ? { bitOffset: match[1]?.length ?? 0, bitWidth: match[2]?.length ?? 0 } : undefined;
}
