import { z } from 'zod';
import { RELEASES } from '../../abi/declared.ts';
import { inexpressible } from '../../abi/inexpressible.ts';
import { makeTarget, type Target } from '../../abi/target.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { hex } from '../../base/numbers.ts';
import { integer, size, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { HandlerImage } from '../handler.ts';
import type { Facts } from '../state.ts';
import { fillHoles, layOutContent, memfdContent } from './content.ts';
import { emitFolios, readFolios } from './folios.ts';
import type { ListedRun, MemfdBudget } from './hash.ts';
import { SEALS } from './seals.ts';

type SealName = keyof typeof SEALS;
const SEAL_NAMES = Object.keys(SEALS) as [SealName, ...SealName[]];

export const schema = z
  .strictObject({
    size: size.optional().meta({ description: 'bytes of the file; default: up to the end of its content' }),
    position: u64('file position; default 0').optional(),
    seals: z
      .array(z.enum(SEAL_NAMES, { error: () => `one of ${SEAL_NAMES.join(', ')}` }))
      .optional()
      .meta({ description: 'default: seal, as memfd_create() leaves it; handed over from 7.1 on' }),
    order: integer(0, 63, 'order of its folios; default 0').optional(),
    content: memfdContent.optional(),
    fill_holes: z
      .boolean({ error: () => 'true or false' })
      .optional()
      .meta({
        description: 'true: folios of zeroes in its holes, as kernels to 7.3 make; default: holes stay holes',
      }),
  })
  .meta({ description: 'a memfd: what is not content is a hole, and reads as zeroes' });

type Memfd = z.output<typeof schema>;

/**
 * As memfd_luo_preserve() (mm/memfd_luo.c, 7.3). Structures: `<path>`, its folios `<path>/folios[n]`, in a row unless
 * they are placed apart, and the list of them, `<path>/folios/pages[i]` and `<path>/folios/chunks[i]`.
 * @returns physical address of struct memfd_luo_ser
 * @throws KhoforgeError `MEMFD_LAYOUT`, `FILE_UNREADABLE`
 */
export function emit(producer: Producer, path: string, spec: Memfd): bigint {
  const { pageSize, baseDir } = producer;
  const pieces =
    spec.content === undefined ? [] : Array.isArray(spec.content) ? spec.content : [spec.content];
  const { runs, end } = layOutContent(pieces, path, { pageSize, order: spec.order ?? 0, baseDir });
  const bytes = spec.size ?? end;
  if (bytes < end) {
    throw new KhoforgeError(
      'MEMFD_LAYOUT',
      `${path}: the content ends at ${hex(end)}, the size is ${hex(bytes)}`,
      {
        where: { path },
        hint: 'make the file larger or the content shorter',
      },
    );
  }
  const folios = emitFolios(producer, path, spec.fill_holes ? fillHoles(runs, bytes, pageSize) : runs);
  const phys = producer.allocateFolioFor(path, producer.sizeOf('memfd_luo_ser'));
  const seals = (spec.seals ?? ['seal']).reduce((all, name) => all | SEALS[name], 0);
  const keepsSeals = ({ abi: own }: Target) =>
    own.has('memfd_luo_ser') && own.struct('memfd_luo_ser').has('seals');
  if (spec.seals !== undefined && !keepsSeals(producer.target)) {
    const { name } = producer.target.generation;
    const first = RELEASES.find((release) => keepsSeals(makeTarget({ release })));
    throw new KhoforgeError('SEALS_UNKNOWN', `kernels of ${name} hand over no seals of a memfd`, {
      where: { path },
      hint: `leave seals out, or name ${first} or a later release`,
    });
  }
  const foreign = keepsSeals(producer.target) ? unknownSeals(producer.target, seals) : 0;
  if (foreign !== 0) throw inexpressible(`MEMFD_LUO_ALL_SEALS has no ${sealNames(producer.target, seals)}`);
  const values = { pos: spec.position ?? 0n, size: bytes, ...folios, seals, flags: 0 };
  producer.writeStruct(path, 'memfd_luo_ser', phys, values);
  return phys;
}

/** A memfd as it is handed over. */
export type DecodedMemfd = {
  readonly size: bigint;
  readonly position: bigint;
  /** Null where the format has none: `memfd-v1`. */
  readonly seals: readonly string[] | null;
  readonly flags: number;
  readonly nr_folios: bigint;
  /** The folios, those in a row together. */
  readonly folios: readonly ListedRun[];
  /** Addresses of the list's blocks of pages, and of the chunks that lead to them. */
  readonly list: {
    readonly pages: readonly bigint[];
    readonly chunks: readonly bigint[];
    readonly order: number;
    readonly flags: number;
  };
  /** SHA-256 of the bytes of the file, holes included; null where they are not in the image, or not hashed. */
  readonly sha256: string | null;
};

/**
 * Reads what memfd_luo_retrieve() reads (mm/memfd_luo.c, 7.3), and the file's contents where they are there.
 * @param problems what is wrong is added here
 */
export function decodeMemfd(
  blob: HandlerImage,
  phys: bigint,
  budget: MemfdBudget,
  problems: string[],
): DecodedMemfd | null {
  const { target, memory } = blob;
  const codec = target.abi.struct('memfd_luo_ser');
  const bytes = codec.size;
  if (budget.isKnown(phys)) {
    problems.push(`the memfd at ${hex(phys)} is that of a file before`);
    return null;
  }
  if (!memory.covers(phys, bytes)) {
    problems.push(`${hex(phys)} is not in the image`);
    return null;
  }
  const ser = codec.decode(memory.read(phys, bytes));
  const { runs, pages, chunks } = readFolios(blob, ser, budget, problems);
  const seals = codec.has('seals') ? ser.seals : null;
  const unknown = unknownSeals(target, ser.seals);
  if (unknown !== 0) problems.push(`seals ${hex(unknown)} are not known`);
  return {
    size: ser.size,
    position: ser.pos,
    seals: seals === null ? null : sealNames(target, seals),
    flags: ser.flags,
    nr_folios: ser.nr_folios,
    folios: runs,
    list: { pages, chunks, order: ser['folios.order'], flags: ser['folios.flags'] },
    sha256: budget.hash(blob, runs, ser.size),
  };
}

/** The file, and not the folios that it is in. */
export const factsOf = ({ size: bytes, position, seals, sha256 }: DecodedMemfd): Facts => ({
  size: bytes,
  position,
  seals,
  sha256,
});

/** The seals that the target's kernel does not preserve. */
export function unknownSeals({ abi }: Target, seals: number): number {
  return seals === 0 ? 0 : (seals & ~abi.number('MEMFD_LUO_ALL_SEALS')) >>> 0;
}

function sealNames(target: Target, seals: number): string[] {
  const known = SEAL_NAMES.filter((name) => (seals & SEALS[name]) !== 0);
  const rest = unknownSeals(target, seals);
  return rest === 0 ? known : [...known, hex(rest)];
}
