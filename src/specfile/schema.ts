import { z } from 'zod';
import { ARCHES } from '../abi/arch.ts';
import { integer, size, text } from '../base/spec-values.ts';
import { CHECKS, type Check } from '../emit/checks.ts';
import { bytes, content } from '../emit/content.ts';
import { USERS } from '../users/registry.ts';
import { optionalShape } from '../users/shape.ts';
import { caseSchema } from './case-schema.ts';
import { pfnList } from './pfn-list.ts';

const target = z
  .strictObject({
    release: text("release of the producing kernel, e.g. '7.3'").optional(),
    generation: text('version of the KHO ABI, e.g. kho-v4; instead of release').optional(),
    arch: z.enum(ARCHES, { error: () => ARCHES.join(' or ') }).optional(),
    page_size: size.optional(),
  })
  .meta({ description: 'what the image is made for; default: kho-v4, x86_64, 4 KiB pages' });

const ram = z
  .union([size, z.array(z.strictObject({ start: size, size })).min(1)], {
    error: () => 'a size such as 512MiB, or a list of { start, size }',
  })
  .meta({ description: "the machine's memory: a size, or the list of usable ranges" });

const scratchRegion = z.strictObject({
  size,
  addr: size.optional().meta({ description: 'physical address; default: the highest that fits' }),
});

const reserved = z
  .strictObject({
    start: size,
    size,
    kernel: z
      .boolean({ error: () => 'true or false' })
      .default(true)
      .meta({ description: "for the kernel's own use, and counted by a scratch of N%; default true" }),
    node: integer(0, 1023, 'the node it was asked from, when it was asked from one').optional(),
  })
  .meta({ description: 'memory that the producing kernel had taken before it laid out scratch' });

/** A path has to name one thing: `preserve/NAME`, and `preserve/NAME[i]` for one of its folios. */
const isPathPart = (name: string) => name !== '' && !name.includes('/') && !/\[\d+\]$/.test(name);

const preserve = z
  .strictObject({
    name: text('name of the memory, for its path: preserve/NAME').refine(isPathPart, {
      error: () => 'a name of its own, without a slash and without [N] at its end',
    }),
    order: integer(0, 63, 'order of the folios').optional(),
    count: integer(1, 1 << 30, 'how many folios; default 1').optional(),
    size: size
      .refine((value) => value > 0n, { error: () => 'a size above 0' })
      .optional()
      .meta({ description: 'bytes of a page range, instead of folios' }),
    addr: size.optional().meta({ description: 'physical address; default: the lowest that fits' }),
    pfns: pfnList.optional(),
    content: content.optional(),
  })
  .refine((entry) => (entry.order === undefined) !== (entry.size === undefined), {
    error: () => 'either order (and count) for folios, or size for a range of pages',
  })
  .refine(({ pfns, order, ...rest }) => pfns === undefined || (order !== undefined && isAlone(rest)), {
    error: () => 'pfns with name and order alone',
  });

const isAlone = ({ name: _, ...rest }: { readonly name: string }) =>
  Object.values(rest).every((value) => value === undefined);

/** A spec names one subtree per list entry: `- kho_test: { seed: 1 }`. */
const subtree = z
  .strictObject(optionalShape(USERS))
  .refine((entry) => Object.keys(entry).length === 1, { error: () => 'exactly one subtree per list entry' })
  .meta({ minProperties: 1, maxProperties: 1 });

export type SubtreeEntry = z.input<typeof subtree>;

export function isSubtreeEntry(value: unknown): value is SubtreeEntry {
  return subtree.safeParse(value).success;
}

const overrideValue = z
  .union([z.null(), text('text'), z.number().int(), z.bigint(), z.strictObject({ bytes })], {
    error: () => 'a whole number, text, null (leave it out) or { bytes: hex }',
  })
  .meta({ description: 'a number, text, null (leave it out) or { bytes: hex }' });

const paths = (description: string) => z.record(z.string(), size).meta({ description });

const expect = z
  .strictObject({
    verdict: z
      .enum(['revived', 'rejected', 'ignored', 'broken'], {
        error: () => 'revived, rejected, ignored or broken',
      })
      .optional(),
    lines: z.array(text('text that some console line must contain')).optional(),
    absent: z.array(text('text that no console line may contain')).optional(),
  })
  .meta({ description: 'what the booted kernel has to say' });

const checkNames = Object.keys(CHECKS) as [Check, ...Check[]];

/** A handover in the kernel's words: what the YAML file holds, and what `buildImage()` takes. */
export const specSchema = z
  .strictObject({
    target: target.optional(),
    ram: ram.optional(),
    nodes: z.array(size).min(1).max(64).optional().meta({
      description: 'memory of each NUMA node, in the order of addresses: all of the machine together',
    }),
    scratch: z
      .union([z.array(scratchRegion).min(1), z.string()], {
        error: () => "a list of { size, addr }, or a value of kho_scratch= such as '64M,32M,16M' or '200%'",
      })
      .optional()
      .meta({
        description:
          'scratch regions in the order of the array: lowmem, global, then one per node; or the value of the kernel parameter kho_scratch=',
      }),
    reserved: z.array(reserved).optional().meta({
      description:
        'memory that is taken when scratch is laid out; default for a scratch of N%: the struct pages of each node',
    }),
    finalized: z
      .boolean({ error: () => 'true or false' })
      .optional()
      .meta({
        description:
          'false: KHO is on but was not finalized. To 6.18 nothing at all is handed over, later the memory map is 0',
      }),
    subtrees: z
      .array(subtree)
      .optional()
      .meta({ description: 'KHO users, in the order in which the producing kernel adds them' }),
    preserve: z
      .array(preserve)
      .refine((entries) => new Set(entries.map(({ name }) => name)).size === entries.length, {
        error: () => 'a name of its own for each',
      })
      .optional()
      .meta({ description: 'more preserved memory' }),
    place: paths('physical address of a structure, by its path').optional(),
    override: z
      .record(z.string(), overrideValue)
      .optional()
      .meta({ description: 'value of an emitted field, by its path' }),
    omit: z
      .array(
        z.union([size, z.string()], { error: () => 'the path of a structure, or the address of a page' }),
      )
      .optional()
      .meta({ description: 'structures, by path, or pages, by address, whose bytes are left out' }),
    unpreserve: z
      .array(z.string())
      .optional()
      .meta({ description: 'memory, by path, that is left out of the preserved memory map' }),
    patch: z
      .array(z.strictObject({ addr: size, bytes }))
      .optional()
      .meta({ description: 'bytes written over the finished image' }),
    allow: z
      .array(z.enum(checkNames, { error: () => 'the name of a check' }))
      .optional()
      .meta({ description: 'checks that this image breaks on purpose' }),
    expect: expect.optional(),
    case: caseSchema.optional(),
  })
  .meta({
    title: 'khoforge spec',
    description: 'A Linux Kexec HandOver, as a producing kernel would leave it in memory',
  });

/** A spec as people write it. */
export type Spec = z.input<typeof specSchema>;
/** A checked spec: sizes and addresses are bigint. */
export type ParsedSpec = z.output<typeof specSchema>;
