import { chars, defineStruct, embed, layoutOf, type StructDef, u64 } from '../../abi/layout.ts';
import type { Target } from '../../abi/target.ts';

/** Live Update Orchestrator: a flattened device tree in 6.19 and 7.1, structures alone from 7.2 on. */
const HEADER = 'include/linux/kho/abi/luo.h';

/** Name of the subtree: LUO_FDT_KHO_ENTRY_NAME to 7.1, LUO_KHO_ENTRY_NAME from 7.2 on. */
export const LUO_KHO_ENTRY_NAME = 'LUO';

/** `compatible` of the root node, and its property with the number of live updates (6.19, 7.1). */
export const LUO_FDT_COMPATIBLE = 'luo-v1';
export const LUO_FDT_LIVEUPDATE_NUM = 'liveupdate-number';

/** The node of the sessions (6.19, 7.1). */
export const LUO_FDT_SESSION_NODE_NAME = 'luo-session';
export const LUO_FDT_SESSION_COMPATIBLE = 'luo-session-v2';
export const LUO_FDT_SESSION_HEADER = 'luo-session-header';

/** The node of the file-lifecycle-bound objects (7.1). */
export const LUO_FDT_FLB_NODE_NAME = 'luo-flb';
export const LUO_FDT_FLB_COMPATIBLE = 'luo-flb-v1';
export const LUO_FDT_FLB_HEADER = 'luo-flb-header';

/** `compatible` of struct luo_ser, and the bytes of that field (7.2 and later). */
export const LUO_ABI_COMPATIBLE = 'luo-v5';
export const LUO_ABI_COMPAT_LEN = 8;

/** Bytes of a file handler's, an FLB's and a session's name. */
export const LIVEUPDATE_HNDL_COMPAT_LENGTH = 48;
export const LIVEUPDATE_FLB_COMPAT_LENGTH = 48;
/** include/uapi/linux/liveupdate.h (6.19). */
export const LIVEUPDATE_SESSION_NAME_LENGTH = 64;

/** Pages of the fixed arrays: sessions and files in 6.19 and 7.1, FLBs from 7.1 on (kernel/liveupdate/luo_*.c). */
export const LUO_SESSION_PGCNT = 16;
export const LUO_FILE_PGCNT = 2;
export const LUO_FLB_PGCNT = 1;

/** Root of all LUO state (7.2 and later). The last two are physical addresses. */
export const luo_ser = defineStruct({
  name: 'luo_ser',
  source: `${HEADER} (7.2)`,
  packed: true,
  fields: { compatible: chars(LUO_ABI_COMPAT_LEN), liveupdate_num: u64, sessions_pa: u64, flbs_pa: u64 },
});

export const luo_file_ser = defineStruct({
  name: 'luo_file_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { compatible: chars(LIVEUPDATE_HNDL_COMPAT_LENGTH), data: u64, token: u64 },
});

/** `files` is the physical address of an array of luo_file_ser (6.19, 7.1) or of its first block (7.2 and later). */
export const luo_file_set_ser = defineStruct({
  name: 'luo_file_set_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { files: u64, count: u64 },
});

export const luo_session_ser = defineStruct({
  name: 'luo_session_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { name: chars(LIVEUPDATE_SESSION_NAME_LENGTH), ...embed('file_set_ser', luo_file_set_ser) },
});

/** Before the fixed array of sessions (6.19, 7.1); later versions have a block header instead. */
export const luo_session_header_ser = defineStruct({
  name: 'luo_session_header_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { count: u64 },
});

export const luo_flb_header_ser = defineStruct({
  name: 'luo_flb_header_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { pgcnt: u64, count: u64 },
});

export const luo_flb_ser = defineStruct({
  name: 'luo_flb_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { name: chars(LIVEUPDATE_FLB_COMPAT_LENGTH), data: u64, count: u64 },
});

/** LUO_SESSION_MAX, LUO_FLB_MAX: entries that fit behind a header in a fixed array. */
export function luoArrayMax(target: Target, pages: number, header: StructDef, entry: StructDef): number {
  const room = pages * target.pageSize - layoutOf(header, target).size;
  return Math.floor(room / layoutOf(entry, target).size);
}

/** LUO_FILE_MAX: files of one set (6.19, 7.1); their array has no header. */
export function luoFileMax(target: Target): number {
  return Math.floor((LUO_FILE_PGCNT * target.pageSize) / layoutOf(luo_file_ser, target).size);
}
