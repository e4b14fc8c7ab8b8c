import type { StructValues } from '../../abi/layout.ts';
import type { luo_session_ser } from './abi.ts';

export type SessionSer = StructValues<typeof luo_session_ser.fields>;

/** What a kernel keeps for the first who opens /dev/liveupdate. */
export interface LuoIncoming {
  /** Of a chain of blocks, which is read at once. */
  readonly sessions: readonly SessionSer[];
  /** Address of the fixed array, which is read then. */
  readonly array?: bigint;
}
