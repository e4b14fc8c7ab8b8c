import type { Struct } from '../../abi/declared.ts';

export type SessionSer = Struct<'luo_session_ser'>;

/** What a kernel keeps for the first who opens /dev/liveupdate. */
export interface LuoIncoming {
  /** Of a chain of blocks, which is read at once. */
  readonly sessions: readonly SessionSer[];
  /** Addresses of its blocks. */
  readonly blocks?: readonly bigint[];
  /** Address of the fixed array, which is read then. */
  readonly array?: bigint;
  /** Address of the page of FLBs, where there is one. */
  readonly flbs?: bigint;
}
