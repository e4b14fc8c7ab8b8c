import { z } from 'zod';
import { ARCHES } from '../abi/arch.ts';
import { factsShape } from '../abi/profile.ts';
import { makeTarget, type Target } from '../abi/target.ts';
import type { TreeAbi } from '../abi/tree-abi.ts';
import { treeTarget } from '../abi/tree-target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { isDeeperThan, jsonValue } from '../base/json.ts';
import { hex } from '../base/numbers.ts';
import { schemaText } from '../base/schema-text.ts';
import { overlapping } from '../memory/intervals.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { BootRecord, Image } from '../model/image.ts';
import {
  extentList,
  type FileExtent,
  isCrowded,
  placementList,
  regionList,
  scratchList,
} from './manifest-lists.ts';

/** Addresses and 64-bit sizes are `0x…` strings in JSON. */
const address = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/)
  .transform((text) => BigInt(text));
const u32 = z.number().int().min(0).max(0xffffffff);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const MANIFEST_VERSION = 1;

const facts = z.object({ name: z.string(), ...factsShape });

/** Of a target that is no release's: how its ABI differs from that of `base`. */
const tree = z.object({ base: z.string(), items: z.array(facts), gone: z.array(z.string()) });

/** `manifest.json` of an image directory. */
export const manifestSchema = z.object({
  schema: z.object({ name: z.literal('khoforge-image'), version: z.literal(MANIFEST_VERSION) }),
  /** Names of the other files of the image; what else is in the directory is somebody else's. */
  files: z.array(z.string()).exactOptional(),
  target: z.object({
    generation: z.string(),
    arch: z.enum(ARCHES),
    pageSize: count,
    endian: z.enum(['little', 'big']),
    tree: tree.optional(),
  }),
  ram: regionList,
  /** The RAM is only what a dump reaches over. */
  ramGuessed: z.literal(true).exactOptional(),
  /** What the dump that this is of left out, and what of it was cut off. */
  absent: regionList.exactOptional(),
  cutShort: z.literal(true).exactOptional(),
  nodes: z.array(address).exactOptional(),
  bootRecord: z.object({
    kind: z.enum(['setup_data', 'chosen', 'none']).exactOptional(),
    fdtAddr: address,
    fdtSize: address,
    scratchAddr: address,
    scratchSize: address,
    setupDataType: u32.exactOptional(),
    setupDataLen: u32.exactOptional(),
  }),
  scratch: scratchList,
  /** Runs of bytes in memory.bin. */
  extents: extentList,
  /** Runs of pages that are zero; what neither they nor the extents cover is not known, and reads as zero too. */
  zeroes: regionList.prefault([]),
  /** Of the kernel that a capture came from. */
  vmcoreinfo: z.string().exactOptional(),
  placements: placementList,
  expect: z.object({
    verdict: z.enum(['revived', 'rejected', 'ignored', 'broken']),
    lines: z.array(z.string()),
    absent: z.array(z.string()),
  }),
});

export type Manifest = z.output<typeof manifestSchema>;

/** The same image gives the same text. */
export function manifestText(
  image: Image,
  extents: readonly FileExtent[],
  zeroes: readonly Region[] = [],
  files: readonly string[] = [],
): string {
  const { target, bootRecord, scratch, ram, nodes, placements, expect, vmcoreinfo } = image;
  const { ramGuessed, absent, cutShort } = image;
  const manifest = {
    schema: { name: 'khoforge-image', version: MANIFEST_VERSION },
    files,
    target: {
      generation: target.generation.name,
      arch: target.arch,
      pageSize: target.pageSize,
      endian: target.endian,
      ...(target.tree && { tree: treeJson(target.tree) }),
    },
    ram,
    ...(ramGuessed && { ramGuessed }),
    ...(absent && { absent }),
    ...(cutShort && { cutShort }),
    ...(nodes && { nodes }),
    bootRecord,
    scratch: scratch.map(({ start, size }) => ({ addr: start, size })),
    extents,
    ...(zeroes.length > 0 && { zeroes }),
    ...(vmcoreinfo !== undefined && { vmcoreinfo }),
    placements,
    expect,
  };
  const text = `${JSON.stringify(manifest, jsonValue, 2)}\n`;
  if (Buffer.byteLength(text) <= MAX_MANIFEST_SIZE) return text;
  // What was read may have been as dense as JSON can be.
  const dense = `${JSON.stringify(manifest, jsonValue)}\n`;
  const bytes = Buffer.byteLength(dense);
  if (bytes <= MAX_MANIFEST_SIZE) return dense;
  const counts = `${placements.length} structures, ${extents.length} runs of bytes and ${zeroes.length} of zeroes`;
  const message = `${counts}: their manifest has ${bytes} bytes, and no more than ${MAX_MANIFEST_SIZE} are read`;
  throw new KhoforgeError('MANIFEST_TOO_LARGE', message, {
    hint: 'write it as an ELF core: --format core',
  });
}

