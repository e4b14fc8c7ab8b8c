import { z } from 'zod';
import { KhoforgeError } from '../../base/errors.ts';
import { alignDown, humanSize } from '../../base/numbers.ts';
import { size, text } from '../../base/spec-values.ts';
import { content, contentsOf } from '../../emit/content.ts';
import { emitFdt, overrideHeader } from '../../emit/emit-fdt.ts';
import type { Producer } from '../../emit/producer.ts';
import { asCString, cString, u64Native } from '../../fdt/values.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import type { Blob, DecodedSubtree, DecodedValue } from '../user.ts';
import { PATH, regionPath } from './paths.ts';
import { walkMemblock } from './walk.ts';

/** Regions that a kernel keeps, and bytes of a label with its NUL (mm/memblock.c, 7.3). */
const RESERVE_MEM_MAX_ENTRIES = 8;
const RESERVE_MEM_NAME_SIZE = 16;

const region = z.strictObject({
  name: text(`label of the region, up to ${RESERVE_MEM_NAME_SIZE - 1} characters`)
    .min(1, { error: () => 'a label' })
    .max(RESERVE_MEM_NAME_SIZE - 1, { error: () => `at most ${RESERVE_MEM_NAME_SIZE - 1} characters` }),
  size: size.refine((value) => value > 0n, { error: () => 'a size above 0' }),
  align: size
    .refine((value) => value > 0n && (value & (value - 1n)) === 0n, { error: () => 'a power of two' })
    .optional()
    .meta({ description: 'alignment of its start, a power of two; default: a page' }),
  content: content.optional(),
});

type Region = z.output<typeof region>;

export const schema = z
  .array(region)
  .min(1, { error: () => 'at least one region' })
  .max(RESERVE_MEM_MAX_ENTRIES, { error: () => `at most ${RESERVE_MEM_MAX_ENTRIES} regions` })
  .refine((regions) => new Set(regions.map(({ name }) => name)).size === regions.length, {
    error: () => 'a label of its own for each region',
  })
  .meta({ description: 'what reserve_mem=size:align:name reserved, in the order of the command line' });

/** As prepare_kho_fdt() and reserved_mem_preserve() (mm/memblock.c, 7.3). */
export function emit(producer: Producer, regions: readonly Region[]): void {
  const { target } = producer;
  const starts = regions.map((one) => emitRegion(producer, one));
  const phys = producer.allocateFolio(PATH, 0);
  const blob = emitFdt(producer, PATH, target.pageSize, (fdt) => {
    fdt.property('compatible', cString(target.abi.text('MEMBLOCK_KHO_NODE_COMPATIBLE')));
    regions.forEach((one, i) => {
      fdt.node(one.name, () => {
        fdt.property('compatible', cString(target.abi.text('RESERVE_MEM_KHO_NODE_COMPATIBLE')));
        fdt.property(target.abi.text('memblock:start'), u64Native(starts[i] ?? 0n, target.endian));
        fdt.property(target.abi.text('memblock:size'), u64Native(one.size, target.endian));
      });
    });
  });
  overrideHeader(producer.overrides, PATH, blob);
  producer.memory.write(phys, blob);
  producer.addSubtree({ name: target.abi.text('MEMBLOCK_KHO_FDT'), phys, size: BigInt(blob.length) });
}

/** Reads what reserve_mem_kho_revive() reads of each region (mm/memblock.c, 7.3). */
export function decode({ target, bytes }: Blob): DecodedSubtree {
  const format = 'FDT of mm/memblock.c';
  const problems: string[] = [];
  const regions: { [key: string]: DecodedValue }[] = [];
  const { abi } = target;
  for (const step of walkMemblock(target, KernelFdt.whole(bytes))) {
    const what = step.kind === 'region' ? `region '${step.name}'` : 'the FDT';
    problems.push(...wrongCompatible(what, step.compatible, step.wanted));
    if (step.kind !== 'region') continue;
    const { name, start = null, size = null } = step;
    for (const [property, value] of [
      [abi.text('memblock:start'), start],
      [abi.text('memblock:size'), size],
    ]) {
      if (value === null) problems.push(`${what}: ${property} is missing or not 8 bytes`);
    }
    regions.push({ name, start, size });
  }
  return { format, fields: { regions }, problems };
}

/** Whole pages are preserved: a part of a page at the end is not (reserved_mem_preserve(), mm/memblock.c, 7.3). */
function emitRegion(producer: Producer, { name, size: bytes, align, content: from }: Region): bigint {
  const path = regionPath(name);
  const { pageSize } = producer;
  const start = producer.allocate(path, bytes, align && align > pageSize ? align : pageSize);
  const whole = alignDown(bytes, pageSize);
  if (whole > 0n) producer.preservePages(path, start, whole);
  if (!from) return start;
  const data = contentsOf(from, producer.baseDir);
  if (BigInt(data.size) > bytes) {
    throw new KhoforgeError('CONTENT_TOO_LARGE', `${path}: ${data.size} bytes for ${humanSize(bytes)}`, {
      where: { path },
      hint: 'make the region larger or the content shorter',
    });
  }
  producer.memory.fill(start, data.size, data);
  return start;
}

function wrongCompatible(what: string, value: Uint8Array | null, expected: string): string[] {
  const found = value ? asCString(value) : undefined;
  if (found === expected) return [];
  return [`${what} is ${found === undefined ? 'without compatible' : `'${found}'`}, expected '${expected}'`];
}
