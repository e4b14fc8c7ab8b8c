import { KhoforgeError } from '../base/errors.ts';

/** Of a change that no target can say. */
export function inexpressible(what: string): KhoforgeError {
  return new KhoforgeError(
    'TARGET_INEXPRESSIBLE',
    `of the target's ABI this is nothing that data can say: ${what}`,
    { hint: 'khoforge abi diff shows what changed; an image for it needs a change of khoforge' },
  );
}
