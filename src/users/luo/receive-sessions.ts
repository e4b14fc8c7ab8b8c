import { decodeStruct, type Fields, layoutOf, type StructDef, type StructValues } from '../../abi/layout.ts';
import { hex } from '../../base/numbers.ts';
import { restoreBlockSet } from '../../kernel/block-set.ts';
import type { VerifyCheck } from '../../kernel/checks.ts';
import type { Context } from '../../kernel/context.ts';
import type { Restorer } from '../../kernel/restore.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { verifyMemfd } from '../memfd/receive.ts';
import {
  LUO_FILE_PGCNT,
  LUO_KHO_ENTRY_NAME,
  LUO_SESSION_PGCNT,
  luo_file_ser,
  luo_session_header_ser,
  luo_session_ser,
  luoArrayMax,
  luoFileMax,
} from './abi.ts';
import type { FileSer } from './files.ts';
import type { SessionSer } from './luo.ts';
import type { LuoIncoming } from './receive.ts';

/** What happens when user space opens /dev/liveupdate and retrieves each file: its lines come then, if at all. */
export function verifyLuoSessions(
  context: Context,
  incoming: LuoIncoming,
  preserved: Preserved,
  restorer: Restorer,
): void {
  if (!restorer.complete) return;
  const reader = new SessionReader(context, preserved);
  const files = reader.deserialize(incoming);
  for (const { where, ser } of files) verifyMemfd(context, { where, phys: ser.data }, preserved, restorer);
}

interface FoundFile {
  readonly where: string;
  readonly ser: FileSer;
}

/** luo_session_deserialize(), luo_file_deserialize() (kernel/liveupdate/luo_session.c, luo_file.c, 6.19 to 7.3). */
class SessionReader {
  readonly #context: Context;
  readonly #preserved: Preserved;
  readonly #files: FoundFile[] = [];
  /** What becomes of the device after an error. */
  readonly #rest: string;

  constructor(context: Context, preserved: Preserved) {
    this.#context = context;
    this.#preserved = preserved;
    this.#rest = 'every open of /dev/liveupdate then fails with -EIO';
  }

  /** @returns the memfds, in the order of their lists, up to where the kernel stops */
  deserialize({ sessions, array }: LuoIncoming): readonly FoundFile[] {
    const names = new Map<string, number>();
    const list = array === undefined ? sessions : this.#sessionArray(array);
    for (const [i, session] of list.entries()) {
      const where = `${LUO_KHO_ENTRY_NAME}/sessions[${i}]`;
      const same = names.get(session.name);
      if (same !== undefined) {
        const text = `session '${session.name}' has the name of sessions[${same}]`;
        this.#found(
          'luo-session-twice',
          where,
          `${text}: ${this.#rest}`,
          `Failed to insert session [${session.name}] `,
        );
        return this.#files;
      }
      names.set(session.name, i);
      if (!this.#deserializeFiles(where, session)) return this.#files;
    }
    return this.#files;
  }

