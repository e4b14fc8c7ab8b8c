import { z } from 'zod';
import type { Struct } from '../../abi/declared.ts';
import { GENERATIONS } from '../../abi/generations.ts';
import { makeTarget, type Target } from '../../abi/target.ts';
import { text, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { MemfdBudget, MemfdSource } from '../memfd/hash.ts';
import { type DecodedMemfd, decodeMemfd, emitMemfd, memfdSchema } from '../memfd/memfd.ts';

const HANDLER_LENGTH = makeTarget().abi.number('LIVEUPDATE_HNDL_COMPAT_LENGTH') - 1;

export const fileSchema = z
  .strictObject({
    token: u64('the number that its user chose for the file, e.g. 0x2a'),
    memfd: memfdSchema.optional(),
    handler: text('name of another file handler, for a file that is no memfd')
      .max(HANDLER_LENGTH, {
        error: () => `at most ${HANDLER_LENGTH} characters`,
      })
      .optional(),
    data: u64('what that handler hands over, often an address; default 0').optional(),
  })
  .refine((file) => (file.memfd === undefined) !== (file.handler === undefined), {
    error: () => 'either memfd, or handler with data',
  })
  .refine((file) => file.data === undefined || file.handler !== undefined, {
    error: () => 'data goes with handler',
  });

export type LuoFile = z.output<typeof fileSchema>;
export type FileSer = Struct<'luo_file_ser'>;

/** One entry of a session's list of files, and what its handler hands over. */
export function emitFile(
  producer: Producer,
  path: string,
  { token, memfd, handler, data = 0n }: LuoFile,
): FileSer {
  if (!memfd) return { compatible: handler ?? '', data, token };
  const compatible = producer.target.abi.text('MEMFD_LUO_FH_COMPATIBLE');
  return { compatible, data: emitMemfd(producer, `${path}/memfd`, memfd), token };
}

/** Name of the handler of memfds. */
function handlerOf({ abi }: Target): string | undefined {
  return abi.has('MEMFD_LUO_FH_COMPATIBLE') ? abi.text('MEMFD_LUO_FH_COMPATIBLE') : undefined;
}

/** Of every release. */
const MEMFDS: readonly (string | undefined)[] = GENERATIONS.map((generation) =>
  handlerOf(makeTarget({ generation })),
);

/** A file as it is handed over. */
export interface DecodedFile {
  readonly token: bigint;
  /** Name of its handler. */
  readonly compatible: string;
  readonly data: bigint;
  /** Null for other handlers' files, and for one that cannot be read. */
  readonly memfd: DecodedMemfd | null;
}

/** @param complain takes what is wrong */
export function decodeFile(
  blob: MemfdSource,
  { compatible, data, token }: FileSer,
  budget: MemfdBudget,
  complain: (text: string) => void,
): DecodedFile {
  const file = { token, compatible, data, memfd: null };
  const known = handlerOf(blob.target);
  if (compatible !== known && !MEMFDS.includes(compatible)) return file;
  if (compatible !== known) {
    complain(`handler '${compatible}', ${blob.target.generation.name} has '${known ?? 'none'}'`);
    return file;
  }
  const problems: string[] = [];
  const memfd = decodeMemfd(blob, data, budget, problems);
  problems.forEach(complain);
  return { ...file, memfd };
}
