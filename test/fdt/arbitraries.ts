import fc from 'fast-check';
import { type Call, khoforgeBuffer } from './calls.ts';

/** The same runs each time: a failure in CI is a failure here. */
export const RUNS = { seed: 7_3_4, numRuns: 500 } as const;

/** KHO's names and such that are tails of others, so that names are shared in the string table. */
const PROPERTY_NAMES = [
  'preserved-memory-map',
  'memory-map',
  'map',
  'compatible',
  'blob-size',
  'size',
  'e',
  'fdt',
];
const NODE_NAMES = ['a', 'b', 'kho_test', 'kexec-metadata', 'a@1', 'b@2,0', 'abc', 'abcd', 'a@b'];
const PATHS = ['/', '/a', '/b', '/a/b', '/a@1', '/kho_test', '//a//b/', '/a/a/a', '/kexec-metadata/b'];
/** What only a bad tree has. */
const BAD_NAMES = ['', 'a b', 'é\xff', 'x\0y', 'a@b@c', '/'];

export const propertyName = fc.constantFrom(...PROPERTY_NAMES);
export const nodeName = fc.constantFrom(...NODE_NAMES);
const anyPropertyName = fc.oneof({ weight: 8, arbitrary: propertyName }, fc.constantFrom(...BAD_NAMES));
const anyNodeName = fc.oneof({ weight: 8, arbitrary: nodeName }, fc.constantFrom(...BAD_NAMES));
const path = fc.oneof(fc.constant('/'), fc.constantFrom(...PATHS));
export const value = fc.uint8Array({ maxLength: 20 });
const address = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

/** Any sequential calls in any order, in a buffer that may be too small. */
export const sequentialCalls: fc.Arbitrary<Call[]> = fc
  .tuple(
    fc
      .oneof(fc.integer({ min: 48, max: 320 }), fc.integer({ min: 320, max: 640 }))
      .map((size): Call => ['create', size]),
    fc.array(
      fc.tuple(address, address).map(([from, size]): Call => ['reserve', from, size]),
      { maxLength: 2 },
    ),
    fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.constant<Call>(['finish_reservemap']) },
        { weight: 3, arbitrary: anyNodeName.map((name): Call => ['begin_node', name]) },
        {
          weight: 6,
          arbitrary: fc.tuple(anyPropertyName, value).map(([name, bytes]): Call => ['property', name, bytes]),
        },
        {
          weight: 1,
          arbitrary: fc
            .tuple(anyPropertyName, fc.constantFrom('', 'kho-v4', 'a\0b'))
            .map(([name, text]): Call => ['property_string', name, text]),
        },
        { weight: 3, arbitrary: fc.constant<Call>(['end_node']) },
        { weight: 1, arbitrary: fc.constant<Call>(['finish']) },
      ),
      { maxLength: 30, size: 'max' },
    ),
  )
  .map(([create, reserves, calls]) => [create, ...reserves, ['finish_reservemap'], ...calls, ['finish']]);

interface Sketch {
  name: string;
  properties: [string, Uint8Array][];
  children: Sketch[];
}

/** A tree of at most that many levels below the root, in which names may repeat. */
function sketch(depth: number, name: fc.Arbitrary<string>): fc.Arbitrary<Sketch> {
  const children: fc.Arbitrary<Sketch[]> =
    depth === 0 ? fc.constant([]) : fc.array(sketch(depth - 1, nodeName), { maxLength: 3 });
  return fc.record({ name, properties: fc.array(fc.tuple(propertyName, value), { maxLength: 4 }), children });
}

function withoutRepeats({ name, properties, children }: Sketch): Sketch {
  const unique = new Map(children.map((child) => [child.name, withoutRepeats(child)]));
  return { name, properties: [...new Map(properties)], children: [...unique.values()] };
}

function callsOf({ name, properties, children }: Sketch): Call[] {
  const values = properties.map(([property, bytes]): Call => ['property', property, bytes]);
  return [['begin_node', name], ...values, ...children.flatMap(callsOf), ['end_node']];
}

function treeCalls(root: fc.Arbitrary<Sketch>): fc.Arbitrary<Call[]> {
  const size = fc.bigInt({ min: 1n, max: 1n << 40n });
  return fc
    .tuple(root, fc.array(fc.tuple(address, size), { maxLength: 2 }))
    .map(([tree, reserved]): Call[] => [
      ...reserved.map(([from, length]): Call => ['reserve', from, length]),
      ['finish_reservemap'],
      ...callsOf(tree),
      ['finish'],
    ])
    .map((calls) => [['create', sizeOf(calls)], ...calls]);
}

/** Bytes that the calls come to. */
function sizeOf(calls: Call[]): number {
  return khoforgeBuffer([['create', 16384], ...calls]).readUInt32BE(4);
}

/** The calls that write a valid tree into a buffer that just holds it. */
export const validTree = treeCalls(sketch(3, fc.constant('')).map(withoutRepeats));

/** As `validTree`, but names repeat and the root may have one. */
export const nestedTree = treeCalls(sketch(3, fc.oneof(fc.constant(''), nodeName)));

/** The calls, with more room in the buffer. */
export function withRoom([create, ...calls]: readonly Call[], room: number): Call[] {
  if (create?.[0] !== 'create') throw new Error('the calls do not start with create');
  return [['create', create[1] + room], ...calls];
}

/** Any edits of a tree whose buffer has `size` bytes, once it is opened to its full size. */
export function edits(size: number): fc.Arbitrary<Call[]> {
  const edit = fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 0, max: size }).map((to): Call => ['open_into', to]) },
    { weight: 4, arbitrary: fc.constant<Call>(['open_into', size]) },
    {
      weight: 6,
      arbitrary: fc.tuple(path, anyNodeName).map(([at, name]): Call => ['add_subnode', at, name]),
    },
    {
      weight: 8,
      arbitrary: fc
        .tuple(path, anyPropertyName, value)
        .map(([at, name, bytes]): Call => ['setprop', at, name, bytes]),
    },
    { weight: 3, arbitrary: fc.tuple(path, propertyName).map(([at, name]): Call => ['delprop', at, name]) },
    { weight: 2, arbitrary: fc.constantFrom(...PATHS).map((at): Call => ['del_node', at]) },
    { weight: 3, arbitrary: fc.constant<Call>(['pack']) },
  );
  return fc.array(edit, { maxLength: 25, size: 'max' }).map((calls) => [['open_into', size], ...calls]);
}
