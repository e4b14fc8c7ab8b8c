import { z } from 'zod';
import type { Struct } from '../../abi/declared.ts';
import { text, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { Handler } from '../handler.ts';
import { optionalShape } from '../shape.ts';
import { type DecodedState, emitState, FILE_HANDLERS } from './handlers.ts';

export const HANDLERS: readonly Handler[] = Object.values(FILE_HANDLERS);
const KEYS = HANDLERS.map(({ key }) => key);

/** Which of the ways to say a file's or an FLB's state an entry has. */
export const givenKeys = (entry: Readonly<Record<string, unknown>>, keys: readonly string[]) =>
  keys.filter((key) => entry[key] !== undefined);

export const fileSchema = z
  .strictObject({
    token: u64('the number that its user chose for the file, e.g. 0x2a'),
    ...optionalShape(FILE_HANDLERS),
    handler: text(`name of another file handler, for a file that is no ${KEYS.join(' or ')}`).optional(),
    data: u64('what that handler hands over, often an address; default 0').optional(),
  })
  .refine((file) => givenKeys(file, [...KEYS, 'handler']).length === 1, {
    error: () => `either ${KEYS.join(', ')}, or handler with data`,
  })
  .refine((file) => file.data === undefined || file.handler !== undefined, {
    error: () => 'data goes with handler',
  });

export type FileSer = Struct<'luo_file_ser'>;

/** One entry of a session's list of files, and what its handler hands over. */
export function emitFile(producer: Producer, path: string, file: z.output<typeof fileSchema>): FileSer {
  const { token, handler = '', data = 0n } = file;
  return { token, ...(emitState(HANDLERS, producer, path, file) ?? { compatible: handler, data }) };
}

/** A file as it is handed over. */
export interface DecodedFile extends FileSer {
  /** What its handler hands over; null for other handlers' files, and for one that cannot be read. */
  readonly state: DecodedState | null;
}
