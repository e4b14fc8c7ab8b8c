import { Document, isScalar, visit } from 'yaml';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { jsonValue } from '../base/json.ts';
import { type Check, isCheck } from '../emit/checks.ts';
import { PreservedBlocks } from '../memory/preserved-blocks.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Image } from '../model/image.ts';
import type { BuiltImage } from '../produce/assembly.ts';
import { buildImage } from '../produce/build-image.ts';
import type { Inspection } from '../receive/decode.ts';
import type { Spec } from '../specfile/schema.ts';
import { leftOver } from './left-over.ts';
import { specEntry } from './subtrees.ts';

/** Blocks of preserved memory that a spec is made for, 9 bytes each. */
const MAX_BLOCKS = 1 << 26;

/**
 * The spec of an image that was read: `build` makes a byte-identical root FDT of it and preserves the same memory.
 * Contents are left out: what a subtree of khoforge's own kinds refers to is generated, any other blob is kept as bytes.
 */
export function specOf(image: Image, inspection: Inspection): Spec {
  return respecify(image, inspection).spec;
}

/** The same, with the image that was built of it; undefined where it cannot be built. */
export function respecify(image: Image, inspection: Inspection): Respecified {
  const { target, bootRecord } = image;
  const { memoryMap } = inspection;
  const blocks = preservedBlocks(image, memoryMap);
  const parts = inOrderOfAddition(inspection).map((subtree) => specEntry(image, subtree, blocks));
  const place: Record<string, bigint> = { 'root-fdt': bootRecord.fdtAddr };
  if (memoryMap) place['memory-map/root'] = memoryMap;
  const unpreserve = parts.flatMap((part) => part.unpreserve ?? []);
  if (!blocks.claim([[bootRecord.fdtAddr, 0]])) unpreserve.push('root-fdt');
  const spec: Spec = {
    target: { generation: target.generation.name, arch: target.arch, page_size: target.pageSize },
    ...(image.ram.length > 0 && { ram: [...image.ram] }),
    ...(image.nodes && { nodes: [...image.nodes] }),
    ...(inspection.scratch.length > 0 && {
      scratch: inspection.scratch.map(({ start, size }) => ({ size, addr: start })),
    }),
    ...(inspection.finalized ? {} : { finalized: false }),
    subtrees: parts.map(({ entry }) => entry),
    preserve: leftOver(blocks, target.pageShift, 'memory'),
    place: Object.assign(place, ...parts.map((part) => part.place)),
    ...(inspection.finalized && unpreserve.length > 0 && { unpreserve }),
  };
  return withAllows(spec, target);
}

interface Respecified {
  readonly spec: Spec;
  readonly built: BuiltImage | undefined;
}

/** The spec, with the checks that this handover breaks allowed by name. */
function withAllows(spec: Spec, target: Target): Respecified {
  const allow = new Set<Check>();
  // Some checks end a build at once, so that it takes another one to come to the others.
  for (;;) {
    const allowed = allow.size > 0 ? { ...spec, allow: [...allow] } : spec;
    const result = tryBuild(allowed, target);
    const broken = 'broken' in result ? result.broken.filter((check) => !allow.has(check)) : [];
    if (broken.length === 0) return { spec: allowed, built: 'broken' in result ? undefined : result };
    for (const check of broken) allow.add(check);
  }
}

/** The image, or the checks that a build of the spec breaks: none where it fails for another reason. */
function tryBuild(spec: Spec, target: Target): BuiltImage | { readonly broken: readonly Check[] } {
  try {
    return buildImage(spec, { target });
  } catch (error) {
    return { broken: error instanceof KhoforgeError ? error.checks.filter(isCheck) : [] };
  }
}

/**
 * What `build` would make otherwise of the spec than the image has it: none when the round trip holds.
 * @param built of the spec, where that was done already
 * @throws KhoforgeError when the spec cannot be built
 */
export function specDifferences(
  spec: Spec,
  image: Image,
  inspection: Inspection,
  built: Image = buildImage(spec, { target: image.target }),
): string[] {
  const differences: string[] = [];
  if (image.ram.length === 0) differences.push('RAM is not known: it is what a machine has by default');
  if (inspection.scratch.length === 0)
    differences.push('no scratch was found: it is what a kernel makes by default');
  const size = inspection.fdt?.size ?? 0;
  const theirs = image.memory.read(image.bootRecord.fdtAddr, size);
  const ours = built.memory.read(built.bootRecord.fdtAddr, size);
  const at = theirs.findIndex((byte, i) => byte !== ours[i]);
  if (at >= 0) differences.push(`the root FDT differs from byte ${at} on`);
  const map = inspection.memoryMap ? preservedBlocks(image, inspection.memoryMap) : undefined;
  const rebuilt = map && preservedBlocks(built, inspection.memoryMap);
  if (map && rebuilt && !(sameWords(map.phys, rebuilt.phys) && sameWords(map.orders, rebuilt.orders))) {
    differences.push(`the preserved set differs: ${map.phys.length} blocks, rebuilt ${rebuilt.phys.length}`);
  }
  return differences;
}

function sameWords<T>(a: ArrayLike<T>, b: ArrayLike<T>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function preservedBlocks(image: Image, memoryMap: bigint | null): PreservedBlocks {
  if (!memoryMap) return new PreservedBlocks(new BigUint64Array(), new Uint8Array());
  const { folios } = walkMemoryMap(image.target, image.memory, memoryMap, { maxFolios: MAX_BLOCKS });
  return new PreservedBlocks(folios.phys, folios.orders);
}

/** fdt_add_subnode() puts the newest node first (1.3.8 of docs/kho-facts.md); a sequential writer, last. */
function inOrderOfAddition({ target, subtrees }: Inspection) {
  return target.generation.rootFdt === 'edited' ? [...subtrees].reverse() : [...subtrees];
}

/** A list of page frame numbers, in lines. */
const PFNS = /^[-0-9a-fx \n]*\n$/;

/** The spec as YAML: addresses in hex, and a line at the top that says where it comes from. */
export function specYaml(spec: Spec, source: string): string {
  const document = new Document(JSON.parse(JSON.stringify(spec, jsonValue)));
  document.commentBefore = ` The handover in ${source}, as a spec.`;
  // Quoted, so that any other YAML reader takes a hex address for text as well, and controls are written out.
  visit(document, {
    Scalar(_key, node) {
      if (
        isScalar(node) &&
        typeof node.value === 'string' &&
        /^0x|\p{Cc}|\p{Cs}|\p{Bidi_C}|[\u2028\u2029]/u.test(node.value)
      )
        node.type = PFNS.test(node.value) ? 'BLOCK_LITERAL' : 'QUOTE_DOUBLE';
    },
  });
  // A line break in a text is written out, wherever the text would have been wrapped.
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER });
}
