import type { NumberName } from '../../abi/declared.ts';
import { getOrder } from '../../abi/page-order.ts';
import type { Target } from '../../abi/target.ts';
import { Places } from '../places.ts';
import type { LocatedSubtree, SpecFragment } from '../user.ts';
import type { DecodedFile } from './files.ts';
import type { DecodedFlb } from './flbs.ts';
import type { DecodedState } from './handlers.ts';
import { luoKind } from './kind.ts';
import { type DecodedLuo, type DecodedSession, readLuo } from './luo.ts';
import {
  blockPath,
  FLBS_PATH,
  filePath,
  filesPath,
  flbPath,
  PATH,
  SESSIONS_PATH,
  statePath,
} from './paths.ts';

/** Sessions and files as they are, each structure at its place. What the files hold is zero: it is left out. */
export function respec(subtree: LocatedSubtree): SpecFragment | undefined {
  const state = readLuo(subtree);
  if (state.problems.length > 0) return undefined;
  const places = new Places();
  places.add(PATH, subtree.phys, rootOrder(subtree.target));
  const spec = luoSpec(state, subtree.target, places);
  return spec && { spec, place: places.place, claims: places.claims };
}

/** @returns undefined for what no kernel hands over, and so no spec says */
function luoSpec(state: DecodedLuo, target: Target, places: Places): object | undefined {
  const { sessions_pa, session_blocks, liveupdate_num } = state.fields;
  if (typeof liveupdate_num !== 'bigint') return undefined;
  if (Array.isArray(session_blocks)) {
    const list: readonly unknown[] = session_blocks;
    list.forEach((block, b) => {
      if (typeof block === 'bigint') places.add(blockPath(SESSIONS_PATH, b), block, 0);
    });
  } else if (typeof sessions_pa === 'bigint') {
    places.add(SESSIONS_PATH, sessions_pa, pagesOrder('LUO_SESSION_PGCNT', target));
  }
  if (luoKind(target) !== 'fdt') {
    if (state.flbs === 0n) return undefined;
    places.add(FLBS_PATH, state.flbs, pagesOrder('LUO_FLB_PGCNT', target));
  }
  const sessions = state.decodedSessions.map((session, s) => sessionSpec(session, s, target, places));
  const flbs = state.decodedFlbs.map((flb, i) => flbSpec(flb, flbPath(i), places));
  if (sessions.includes(undefined) || flbs.includes(undefined)) return undefined;
  return { liveupdate_number: liveupdate_num, sessions, flbs };
}

/** Of the folio of the FDT, or of struct luo_ser. */
const rootOrder = (target: Target) => {
  const { abi } = target;
  const bytes = luoKind(target) === 'struct' ? abi.struct('luo_ser').size : abi.number('LUO_FDT_SIZE');
  return getOrder(BigInt(bytes), target);
};

const pagesOrder = (pages: NumberName, target: Target) =>
  getOrder(BigInt(target.abi.number(pages) * target.pageSize), target);

function sessionSpec(
  { name, files, blocks }: DecodedSession,
  index: number,
  target: Target,
  places: Places,
): object | undefined {
  const isChain = luoKind(target) === 'struct';
  const path = filesPath(index);
  blocks.forEach((block, b) => {
    if (isChain) places.add(blockPath(path, b), block, 0);
    else places.add(path, block, pagesOrder('LUO_FILE_PGCNT', target));
  });
  const specs = files.map((file, f) => fileSpec(file, filePath(index, f), places));
  return specs.includes(undefined) ? undefined : { name, files: specs };
}

function fileSpec(
  { token, compatible, data, state }: DecodedFile,
  path: string,
  places: Places,
): object | undefined {
  if (state === null) return { token, handler: compatible, data };
  const own = stateSpec(state, path, places);
  return own && { token, ...own };
}

function flbSpec({ name, data, count, state }: DecodedFlb, path: string, places: Places): object | undefined {
  if (state === null) return { name, data, count };
  const own = stateSpec(state, path, places);
  return own && { ...own, count };
}

function stateSpec({ key, respec: toSpec }: DecodedState, path: string, places: Places): object | undefined {
  const fragment = toSpec(statePath(path, key));
  if (!fragment) return undefined;
  places.include(fragment);
  return { [key]: fragment.spec };
}
