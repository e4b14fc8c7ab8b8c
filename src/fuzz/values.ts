import { alignDown } from '../base/numbers.ts';
import { encodeText } from '../base/text.ts';
import type { Offer, OverrideValue } from '../emit/overrides.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Draw } from './draw.ts';

/** What a handover has that a wrong value may name. */
export interface Surroundings {
  readonly pageSize: bigint;
  readonly ram: readonly Region[];
  readonly scratch: readonly Region[];
  /** Where its structures are. */
  readonly structures: readonly Region[];
  /** Texts of it: compatible strings, names. */
  readonly texts: readonly string[];
}

/** Addresses that mean something to a machine, a kernel or its arithmetic. */
const WELL_KNOWN: readonly bigint[] = [
  ...[0n, 0x1000n, 0x9_f000n, 0xa_0000n, 0x10_0000n, 0x100_0000n, 0xfee0_0000n, 1n << 31n, 1n << 32n],
  ...[(1n << 32n) - 0x1000n, 1n << 40n, 1n << 46n, (1n << 52n) - 0x1000n, 1n << 52n, 1n << 63n],
  ...[0xffff_ffff_ffff_f000n, 0xffff_ffff_ffff_ffffn],
];

/** Of the root FDT, as far as they are known, and one that is not there yet. */
const VERSIONS = [1, 3, 4, 5].map((version) => `kho-v${version}`);

export function drawAddress(draw: Draw, around: Surroundings): bigint {
  const { pageSize, ram, structures } = around;
  const scratch = around.scratch.filter(({ size }) => size > 0n);
  const inside = (region: Region) => drawPage(draw, region, pageSize);
  const edge = (region: Region) =>
    draw.pick([region.start, regionEnd(region), regionEnd(region) - pageSize, region.start - pageSize]);
  const base = draw.pick([
    () => draw.pick(structures).start,
    () => draw.pick(structures).start,
    () => edge(draw.pick(structures)),
    ...(scratch.length === 0 ? [] : [() => inside(draw.pick(scratch)), () => edge(draw.pick(scratch))]),
    () => inside(draw.pick(ram)),
    () => edge(draw.pick(ram)),
    () => draw.pick(WELL_KNOWN),
  ])();
  const offset = draw.once(4) ? draw.pick([1n, 4n, 8n, 0x10n, 0x800n, pageSize - 1n]) : 0n;
  return BigInt.asUintN(64, base + offset);
}

/** Where a page of a region begins. One without bytes has one place all the same. */
export function drawPage(draw: Draw, { start, size }: Region, pageSize: bigint): bigint {
  return start + alignDown(draw.u64() % (size || 1n), pageSize);
}

/** Another number than that which is there. */
export function drawNumber(draw: Draw, offer: Offer & { kind: 'number' }, around: Surroundings): bigint {
  const { value, bits } = offer;
  const bit = () => 1n << BigInt(draw.below(bits));
  const page = BigInt(around.pageSize.toString(2).length - 1);
  const drawn = draw.pick([
    () => draw.pick([0n, 1n, 2n, 3n, -1n, -2n]),
    () => bit() + draw.pick([-1n, 0n, 1n]),
    () => value + draw.pick([-1n, 1n, -2n, 2n, 8n, around.pageSize, -around.pageSize]),
    () => draw.pick([value << 1n, value >> 1n, -value]),
    () => value ^ bit(),
    () => BigInt.asUintN(1 + draw.below(bits), draw.u64()),
    // A short field is no address.
    ...(bits < 40 ? [] : [() => drawAddress(draw, around), () => drawAddress(draw, around)]),
    ...(bits < 40 ? [] : [() => drawAddress(draw, around) >> page]),
  ])();
  const fitting = BigInt.asUintN(bits, drawn);
  return fitting === value ? BigInt.asUintN(bits, value + 1n) : fitting;
}

const LENGTHS = [0, 1, 7, 8, 15, 16, 31, 32, 47, 48, 63, 64, 255];

/** Another text. @param bytes that there is room for */
export function drawText(draw: Draw, value: string, bytes: number, { texts }: Surroundings): string {
  const drawn = draw.pick([
    () => '',
    () => value.slice(0, -1),
    () => `${value}x`,
    () => value.toUpperCase(),
    () => 'n'.repeat(draw.pick(LENGTHS)),
    () => draw.pick([...texts, value]),
    () => draw.pick(['/', 'a/b', 'a b', 'é', '\u{1f980}', '%s%n', ...VERSIONS]),
  ])();
  return (encodeText(drawn)?.length ?? 0) <= bytes ? drawn : drawn.slice(0, Math.floor(bytes / 4));
}

/** What may stand in place of a property of a device tree. */
function drawProperty(draw: Draw, value: Uint8Array, around: Surroundings): OverrideValue {
  const { length } = value;
  const isText = length > 1 && value.indexOf(0) === length - 1;
  const text = isText ? Buffer.from(value.subarray(0, -1)).toString('latin1') : '';
  const number = [4, 8].includes(length) && !isText;
  const little = BigInt(`0x${Buffer.from(value).reverse().toString('hex') || '0'}`);
  return draw.pick<() => OverrideValue>([
    () => null,
    () => ({ bytes: value.subarray(0, draw.below(length + 1)) }),
    () => ({ bytes: Buffer.concat([value, draw.bytes(1 + draw.below(9))]) }),
    () => ({ bytes: draw.bytes(length) }),
    ...(number ? [0, 1, 2, 3] : []).map(
      () => () => drawNumber(draw, { kind: 'number', value: little, bits: length * 8 }, around),
    ),
    ...(isText ? [0, 1, 2, 3] : []).map(() => () => drawText(draw, text, 255, around)),
  ])();
}

/** What an override may put at a path. */
export function drawValue(draw: Draw, offer: Offer, around: Surroundings): OverrideValue {
  if (offer.kind === 'node') return null;
  if (offer.kind === 'number') return drawNumber(draw, offer, around);
  if (offer.kind === 'text') return drawText(draw, offer.value, offer.bytes, around);
  return drawProperty(draw, offer.value, around);
}
