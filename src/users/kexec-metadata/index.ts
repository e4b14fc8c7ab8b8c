import { defineUser } from '../user.ts';
import { checks } from './checks.ts';
import { consoleLines } from './console.ts';
import { decode, emit, schema } from './kexec-metadata.ts';
import { ownAbi } from './own-abi.ts';
import { receive } from './receive.ts';
import { respec } from './respec.ts';
import { state } from './state.ts';

/** The release of the kernel before, and how many there were: struct kho_kexec_metadata in a page of its own. */
export const kexecMetadata = defineUser({
  key: 'kexec-metadata',
  node: { name: 'KHO_METADATA_NODE_NAME' },
  schema,
  emit,
  decode,
  state,
  receive,
  lineage: ({ version = null, previous_release = null, kexec_count = null }) => ({
    version,
    previousRelease: previous_release,
    kexecCount: kexec_count,
  }),
  respec,
  checks,
  console: consoleLines,
  abi: ownAbi,
  parts: [],
});
