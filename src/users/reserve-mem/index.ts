import { defineUser, none } from '../user.ts';
import { checks } from './checks.ts';
import { consoleLines } from './console.ts';
import { ownAbi } from './own-abi.ts';
import { receive } from './receive.ts';
import { decode, emit, schema } from './reserve-mem.ts';
import { respec } from './respec.ts';
import { state } from './state.ts';

/** Regions of the command line's reserve_mem=, which a receiver with the same reserve_mem= finds again. */
export const reserveMem = defineUser({
  key: 'reserve_mem',
  node: { name: 'MEMBLOCK_KHO_FDT' },
  schema,
  emit,
  decode,
  state,
  receive,
  lineage: none('it says nothing of the kernels before'),
  respec,
  checks,
  console: consoleLines,
  abi: ownAbi,
  parts: [],
});
