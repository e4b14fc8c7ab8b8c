import { defineAbi } from '../../abi/entry.ts';
import {
  chars,
  declaredLayout,
  defineStruct,
  embed,
  type Platform,
  type StructDef,
  u64,
} from '../../abi/layout.ts';

/** Live Update Orchestrator: a flattened device tree in 6.19 and 7.1, structures alone from 7.2 on. */
const HEADER = 'include/linux/kho/abi/luo.h';

/** Bytes of `compatible` of struct luo_ser. */
const LUO_ABI_COMPAT_LEN = 8;

/** Bytes of a file handler's, an FLB's and a session's name. */
const LIVEUPDATE_HNDL_COMPAT_LENGTH = 48;
const LIVEUPDATE_FLB_COMPAT_LENGTH = 48;
/** include/uapi/linux/liveupdate.h (6.19). */
const LIVEUPDATE_SESSION_NAME_LENGTH = 64;

/** Pages of the fixed arrays: sessions and files in 6.19 and 7.1, FLBs from 7.1 on (kernel/liveupdate/luo_*.c). */
const LUO_SESSION_PGCNT = 16;
const LUO_FILE_PGCNT = 2;
const LUO_FLB_PGCNT = 1;

/** Root of all LUO state (7.2 and later). The last two are physical addresses. */
const luo_ser = defineStruct({
  name: 'luo_ser',
  source: `${HEADER} (7.2)`,
  packed: true,
  fields: { compatible: chars(LUO_ABI_COMPAT_LEN), liveupdate_num: u64, sessions_pa: u64, flbs_pa: u64 },
});

const luo_file_ser = defineStruct({
  name: 'luo_file_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { compatible: chars(LIVEUPDATE_HNDL_COMPAT_LENGTH), data: u64, token: u64 },
});

/** `files` is the physical address of an array of luo_file_ser (6.19, 7.1) or of its first block (7.2 and later). */
const luo_file_set_ser = defineStruct({
  name: 'luo_file_set_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { files: u64, count: u64 },
});

const luo_session_ser = defineStruct({
  name: 'luo_session_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { name: chars(LIVEUPDATE_SESSION_NAME_LENGTH), ...embed('file_set_ser', luo_file_set_ser) },
});

/** Before the fixed array of sessions (6.19, 7.1); later versions have a block header instead. */
const luo_session_header_ser = defineStruct({
  name: 'luo_session_header_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { count: u64 },
});

const luo_flb_header_ser = defineStruct({
  name: 'luo_flb_header_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { pgcnt: u64, count: u64 },
});

const luo_flb_ser = defineStruct({
  name: 'luo_flb_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { name: chars(LIVEUPDATE_FLB_COMPAT_LENGTH), data: u64, count: u64 },
});

/** LUO_SESSION_MAX, LUO_FLB_MAX: entries that fit behind a header in a fixed array; that of files has none. */
function arrayMax(platform: Platform, pages: number, entry: StructDef, header?: StructDef): number {
  const room = pages * platform.pageSize - (header ? declaredLayout(header, platform).size : 0);
  return Math.floor(room / declaredLayout(entry, platform).size);
}

/** include/linux/kho/abi/luo.h, kernel/liveupdate/luo_*.c */
export const LUO_ABI = defineAbi([
  // `compatible` of the root node. What 7.0 has there was not read: khoforge knows no LUO of it.
  { from: '6.19', to: '6.19', strings: { LUO_FDT_COMPATIBLE: 'luo-v1' } },
  { from: '7.1', to: '7.1', strings: { LUO_FDT_COMPATIBLE: 'luo-v1' } },
  {
    from: '6.19',
    to: '7.1',
    strings: {
      LUO_FDT_KHO_ENTRY_NAME: 'LUO',
      LUO_FDT_LIVEUPDATE_NUM: 'liveupdate-number', // of the root node
      LUO_FDT_SESSION_NODE_NAME: 'luo-session',
      LUO_FDT_SESSION_COMPATIBLE: 'luo-session-v2',
      LUO_FDT_SESSION_HEADER: 'luo-session-header',
    },
    numbers: {
      LUO_FDT_SIZE: ({ pageSize }) => pageSize,
      LUO_SESSION_PGCNT,
      LUO_SESSION_MAX: (platform) =>
        arrayMax(platform, LUO_SESSION_PGCNT, luo_session_ser, luo_session_header_ser),
      LUO_FILE_PGCNT,
      LUO_FILE_MAX: (platform) => arrayMax(platform, LUO_FILE_PGCNT, luo_file_ser),
    },
  },
  { from: '6.19', to: '6.19', struct: luo_session_header_ser },
  { from: '7.1', to: '7.1', struct: luo_session_header_ser },
  { from: '6.19', numbers: { LIVEUPDATE_HNDL_COMPAT_LENGTH, LIVEUPDATE_SESSION_NAME_LENGTH } },
  { from: '6.19', struct: luo_file_ser },
  { from: '6.19', struct: luo_file_set_ser },
  { from: '6.19', struct: luo_session_ser, members: { file_set_ser: 'luo_file_set_ser' } },
  {
    from: '7.1',
    to: '7.1',
    strings: {
      LUO_FDT_FLB_NODE_NAME: 'luo-flb',
      LUO_FDT_FLB_COMPATIBLE: 'luo-flb-v1',
      LUO_FDT_FLB_HEADER: 'luo-flb-header',
    },
  },
  {
    from: '7.1',
    numbers: {
      LIVEUPDATE_FLB_COMPAT_LENGTH,
      LUO_FLB_PGCNT,
      LUO_FLB_MAX: (platform) => arrayMax(platform, LUO_FLB_PGCNT, luo_flb_ser, luo_flb_header_ser),
    },
  },
  { from: '7.1', struct: luo_flb_header_ser },
  { from: '7.1', struct: luo_flb_ser },
  { from: '7.2', struct: luo_ser },
  {
    from: '7.2',
    strings: { LUO_KHO_ENTRY_NAME: 'LUO', LUO_ABI_COMPATIBLE: 'luo-v5' },
    formerly: { LUO_KHO_ENTRY_NAME: 'LUO_FDT_KHO_ENTRY_NAME' },
    numbers: { LUO_ABI_COMPAT_LEN },
  },
]);