/** Bytes of a manifest.json: some 200,000 runs of memory, or 400,000 structures. */
export const MAX_MANIFEST_SIZE = 32 << 20;

/** Levels of a manifest: each takes many times its bytes once it is read. */
const MAX_DEPTH = 16;

/** The lists of a manifest that may be long. */
const LONG_LISTS = ['ram', 'absent', 'scratch', 'extents', 'zeroes', 'placements'];

/** @throws KhoforgeError `MANIFEST_INVALID` */
export function parseManifest(text: string, file: string): Manifest {
  let data: unknown;
  try {
    if (isDeeperThan(text, MAX_DEPTH)) throw new SyntaxError('nested too deeply');
    data = JSON.parse(text);
  } catch (cause) {
    throw new KhoforgeError('MANIFEST_INVALID', `${file} is not JSON`, { where: { file }, cause });
  }
  if (isCrowded(data, LONG_LISTS)) {
    throw new KhoforgeError('MANIFEST_INVALID', `${file} has more than any manifest`, { where: { file } });
  }
  const result = manifestSchema.safeParse(data);
  if (result.success) {
    checkApart('ram', result.data.ram, file);
    checkApart('absent', result.data.absent ?? [], file);
    return result.data;
  }
  const [issue] = result.error.issues;
  const path = issue?.path.join('.') || 'the document';
  const why = schemaText(issue?.message ?? 'not a manifest');
  throw new KhoforgeError('MANIFEST_INVALID', `${file}: ${path}: ${why}`, { where: { file } });
}

/** Bytes that are twice in a list would count twice. */
function checkApart(list: string, regions: readonly Region[], file: string): void {
  const text = (region: Region) => `${hex(region.start)}-${hex(regionEnd(region))}`;
  const wrong = (why: string) =>
    new KhoforgeError('MANIFEST_INVALID', `${file}: ${list}: ${why}`, {
      where: { file },
      hint: 'build the image again',
    });
  const beyond = regions.find((region) => regionEnd(region) > 1n << 64n);
  if (beyond) throw wrong(`${text(beyond)} ends above 2^64`);
  const [lower, higher] = overlapping(regions) ?? [];
  if (lower && higher) throw wrong(`${text(lower)} and ${text(higher)} overlap`);
}

/**
 * The boot record. A manifest without its kind has type and length of setup_data whatever the architecture, and type 0
 * where nothing was handed over.
 * @throws KhoforgeError `MANIFEST_INVALID`
 */
export function manifestRecord({ target, bootRecord }: Manifest, file: string): BootRecord {
  const own = ARCHITECTURES[target.arch].recordKind;
  const { kind = bootRecord.setupDataType === 0 ? 'none' : own, ...rest } = bootRecord;
  const { setupDataType, setupDataLen, ...addresses } = rest;
  if (kind !== 'none' && kind !== own) throw badRecord(file, `kind: ${kind}, ${target.arch} has ${own}`);
  if (kind !== 'setup_data') return { kind, ...addresses };
  if (setupDataType === undefined || setupDataLen === undefined) {
    throw badRecord(file, 'setupDataType and setupDataLen are missing');
  }
  return { kind, ...addresses, setupDataType, setupDataLen };
}

const badRecord = (file: string, why: string) =>
  new KhoforgeError('MANIFEST_INVALID', `${file}: bootRecord.${why}`, { where: { file } });

/** Architecture and page size stand beside it. */
function treeJson({ base, items, gone }: TreeAbi) {
  return { base, items, gone };
}

/** @throws KhoforgeError of makeTarget() and treeTarget() */
export function manifestTarget({ target: { tree: abi, ...target } }: Manifest): Target {
  const { generation: _, ...others } = target;
  const plain = makeTarget(abi === undefined ? target : { ...others, release: abi.base });
  if (abi === undefined) return plain;
  const { arch, pageSize, endian } = plain;
  return treeTarget({ ...abi, arch, pageSize }, { endian });
}
