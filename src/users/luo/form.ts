import type { Producer } from '../../emit/producer.ts';
import type { Blob, DecodedValue } from '../user.ts';
import type { FileSer } from './files.ts';
import type { SessionSer } from './incoming.ts';
import type { LuoTables } from './tables.ts';

/** How LUO's state stands in memory: in an FDT with fixed arrays, or in structures with chains of blocks. */
export interface LuoForm {
  /** Name of the format, for people. */
  readonly format: string;
  /** @returns physical address of the first file's table */
  emitFiles(producer: Producer, path: string, files: readonly FileSer[]): bigint;
  /** @param flbs address of the page of FLBs. Adds the subtree. */
  emitRoot(
    producer: Producer,
    state: { number: bigint; sessions: readonly SessionSer[]; flbs: bigint },
  ): void;
  /** Reads what luo_early_startup() reads. */
  decodeRoot(blob: Blob, tables: LuoTables, problems: string[]): LuoRoot;
  decodeFiles(tables: LuoTables, what: string, session: SessionSer): { entries: FileSer[]; blocks: bigint[] };
}

export interface LuoRoot {
  readonly fields: { readonly [key: string]: DecodedValue };
  readonly sessions: readonly SessionSer[];
  /** Address of the page of FLBs; 0n for none. */
  readonly flbs: bigint;
}
