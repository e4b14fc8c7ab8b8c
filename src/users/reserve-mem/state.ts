import { KernelFdt } from '../../kernel/libfdt.ts';
import { MAX_HASHED, type State, sha256Of } from '../state.ts';
import type { Blob } from '../user.ts';
import { walkMemblock } from './walk.ts';

/** Each region with its label, its size and what it holds. */
export function state({ target, memory, bytes }: Blob): Omit<State, 'name'> {
  const parts: State[] = [];
  let left = BigInt(MAX_HASHED);
  for (const step of walkMemblock(target, KernelFdt.whole(bytes))) {
    if (step.kind !== 'region') continue;
    const { name, start, size } = step;
    const isSound = start !== undefined && size !== undefined && size <= left;
    if (isSound) left -= size;
    const sha256 = isSound ? sha256Of(memory, [{ phys: start, size: Number(size) }]) : null;
    parts.push({ name: `region ${name}`, facts: { size: size ?? null, sha256 }, parts: [] });
  }
  return { facts: {}, parts };
}
