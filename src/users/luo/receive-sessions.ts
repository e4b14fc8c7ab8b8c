import type { Struct, StructName } from '../../abi/declared.ts';
import { hex } from '../../base/numbers.ts';
import { decodeText, encodeText } from '../../base/text.ts';
import { restoreBlockSet } from '../../kernel/block-set.ts';
import { decodeEntries } from '../../kernel/block-walk.ts';
import type { FindingEvent, Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Incoming, UserStage } from '../../kernel/stages.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { type LuoCheck, report } from './checks.ts';
import { type FileSer, HANDLERS } from './files.ts';
import { FLB_HANDLERS } from './flbs.ts';
import { handlerFor } from './handlers.ts';
import type { LuoIncoming, SessionSer } from './incoming.ts';
import { luoKind } from './kind.ts';
import { filePath, flbPath, PATH, sessionPath } from './paths.ts';
import { retrieveState } from './retrieve.ts';

/** What becomes of the device after an error. */
const REST = 'every open of /dev/liveupdate then fails with -EIO';

/** What happens when user space opens /dev/liveupdate and retrieves each file: its lines come then, if at all. */
export function openLiveupdate(luo: LuoIncoming): UserStage {
  return {
    at: 'user space',
    *run(kernel, incoming) {
      if (!incoming.restorer.complete) return undefined;
      const files = yield* new SessionReader(kernel, incoming.preserved).deserialize(luo);
      // kho_block_set_destroy(), kho_restore_free() (luo_session_deserialize(), 6.19 to 7.3): to free them.
      const { array, blocks = array === undefined ? [] : [array] } = luo;
      for (const phys of blocks) incoming.restorer.restore(phys);
      for (const { where, ser } of files) {
        const handler = handlerFor(HANDLERS, kernel.target, ser.compatible);
        if (handler) yield* retrieveState(handler, kernel, { where, data: ser.data }, incoming);
      }
      yield* retrieveFlbs(kernel, luo, incoming);
      return undefined;
    },
  };
}

/** The FLBs that khoforge knows, which a kernel retrieves when somebody asks, at the latest with a file that needs them. */
function* retrieveFlbs(kernel: Kernel, { flbs }: LuoIncoming, incoming: Incoming): Stage {
  const { abi } = kernel.target;
  if (flbs === undefined || flbs === 0n || FLB_HANDLERS.length === 0) return;
  const [head, entry] = [abi.struct('luo_flb_header_ser'), abi.struct('luo_flb_ser')];
  const { count } = head.decode(kernel.read(flbs, head.size));
  const max = abi.number('LUO_FLB_MAX');
  for (let i = 0; i < max && BigInt(i) < count; i++) {
    const { name, data } = entry.decode(kernel.read(flbs + BigInt(head.size + i * entry.size), entry.size));
    const handler = handlerFor(FLB_HANDLERS, kernel.target, name);
    if (handler) yield* retrieveState(handler, kernel, { where: flbPath(i), data }, incoming);
  }
}

interface FoundFile {
  readonly where: string;
  readonly ser: FileSer;
}

/** luo_session_deserialize(), luo_file_deserialize() (kernel/liveupdate/luo_session.c, luo_file.c, 6.19 to 7.3). */
class SessionReader {
  readonly #kernel: Kernel;
  readonly #preserved: Preserved;
  /** What lists of files stand in: each is read once, however many sessions lead there. */
  readonly #seen = new Set<bigint>();

  constructor(kernel: Kernel, preserved: Preserved) {
    this.#kernel = kernel;
    this.#preserved = preserved;
  }

  /** @returns the files, in the order of their lists, up to where the kernel stops */
  *deserialize({ sessions, array }: LuoIncoming): Stage<readonly FoundFile[]> {
    const found: FoundFile[] = [];
    const names = new Map<string, number>();
    const list = array === undefined ? sessions : yield* this.#sessionArray(array);
    for (const [i, session] of list.entries()) {
      const where = sessionPath(i);
      const name = yield* this.#nameOf(where, session);
      const same = names.get(name);
      if (same !== undefined) {
        const line = `Failed to insert session [${name}] `;
        const text = `session '${name}' has the name of sessions[${same}]: ${REST}`;
        yield finding('luo-session-twice', where, text, line);
        return found;
      }
      names.set(name, i);
      const files = yield* this.#files(i, session);
      if (files) found.push(...files.map((ser, f) => ({ where: filePath(i, f), ser })));
      else if (yield* this.#stopsAfter(name)) return found;
    }
    return found;
  }

  /** luo_session_alloc(): what strscpy() takes of it, bytes and not characters. */
  *#nameOf(where: string, { name }: SessionSer): Stage<string> {
    const bytes = encodeText(name) ?? Buffer.alloc(0);
    const most = this.#kernel.target.abi.number('LIVEUPDATE_SESSION_NAME_LENGTH') - 1;
    if (bytes.length <= most) return name;
    const kept = decodeText(bytes.subarray(0, most));
    const text = `the name has ${bytes.length} bytes and no end: the session is called '${kept}'`;
    yield finding('luo-session-name', where, text);
    return kept;
  }

