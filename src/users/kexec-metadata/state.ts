import type { State } from '../state.ts';
import type { Blob } from '../user.ts';
import { decode } from './kexec-metadata.ts';

/** There is no address in it. */
export const state = (blob: Blob): Omit<State, 'name'> => ({ facts: decode(blob).fields, parts: [] });
