import { defineUser, none } from '../user.ts';
import { checks } from './checks.ts';
import { consoleLines } from './console.ts';
import { decode, emit, schema } from './kho-test.ts';
import { ownAbi } from './own-abi.ts';
import { receive } from './receive.ts';
import { respec } from './respec.ts';
import { state } from './state.ts';

/** What the kernel's own self-test hands over: folios of random content, a list of them, and a checksum. */
export const khoTest = defineUser({
  key: 'kho_test',
  node: { name: 'KHO_TEST_FDT' },
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
