import { z } from 'zod';
import type { Struct } from '../../abi/declared.ts';
import { text, u64 } from '../../base/spec-values.ts';
import type { Producer } from '../../emit/producer.ts';
import type { Handler, HandlerImage } from '../handler.ts';
import { optionalShape } from '../shape.ts';
import type { DecodedValue } from '../user.ts';
import { givenKeys } from './files.ts';
import { type DecodedState, emitState, FLBS, stateReader } from './handlers.ts';
import { FLBS_PATH, flbPath } from './paths.ts';
import { emitArray, type LuoTables } from './tables.ts';

export const FLB_HANDLERS: readonly Handler[] = Object.values(FLBS);
const KEYS = FLB_HANDLERS.map(({ key }) => key);

const name = text('name of the object, as long as the kernel has room for').min(1, { error: () => 'a name' });

export const flbSchema = z
  .strictObject({
    name: KEYS.length === 0 ? name : name.optional(),
    ...optionalShape(FLBS),
    data: u64('what it hands over, often an address; default 0').optional(),
    count: u64('files that depend on it; default 1').optional(),
  })
  .refine((flb) => givenKeys(flb, [...KEYS, 'name']).length === 1, {
    error: () => `either ${KEYS.join(', ')}, or name with data`,
  });

type Flb = z.output<typeof flbSchema>;
type FlbSer = Struct<'luo_flb_ser'>;

/** luo_flb_setup_outgoing(), luo_flb_serialize() (kernel/liveupdate/luo_flb.c, 7.3): the page is there without any FLB. */
export function emitFlbs(producer: Producer, flbs: readonly Flb[]): bigint {
  return emitArray(producer, FLBS_PATH, 'LUO_FLB', {
    header: {
      name: 'luo_flb_header_ser',
      values: { pgcnt: BigInt(producer.target.abi.number('LUO_FLB_PGCNT')), count: BigInt(flbs.length) },
    },
    entry: 'luo_flb_ser',
    values: flbs.map((flb, i) => emitFlb(producer, flbPath(i), flb)),
  });
}

function emitFlb(producer: Producer, path: string, flb: Flb): FlbSer {
  const { count = 1n, data = 0n } = flb;
  const state = emitState(FLB_HANDLERS, producer, path, flb);
  return state ? { name: state.compatible, data: state.data, count } : { name: flb.name ?? '', data, count };
}

/** An FLB as it is handed over. */
export interface DecodedFlb extends FlbSer {
  /** What is known of what it hands over. */
  readonly state: DecodedState | null;
}

/** @param phys of the page of FLBs; 0n where there is none */
export function readFlbs(
  image: HandlerImage,
  tables: LuoTables,
  phys: bigint,
  problems: string[],
): DecodedFlb[] {
  if (phys === 0n) return [];
  const read = stateReader(FLB_HANDLERS, image);
  const entries = tables.array('FLBs', phys, 'LUO_FLB', {
    header: 'luo_flb_header_ser',
    entry: 'luo_flb_ser',
    countOf: ({ count }) => count,
  });
  return entries.map((ser) => {
    const own: string[] = [];
    const state = read({ compatible: ser.name, data: ser.data }, own);
    problems.push(...own.map((text) => `FLB '${ser.name}': ${text}`));
    return { ...ser, state };
  });
}

export function flbFields({ state, ...flb }: DecodedFlb): { [key: string]: DecodedValue } {
  return state === null ? flb : { ...flb, [state.key]: state.fields };
}
