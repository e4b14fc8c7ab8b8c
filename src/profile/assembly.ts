/** Bytes per element of the directives that gcc and clang emit for data, x86_64 and arm64. */
const WIDTHS: Readonly<Record<string, number>> = {
  '.byte': 1,
  '.1byte': 1,
  '.value': 2,
  '.short': 2,
  '.hword': 2,
  '.2byte': 2,
  '.long': 4,
  '.int': 4,
  '.word': 4,
  '.4byte': 4,
  '.quad': 8,
  '.xword': 8,
  '.8byte': 8,
};

/**
 * The bytes of each object in an assembly file, by its label, little-endian. Undefined for an object that is not
 * plain data (an address, for one).
 */
export function readObjects(assembly: string): Map<string, Uint8Array | undefined> {
  const objects = new Map<string, number[] | undefined>();
  // What pads an object up to the next one looks like its own data: `.size` tells where it ends.
  const sizes = new Map<string, number>();
  let label = '';
  for (const line of assembly.split('\n')) {
    const size = /^\s+\.size\s+(\w+),\s*(\d+)/.exec(line);
    if (size?.[1] !== undefined) sizes.set(size[1], Number(size[2]));
    const name = /^([A-Za-z_]\w*):/.exec(line)?.[1];
    if (name !== undefined) {
      label = name;
      objects.set(label, []);
    }
    const directive = /^\s+(\.\w+)\s*(.*)$/.exec(line);
    if (label === '' || !directive?.[1]) continue;
    const bytes = dataOf(directive[1], directive[2] ?? '');
    if (bytes === undefined) continue;
    const known = objects.get(label);
    objects.set(label, bytes === 'other' || known === undefined ? undefined : [...known, ...bytes]);
  }
  return new Map(
    [...objects].map(([key, bytes]) => [key, bytes && Uint8Array.from(bytes.slice(0, sizes.get(key)))]),
  );
}

/** Undefined for a directive that is no data. */
function dataOf(directive: string, operand: string): number[] | 'other' | undefined {
  if (directive === '.ascii') return text(operand);
  if (directive === '.asciz' || directive === '.string') return [...text(operand), 0];
  if (/^\.(zero|skip|space)$/.test(directive)) return zeros(operand);
  const width = WIDTHS[directive];
  return width === undefined ? undefined : numbers(operand, width);
}

function zeros(operand: string): number[] | 'other' {
  const count = Number(/^(\d+)\b/.exec(operand)?.[1]);
  // No structure of the ABI is larger than a page of 64 KiB.
  return count <= 1 << 20 ? Array<number>(count).fill(0) : 'other';
}

function numbers(operand: string, width: number): number[] | 'other' {
  const values = operand.replace(/(#|\/\/).*$/, '').split(',');
  const bytes = values.map((value) => number(value.trim(), width));
  return bytes.includes(undefined) ? 'other' : bytes.flatMap((one) => one ?? []);
}

function number(value: string, width: number): number[] | undefined {
  if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(value)) return undefined;
  const magnitude = BigInt(value.replace(/^-/, ''));
  const bits = BigInt.asUintN(width * 8, value.startsWith('-') ? -magnitude : magnitude);
  return Array.from({ length: width }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
}

const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, '"': 34, '\\': 92 };

function text(operand: string): number[] {
  const quoted = /^"((?:\\.|[^"\\])*)"/.exec(operand)?.[1] ?? '';
  const parts = quoted.matchAll(/\\([0-7]{1,3})|\\(.)|([^\\])/g);
  return [...parts].map(([, octal, escaped, plain]) => {
    if (octal !== undefined) return Number.parseInt(octal, 8);
    if (escaped !== undefined) return ESCAPES[escaped] ?? escaped.charCodeAt(0);
    return (plain ?? '').charCodeAt(0);
  });
}
