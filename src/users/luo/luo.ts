import { z } from 'zod';
import type { Struct } from '../../abi/declared.ts';
import { makeTarget } from '../../abi/target.ts';
import { hex } from '../../base/numbers.ts';
import { text, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import { MemfdBudget } from '../memfd/hash.ts';
import type { Blob, DecodedSubtree, DecodedValue } from '../user.ts';
import { luoFdt } from './fdt-form.ts';
import { type DecodedFile, decodeFile, emitFile, fileSchema } from './files.ts';
import type { LuoForm, LuoRoot } from './form.ts';
import type { SessionSer } from './incoming.ts';
import { PATH } from './path.ts';
import { luoStruct } from './struct-form.ts';
import { emitArray, LuoTables } from './tables.ts';

const { abi } = makeTarget();
const NAME = abi.number('LIVEUPDATE_SESSION_NAME_LENGTH') - 1;
const FLB_NAME = abi.number('LIVEUPDATE_FLB_COMPAT_LENGTH') - 1;

const isDistinct = <T, V>(list: readonly T[], key: (item: T) => V) =>
  new Set(list.map(key)).size === list.length;

const session = z.strictObject({
  name: text(`what its user called the session, 1 to ${NAME} characters`)
    .min(1, { error: () => `1 to ${NAME} characters` })
    .max(NAME, { error: () => `1 to ${NAME} characters` }),
  files: z
    .array(fileSchema)
    .refine((files) => isDistinct(files, ({ token }) => token), {
      error: () => 'a token of its own for each file',
    })
    .optional()
    .meta({ description: 'files, in the order in which they were preserved' }),
});

const flb = z.strictObject({
  name: text(`name of the object, up to ${FLB_NAME} characters`)
    .min(1, { error: () => 'a name' })
    .max(FLB_NAME, { error: () => `at most ${FLB_NAME} characters` }),
  data: u64('what it hands over, often an address; default 0').optional(),
  count: u64('files that depend on it; default 1').optional(),
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
      .array(flb)
      .refine((flbs) => isDistinct(flbs, ({ name }) => name), {
        error: () => 'a name of its own for each FLB',
      })
      .optional()
      .meta({ description: 'objects whose life is bound to files (FLBs), from 7.1 on' }),
  })
  .meta({ description: 'Live Update Orchestrator: sessions with files, as /dev/liveupdate gives them back' });

type Spec = z.output<typeof schema>;

const FORMS = { fdt: luoFdt, 'fdt-flb': luoFdt, struct: luoStruct } as const satisfies Record<
  string,
  LuoForm
>;

/** As liveupdate_reboot() leaves it (kernel/liveupdate/luo_core.c, 7.3). */
export function emit(producer: Producer, spec: Spec): void {
  const { generation } = producer.target;
  if (generation.luo === undefined) {
    producer.checker.broken('subtree-unknown', `${generation.name} has no ${PATH}`);
  }
  const form = FORMS[generation.luo ?? 'fdt'];
  const sessions = (spec.sessions ?? []).map(({ name, files = [] }, s): SessionSer => {
    const path = `${PATH}/sessions[${s}]/files`;
    const entries = files.map((file, f) => emitFile(producer, `${path}[${f}]`, file));
    const table = entries.length > 0 ? form.emitFiles(producer, path, entries) : 0n;
    return { name, 'file_set_ser.files': table, 'file_set_ser.count': BigInt(entries.length) };
  });
  const flbs = generation.luo === 'fdt' ? 0n : emitFlbs(producer, spec.flbs ?? []);
  form.emitRoot(producer, { number: spec.liveupdate_number ?? 1n, sessions, flbs });
}

/** luo_flb_setup_outgoing(), luo_flb_serialize() (kernel/liveupdate/luo_flb.c, 7.3): the page is there without any FLB. */
function emitFlbs(producer: Producer, flbs: NonNullable<Spec['flbs']>): bigint {
  return emitArray(producer, `${PATH}/flbs`, 'LUO_FLB_PGCNT', {
    header: {
      name: 'luo_flb_header_ser',
      values: { pgcnt: BigInt(producer.target.abi.number('LUO_FLB_PGCNT')), count: BigInt(flbs.length) },
    },
    entry: 'luo_flb_ser',
    values: flbs.map(({ name, data = 0n, count = 1n }) => ({ name, data, count })),
  });
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
  readonly decodedFlbs: readonly Struct<'luo_flb_ser'>[];
  readonly problems: readonly string[];
}

/** Reads what a receiver reads at once, and what it reads when /dev/liveupdate is opened. */
export function readLuo(blob: Blob): DecodedLuo {
  const { generation } = blob.target;
  const problems: string[] = [];
  const form = FORMS[generation.luo ?? 'fdt'];
  const tables = new LuoTables(blob.memory, blob.target, problems);
  const budget = new MemfdBudget();
  const root = form.decodeRoot(blob, tables, problems);
  const decodedSessions = root.sessions.map((ser): DecodedSession => {
    const what = `session '${ser.name}'`;
    const { entries, blocks } = form.decodeFiles(tables, what, ser);
    const count = ser['file_set_ser.count'];
    if (count !== BigInt(entries.length))
      problems.push(`${what}: ${count} files are told, ${entries.length} listed`);
    problems.push(
      ...twice(
        `${what}: token`,
        entries.map(({ token }) => hex(token)),
      ),
    );
    const files = entries.map((file) =>
      decodeFile(blob, file, budget, (text) => problems.push(`${what}, token ${hex(file.token)}: ${text}`)),
    );
    return { name: ser.name, count, files, blocks };
  });
  problems.push(
    ...twice(
      'session',
      root.sessions.map(({ name }) => `'${name}'`),
    ),
  );
  const decodedFlbs = root.flbs === 0n ? [] : readFlbs(tables, root.flbs);
  return { ...root, format: form.format, decodedSessions, decodedFlbs, problems };
}

export function decode(blob: Blob): DecodedSubtree {
  const { format, fields, decodedSessions, decodedFlbs, problems } = readLuo(blob);
  const sessions = decodedSessions.map(({ files, ...session }) => ({
    ...session,
    files: files.map(fileFields),
  }));
  return { format, fields: { ...fields, sessions, flbs: decodedFlbs.map((flb) => ({ ...flb })) }, problems };
}

function fileFields({ memfd, ...file }: DecodedFile): { [key: string]: DecodedValue } {
  return memfd === null ? file : { ...file, memfd: { ...memfd } };
}

function readFlbs(tables: LuoTables, phys: bigint): Struct<'luo_flb_ser'>[] {
  return tables.array('FLBs', phys, 'LUO_FLB_PGCNT', {
    header: 'luo_flb_header_ser',
    entry: 'luo_flb_ser',
    countOf: ({ count }) => count,
  });
}

function twice(what: string, names: readonly string[]): string[] {
  const seen = new Set<string>();
  const again = new Set(names.filter((name) => seen.has(name) || !seen.add(name)));
  return [...again].map((name) => `${what} ${name} is there twice`);
}
