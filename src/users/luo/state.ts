import { hex } from '../../base/numbers.ts';
import type { State } from '../state.ts';
import type { Blob } from '../user.ts';
import type { DecodedFile } from './files.ts';
import type { DecodedFlb } from './flbs.ts';
import type { DecodedState } from './handlers.ts';
import { readLuo } from './luo.ts';

/** Sessions by name, files by token, FLBs by name; not how many live updates there were, which the next kernel counts on. */
export function state(blob: Blob): Omit<State, 'name'> {
  const { decodedSessions, decodedFlbs } = readLuo(blob);
  const sessions = decodedSessions.map(
    ({ name, files }): State => ({ name: `session ${name}`, facts: {}, parts: files.map(fileState) }),
  );
  return { facts: {}, parts: [...sessions, ...decodedFlbs.map(flbState)] };
}

const fileState = ({ token, compatible, state: own }: DecodedFile): State =>
  handled(`file ${hex(token)}`, own, { compatible });

const flbState = ({ name, count, state: own }: DecodedFlb): State => handled(`flb ${name}`, own, { count });

/** Of whom nobody here reads, what LUO itself says. */
function handled(name: string, own: DecodedState | null, said: State['facts']): State {
  if (own) return { name, facts: { handler: own.key, ...own.facts }, parts: [] };
  return { name, facts: said, parts: [], unread: 'what it hands over, often an address' };
}
