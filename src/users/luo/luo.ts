import { z } from 'zod';
import { hex } from '../../base/numbers.ts';
import { text, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { Blob, DecodedSubtree, DecodedValue } from '../user.ts';
import { luoFdt } from './fdt-form.ts';
import { type DecodedFile, emitFile, fileSchema, HANDLERS } from './files.ts';
import { type DecodedFlb, emitFlbs, flbFields, flbSchema, readFlbs } from './flbs.ts';
import type { LuoForm, LuoRoot } from './form.ts';
import { stateReader } from './handlers.ts';
import type { SessionSer } from './incoming.ts';
import { type LuoKind, luoKind } from './kind.ts';
import { checkNames } from './names.ts';
import { filePath, filesPath, PATH } from './paths.ts';
import { luoStruct } from './struct-form.ts';
import { LuoTables } from './tables.ts';

const isDistinct = <T, V>(list: readonly T[], key: (item: T) => V) =>
  new Set(list.map(key)).size === list.length;

const session = z.strictObject({
  name: text('what its user called the session, as long as the kernel has room for'),
  files: z
    .array(fileSchema)
    .refine((files) => isDistinct(files, ({ token }) => token), {
      error: () => 'a token of its own for each file',
    })
    .optional()
    .meta({ description: 'files, in the order in which they were preserved' }),
});

export const schema = z
  .strictObject({
    liveupdate_number: u64('live updates since the last cold boot, this one included; default 1').optional(),
    sessions: z
      .array(session)
      .refine((sessions) => isDistinct(sessions, ({ name }) => name), {
        error: () => 'a name of its own for each session',
      })
      .optional()
      .meta({ description: 'sessions, in the order in which they were created' }),
    flbs: z
      .array(flbSchema)
      .refine(
        (flbs) =>
          isDistinct(
            flbs.flatMap(({ name }) => name ?? []),
            (name) => name,
          ),
        {
          error: () => 'a name of its own for each FLB',
        },
      )
      .optional()
      .meta({ description: 'objects whose life is bound to files (FLBs), from 7.1 on' }),
  })
  .meta({ description: 'Live Update Orchestrator: sessions with files, as /dev/liveupdate gives them back' });

type Spec = z.output<typeof schema>;

const FORMS = { fdt: luoFdt, 'fdt-flb': luoFdt, struct: luoStruct } as const satisfies Record<
  LuoKind,
  LuoForm
>;

/** As liveupdate_reboot() leaves it (kernel/liveupdate/luo_core.c, 7.3). */
export function emit(producer: Producer, spec: Spec): void {
  const { generation } = producer.target;
  const kind = luoKind(producer.target);
  if (kind === undefined) {
    producer.checker.broken('subtree-unknown', `${generation.name} has no ${PATH}`);
  }
  checkNames(producer, spec);
  const form = FORMS[kind ?? 'fdt'];
  const sessions = (spec.sessions ?? []).map(({ name, files = [] }, s): SessionSer => {
    const entries = files.map((file, f) => emitFile(producer, filePath(s, f), file));
    const table = entries.length > 0 ? form.emitFiles(producer, filesPath(s), entries) : 0n;
    return { name, 'file_set_ser.files': table, 'file_set_ser.count': BigInt(entries.length) };
  });
  const flbs = kind === 'fdt' ? 0n : emitFlbs(producer, spec.flbs ?? []);
  form.emitRoot(producer, { number: spec.liveupdate_number ?? 1n, sessions, flbs });
}

/** A session as it is handed over. */
export interface DecodedSession {
  readonly name: string;
  /** Files that it tells. */
  readonly count: bigint;
  readonly files: readonly DecodedFile[];
  /** Addresses of the pages that list them: one array up to 7.1, a chain of blocks later. */
  readonly blocks: readonly bigint[];
}

export interface DecodedLuo extends LuoRoot {
  readonly format: string;
  readonly decodedSessions: readonly DecodedSession[];
  readonly decodedFlbs: readonly DecodedFlb[];
  readonly problems: readonly string[];
}

/** Reads what a receiver reads at once, and what it reads when /dev/liveupdate is opened. */
export function readLuo(blob: Blob): DecodedLuo {
  const problems: string[] = [];
  const form = FORMS[luoKind(blob.target) ?? 'fdt'];
  const tables = new LuoTables(blob.memory, blob.target, problems);
  const read = stateReader(HANDLERS, blob);
  const root = form.decodeRoot(blob, tables, problems);
  const decodedSessions = root.sessions.map((ser): DecodedSession => {
    const what = `session '${ser.name}'`;
    const { entries, blocks } = form.decodeFiles(tables, what, ser);
    const count = ser['file_set_ser.count'];
    if (count !== BigInt(entries.length))
      problems.push(`${what}: ${count} files are recorded, ${entries.length} listed`);
    problems.push(
      ...twice(
        `${what}: token`,
        entries.map(({ token }) => hex(token)),
      ),
    );
    const files = entries.map((file): DecodedFile => {
      const own: string[] = [];
      const state = read(file, own);
      problems.push(...own.map((text) => `${what}, token ${hex(file.token)}: ${text}`));
      return { ...file, state };
    });
    return { name: ser.name, count, files, blocks };
  });
  problems.push(
    ...twice(
      'session',
      root.sessions.map(({ name }) => `'${name}'`),
    ),
  );
  const decodedFlbs = readFlbs(blob, tables, root.flbs, problems);
  return { ...root, format: form.format, decodedSessions, decodedFlbs, problems };
}

export function decode(blob: Blob): DecodedSubtree {
  const { format, fields, decodedSessions, decodedFlbs, problems } = readLuo(blob);
  const sessions = decodedSessions.map(({ files, ...session }) => ({
    ...session,
    files: files.map(fileFields),
  }));
  return { format, fields: { ...fields, sessions, flbs: decodedFlbs.map(flbFields) }, problems };
}

function fileFields({ token, compatible, data, state }: DecodedFile): { [key: string]: DecodedValue } {
  return { token, compatible, data, ...(state && { [state.key]: state.fields }) };
}

function twice(what: string, names: readonly string[]): string[] {
  const seen = new Set<string>();
  const again = new Set(names.filter((name) => seen.has(name) || !seen.add(name)));
  return [...again].map((name) => `${what} ${name} is there twice`);
}
