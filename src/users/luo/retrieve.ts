import { hex } from '../../base/numbers.ts';
import type { Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Incoming } from '../../kernel/stages.ts';
import type { Handler, StateAt } from '../handler.ts';
import { facet } from '../user.ts';
import { report } from './checks.ts';

/** What a handler makes of the state that LUO keeps for it, when it is asked for. */
export function* retrieveState(handler: Handler, kernel: Kernel, state: StateAt, incoming: Incoming): Stage {
  const struct = facet(handler.struct)?.(kernel.target);
  if (struct && !(yield* isReadable(kernel, state, struct, incoming))) return;
  const retrieve = facet(handler.retrieve);
  if (retrieve) yield* retrieve(kernel, state, incoming);
}

function* isReadable(
  kernel: Kernel,
  { where, data }: StateAt,
  { name, size }: { readonly name: string; readonly size: number },
  { preserved, restorer }: Incoming,
): Stage<boolean> {
  const end = data + BigInt(size);
  if (!kernel.inRam(data, end)) {
    const text = `struct ${name} at ${hex(data)} is not in RAM: the kernel faults as it reads it`;
    yield report('outside-ram', { where, text, conditional: true });
    return false;
  }
  if (!preserved.contains(data, end)) {
    const text = `struct ${name} at ${hex(data)} is not preserved: the file is garbage`;
    yield report('luo-not-preserved', { where, text, conditional: true });
  } else if (restorer.isRestored(data)) {
    const text = `struct ${name} at ${hex(data)} is in a page that was freed before: the file is garbage, and the kernel warns`;
    yield report('luo-not-preserved', { where, text, conditional: true });
  }
  return true;
}