  /** @returns whether the kernel goes on to the next session */
  #deserializeFiles(where: string, session: SessionSer): boolean {
    const { 'file_set_ser.files': table, 'file_set_ser.count': count } = session;
    const isStruct = this.#context.receiver.generation.luo === 'struct';
    const files =
      table === 0n ? [] : isStruct ? this.#chain(where, session) : this.#array(where, table, count);
    if (files === undefined) return this.#failed(session);
    if (table === 0n && count !== 0n) {
      this.#found(
        'luo-files',
        where,
        `${count} files are told, and there is no list of them: the kernel warns`,
      );
    }
    const { memfd } = this.#context.receiver.generation;
    for (const [i, ser] of files.entries()) {
      if (ser.compatible !== memfd) {
        const text = `${where}/files[${i}] is for handler '${ser.compatible}', which ${this.#context.receiver.release} does not have`;
        this.#found(
          'luo-handler',
          `${where}/files[${i}]`,
          text,
          `No registered handler for compatible '${ser.compatible}'`,
        );
        return this.#failed(session);
      }
      this.#checkToken(where, files, i);
    }
    files.forEach((ser, i) => {
      this.#files.push({ where: `${where}/files[${i}]`, ser });
    });
    return true;
  }

  /** 6.19 goes on, without what it did not come to. */
  #failed({ name }: SessionSer): boolean {
    if (this.#context.receiver.generation.luo === 'fdt') return true;
    const line = `Failed to deserialize files for session [${name}] `;
    const text = `session '${name}' loses its files: ${this.#rest}`;
    this.#found('luo-files', LUO_KHO_ENTRY_NAME, text, line);
    return false;
  }

  #checkToken(where: string, files: readonly FileSer[], index: number): void {
    const token = files[index]?.token;
    const first = files.findIndex((file) => file.token === token);
    if (first === index || token === undefined) return;
    const text = `token ${hex(token)} is that of files[${first}]: this file cannot be retrieved`;
    this.#found('luo-token-twice', `${where}/files[${index}]`, text);
  }

  /** 7.2 and later. */
  #chain(
    where: string,
    { 'file_set_ser.files': head, 'file_set_ser.count': count }: SessionSer,
  ): FileSer[] | undefined {
    const { blocks, entries, refused, outside } = restoreBlockSet(this.#context, head, luo_file_ser, 'file');
    for (const phys of blocks) this.#checkPages(where, phys, 1, 'a block of files');
    if (outside !== undefined) {
      this.#checkPages(where, outside, 1, 'a block of files');
      return undefined;
    }
    if (refused) {
      this.#found('luo-files', where, refused.text, refused.line);
      return undefined;
    }
    if (count === BigInt(entries.length)) return [...entries];
    const line = `File count mismatch: expected ${count}, found ${entries.length}`;
    this.#found('luo-files', where, `${count} files are told, ${entries.length} are listed`, line);
    return undefined;
  }

  /** 6.19 and 7.1 do not compare the count with the size of the array. */
  #array(where: string, phys: bigint, count: bigint): FileSer[] {
    this.#checkPages(where, phys, LUO_FILE_PGCNT, 'the array of files');
    return this.#entries(where, phys, luo_file_ser, count, luoFileMax(this.#context.target));
  }

  #sessionArray(phys: bigint): StructValues<typeof luo_session_ser.fields>[] {
    const { target } = this.#context;
    const size = layoutOf(luo_session_header_ser, target).size;
    const { count } = decodeStruct(luo_session_header_ser, target, this.#context.read(phys, size));
    if (count > 0n) this.#checkPages(LUO_KHO_ENTRY_NAME, phys, LUO_SESSION_PGCNT, 'the array of sessions');
    const most = luoArrayMax(target, LUO_SESSION_PGCNT, luo_session_header_ser, luo_session_ser);
    return this.#entries(LUO_KHO_ENTRY_NAME, phys + BigInt(size), luo_session_ser, count, most);
  }

  #entries<F extends Fields>(
    where: string,
    phys: bigint,
    def: StructDef<F>,
    count: bigint,
    most: number,
  ): StructValues<F>[] {
    if (count > BigInt(most)) {
      const text = `${count} entries are told, the array has room for ${most}: the kernel reads on behind it`;
      this.#found('luo-array', where, text);
    }
    const { target } = this.#context;
    const size = layoutOf(def, target).size;
    const read = count < BigInt(most) ? Number(count) : most;
    const bytes = this.#context.read(phys, read * size);
    return Array.from({ length: read }, (_, i) => decodeStruct(def, target, bytes.subarray(i * size)));
  }

  #checkPages(where: string, phys: bigint, pages: number, what: string): void {
    const end = phys + this.#context.pageSize * BigInt(pages);
    const inRam = this.#context.inRam(phys, end);
    if (inRam && this.#preserved.contains(phys, end)) return;
    const text = `${what} at ${hex(phys)} is ${inRam ? 'not preserved' : 'not in RAM'}: who opens /dev/liveupdate gets garbage, or a fault`;
    this.#found(inRam ? 'luo-not-preserved' : 'outside-ram', where, text);
  }

  #found(check: VerifyCheck, where: string, text: string, line?: string): void {
    this.#context.found(check, {
      where,
      text,
      conditional: true,
      ...(line !== undefined && { kernel: `luo: ${line}` }),
    });
  }
}
