import { defineUser, none } from '../user.ts';
import { emit, schema } from './raw.ts';
import { respec } from './respec.ts';

const ANYBODY = 'any bytes under any name: which kernel reads them, and how, is not known';

/** A subtree of a user that khoforge does not know: any bytes under any name. */
export const raw = defineUser({
  key: 'raw',
  node: none('the spec gives the name'),
  schema,
  emit,
  decode: none(ANYBODY),
  state: none(ANYBODY),
  receive: none(ANYBODY),
  lineage: none(ANYBODY),
  respec,
  checks: none(ANYBODY),
  console: none(ANYBODY),
  abi: none(ANYBODY),
  parts: [],
});
