import { defineUser, none } from '../user.ts';
import { checks } from './checks.ts';
import { consoleLines } from './console.ts';
import { HANDLERS } from './files.ts';
import { FLB_HANDLERS } from './flbs.ts';
import { decode, emit, schema } from './luo.ts';
import { ownAbi } from './own-abi.ts';
import { receive } from './receive.ts';
import { respec } from './respec.ts';
import { state } from './state.ts';

/** Sessions and their files: what a live update keeps open over the kexec. */
export const luo = defineUser({
  key: 'luo',
  node: { name: 'LUO_KHO_ENTRY_NAME' },
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
  parts: [...HANDLERS, ...FLB_HANDLERS],
});
