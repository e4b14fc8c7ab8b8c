import type { z } from 'zod';
import type { NumberName } from '../../abi/declared.ts';
import { getOrder } from '../../abi/page-order.ts';
import type { Target } from '../../abi/target.ts';
import type { Block } from '../../memory/preserved-blocks.ts';
import { folioFlags } from '../memfd/folios.ts';
import type { ListedRun } from '../memfd/hash.ts';
import type { DecodedMemfd } from '../memfd/memfd.ts';
import { SEALS } from '../memfd/seals.ts';
import type { LocatedSubtree, SpecFragment } from '../user.ts';
import type { DecodedFile } from './files.ts';
import { type DecodedLuo, type DecodedSession, readLuo, type schema } from './luo.ts';
import { PATH } from './path.ts';

type LuoSpec = z.input<typeof schema>;
type SessionSpec = NonNullable<LuoSpec['sessions']>[number];
type FileSpec = NonNullable<SessionSpec['files']>[number];
type MemfdSpec = NonNullable<FileSpec['memfd']>;

const SEAL_NAMES = Object.keys(SEALS) as (keyof typeof SEALS)[];

/** Sessions and files as they are, each structure at its place. What the files hold is zero: it is left out. */
export function respec(subtree: LocatedSubtree): SpecFragment | undefined {
  const state = readLuo(subtree);
  if (state.problems.length > 0) return undefined;
  const places = new Places(subtree.target);
  places.add(PATH, subtree.phys, 0);
  const spec = luoSpec(state, subtree.target, places);
  return spec && { spec, place: places.place, claims: places.blocks };
}

/** What a spec has to say of where structures are, and the blocks that it then preserves. */
class Places {
  readonly pageShift: number;
  readonly place: Record<string, bigint> = {};
  readonly blocks: Block[] = [];

  constructor({ pageShift }: Target) {
    this.pageShift = pageShift;
  }

  add(path: string, phys: bigint, order: number): void {
    this.place[path] = phys;
    this.blocks.push([phys, order]);
  }
}

/** @returns undefined for what no kernel hands over, and so no spec says */
function luoSpec(state: DecodedLuo, target: Target, places: Places): LuoSpec | undefined {
  const { sessions_pa, session_blocks, liveupdate_num } = state.fields;
  if (typeof liveupdate_num !== 'bigint') return undefined;
  if (Array.isArray(session_blocks)) {
    const list: readonly unknown[] = session_blocks;
    list.forEach((block, b) => {
      if (typeof block === 'bigint') places.add(`${PATH}/sessions/blocks[${b}]`, block, 0);
    });
  } else if (typeof sessions_pa === 'bigint') {
    places.add(`${PATH}/sessions`, sessions_pa, pagesOrder('LUO_SESSION_PGCNT', target));
  }
  if (target.generation.luo !== 'fdt') {
    if (state.flbs === 0n) return undefined;
    places.add(`${PATH}/flbs`, state.flbs, 0);
  }
  const sessions = state.decodedSessions.map((session, s) =>
    sessionSpec(session, `${PATH}/sessions[${s}]/files`, target, places),
  );
  if (!sessions.every((session) => session !== undefined)) return undefined;
  return { liveupdate_number: liveupdate_num, sessions, flbs: state.decodedFlbs.map((flb) => ({ ...flb })) };
}

const pagesOrder = (pages: NumberName, target: Target) =>
  getOrder(BigInt(target.abi.number(pages) * target.pageSize), target);

function sessionSpec(
  { name, files, blocks }: DecodedSession,
  path: string,
  target: Target,
  places: Places,
): SessionSpec | undefined {
  const isChain = target.generation.luo === 'struct';
  blocks.forEach((block, b) => {
    if (isChain) places.add(`${path}/blocks[${b}]`, block, 0);
    else places.add(path, block, pagesOrder('LUO_FILE_PGCNT', target));
  });
  const specs = files.map((file, f) => fileSpec(file, `${path}[${f}]/memfd`, target, places));
  return specs.every((spec) => spec !== undefined) ? { name, files: specs } : undefined;
}

function fileSpec(
  { token, compatible, data, memfd }: DecodedFile,
  path: string,
  target: Target,
  places: Places,
): FileSpec | undefined {
  if (memfd === null) return { token, handler: compatible, data };
  places.add(path, data, 0);
  const spec = memfdSpec(memfd, path, target, places);
  return spec && { token, memfd: spec };
}

function memfdSpec(memfd: DecodedMemfd, path: string, target: Target, places: Places): MemfdSpec | undefined {
  const { size, position, seals, flags, folios, list } = memfd;
  const odd =
    flags !== 0 ||
    list.order !== 0 ||
    (folios.length > 0 && list.flags !== target.abi.number('KHO_VMALLOC_ALLOC'));
  if (odd || folios.some((run) => run.order === null || run.flags !== folioFlags(target))) return undefined;
  let first = 0;
  for (const { phys, order, count } of folios) {
    places.place[`${path}/folios[${first}]`] = phys;
    const bytes = 1n << BigInt((order ?? 0) + places.pageShift);
    for (let i = 0; i < count; i++) places.blocks.push([phys + BigInt(i) * bytes, order ?? 0]);
    first += count;
  }
  list.pages.forEach((page, i) => {
    places.add(`${path}/folios/pages[${i}]`, page, 0);
  });
  list.chunks.forEach((chunk, i) => {
    places.add(`${path}/folios/chunks[${i}]`, chunk, 0);
  });
  const content = zeroes(folios, size, places.pageShift);
  const names = SEAL_NAMES.filter((name) => seals?.includes(name));
  return content && { size, position, ...(seals !== null && { seals: names }), content };
}

interface Zeroes {
  readonly at: bigint;
  readonly order: number;
  readonly zero: bigint;
}

/** What is in a row in the file and of one order is one piece; undefined where a folio is beyond the end. */
function zeroes(folios: readonly ListedRun[], size: bigint, pageShift: number): Zeroes[] | undefined {
  const pieces: Zeroes[] = [];
  for (const { index, order, count } of folios) {
    const folio = 1n << BigInt((order ?? 0) + pageShift);
    const at = index << BigInt(pageShift);
    if (at + folio * BigInt(count - 1) >= size) return undefined;
    const last = pieces.at(-1);
    const zero = folio * BigInt(count);
    if (last && last.order === order && last.at + last.zero === at) {
      pieces[pieces.length - 1] = { ...last, zero: last.zero + zero };
    } else pieces.push({ at, order: order ?? 0, zero });
  }
  return pieces.map(({ at, order, zero }) => ({ at, order, zero: at + zero > size ? size - at : zero }));
}
