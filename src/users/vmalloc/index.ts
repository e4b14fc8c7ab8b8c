import { defineUser, none } from '../user.ts';
import { emit, schema } from './vmalloc-area.ts';

const NAMELESS = 'no kernel has such a subtree: which blobs are descriptors, their names do not say';

/** A vmalloc area as a subtree of its own: the blob is what kho_restore_vmalloc() restores it from. */
export const vmallocArea = defineUser({
  key: 'vmalloc',
  node: none('the spec gives the name'),
  schema,
  emit,
  decode: none(NAMELESS),
  state: none(NAMELESS),
  receive: none(NAMELESS),
  lineage: none(NAMELESS),
  respec: none(NAMELESS),
  checks: none(NAMELESS),
  console: none('kho_restore_vmalloc() says nothing; who asked for the area does'),
  abi: none('struct kho_vmalloc is part of KHO itself, in kexec_handover.h'),
  parts: [],
});