  /** @returns undefined where the kernel refuses the session's files */
  *#files(index: number, session: SessionSer): Stage<readonly FileSer[] | undefined> {
    const where = sessionPath(index);
    const { 'file_set_ser.files': table, 'file_set_ser.count': count } = session;
    if (table === 0n) {
      const text = `${count} files are recorded, and there is no list of them: the kernel warns`;
      if (count !== 0n) yield finding('luo-files', where, text);
      return [];
    }
    const isStruct = luoKind(this.#kernel.target) === 'struct';
    const files = yield* isStruct ? this.#chain(where, table) : this.#array(where, table, count);
    const tokens = new Map<bigint, number>();
    for (const [i, { compatible, token }] of files?.entries() ?? []) {
      if (!handlerFor(HANDLERS, this.#kernel.target, compatible)) {
        const line = `No registered handler for compatible '${compatible}'`;
        const text = `${filePath(index, i)} is for handler '${compatible}', which ${this.#kernel.receiver.release} does not have`;
        yield finding('luo-handler', filePath(index, i), text, line);
        return undefined;
      }
      const first = tokens.get(token);
      if (first === undefined) tokens.set(token, i);
      else {
        const text = `token ${hex(token)} is that of files[${first}]: this file cannot be retrieved`;
        yield finding('luo-token-twice', filePath(index, i), text);
      }
    }
    // In the fixed array of 6.19 and 7.1 there is nothing to compare it with.
    if (!files || files.length === 0 || !isStruct || count === BigInt(files.length)) return files;
    const line = `File count mismatch: expected ${count}, found ${files.length}`;
    yield finding('luo-files', where, `${count} files are recorded, ${files.length} are listed`, line);
    return undefined;
  }

  /** 6.19 goes on, without what it did not come to. */
  *#stopsAfter(name: string): Stage<boolean> {
    if (luoKind(this.#kernel.target) === 'fdt') return false;
    const line = `Failed to deserialize files for session [${name}] `;
    yield finding('luo-files', PATH, `session '${name}' loses its files: ${REST}`, line);
    return true;
  }

  /** 7.2 and later. */
  *#chain(where: string, head: bigint): Stage<readonly FileSer[] | undefined> {
    const set = restoreBlockSet(this.#kernel, head, 'luo_file_ser', 'file', this.#seen);
    const { blocks, entries, refused, outside, shared } = set;
    for (const phys of blocks) yield* this.#checkPages(where, phys, 1, 'a block of files');
    if (shared !== undefined) {
      yield listTwice(where, shared);
      return [];
    }
    if (outside !== undefined) {
      yield* this.#checkPages(where, outside, 1, 'a block of files');
      return undefined;
    }
    if (refused) {
      yield finding('luo-files', where, refused.text, refused.line);
      return undefined;
    }
    return entries;
  }

  /** 6.19 and 7.1 do not compare the count with the size of the array. */
  *#array(where: string, phys: bigint, count: bigint): Stage<FileSer[]> {
    const { abi } = this.#kernel.target;
    if (this.#seen.has(phys)) {
      yield listTwice(where, phys);
      return [];
    }
    this.#seen.add(phys);
    yield* this.#checkPages(where, phys, abi.number('LUO_FILE_PGCNT'), 'the array of files');
    return yield* this.#entries(where, phys, 'luo_file_ser', count, abi.number('LUO_FILE_MAX'));
  }

  *#sessionArray(phys: bigint): Stage<SessionSer[]> {
    const { abi } = this.#kernel.target;
    const header = abi.struct('luo_session_header_ser');
    const { count } = header.decode(this.#kernel.read(phys, header.size));
    const pages = abi.number('LUO_SESSION_PGCNT');
    if (count > 0n) yield* this.#checkPages(PATH, phys, pages, 'the array of sessions');
    const most = abi.number('LUO_SESSION_MAX');
    return yield* this.#entries(PATH, phys + BigInt(header.size), 'luo_session_ser', count, most);
  }

  *#entries<N extends StructName>(
    where: string,
    phys: bigint,
    name: N,
    count: bigint,
    most: number,
  ): Stage<Struct<N>[]> {
    if (count > BigInt(most)) {
      const text = `${count} entries are recorded, the array has room for ${most}: the kernel reads on behind it`;
      yield finding('luo-array', where, text);
    }
    const { target } = this.#kernel;
    const read = count < BigInt(most) ? Number(count) : most;
    const bytes = this.#kernel.read(phys, read * target.abi.struct(name).size);
    return decodeEntries(target, name, bytes, read);
  }

  *#checkPages(where: string, phys: bigint, pages: number, what: string): Stage {
    const end = phys + this.#kernel.pageSize * BigInt(pages);
    const inRam = this.#kernel.inRam(phys, end);
    if (inRam && this.#preserved.contains(phys, end)) return;
    const text = `${what} at ${hex(phys)} is ${inRam ? 'not preserved' : 'not in RAM'}: who opens /dev/liveupdate gets garbage, or a fault`;
    yield finding(inRam ? 'luo-not-preserved' : 'outside-ram', where, text);
  }
}

/** Both sessions take the list for their own: the one that ends first frees it (luo_file_finish(), 6.19 to 7.3). */
function listTwice(where: string, phys: bigint): FindingEvent {
  const text = `the list of files at ${hex(phys)} is that of a session before: both free it`;
  return finding('luo-list-twice', where, text);
}

function finding(check: LuoCheck, where: string, text: string, line?: string): FindingEvent {
  const own = line === undefined ? {} : { line: `luo: ${line}` };
  return report(check, { where, text, conditional: true, ...own });
}
