import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ChainKernel, type JumpingGuest, withKexecChain } from '../../src/guest/kexec-chain.ts';
import { khoInitrd } from './plans.ts';

/** Kernels that kexec one into the next; the last one prints what debugfs shows of the handover. */
export interface Chain {
  /** Paths, first to last; a System.map lies beside each. */
  readonly kernels: readonly [string, ...string[], string];
  /** Kernel parameters beside khoforge's own. */
  readonly cmdline?: string;
  /** Of the last kernel, when it is another one. */
  readonly initrd?: Uint8Array;
  /** Lines of a plan for the first kernel, and files for them. */
  readonly before?: readonly string[];
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** Starts the first of x86_64 kernels in 256 MiB, stopped, uses the guest, and leaves nothing of it. */
export function withJumpingGuest<T>(
  { kernels: [first, ...others], initrd = khoInitrd(), ...chain }: Chain,
  use: (guest: JumpingGuest) => Promise<T>,
): Promise<T> {
  const between = others.slice(0, -1).map(jumping);
  const last = others.at(-1) ?? first;
  const options = { arch: 'x86_64', memory: 256n << 20n, timeout: 300 } as const;
  return withKexecChain({ ...options, ...chain, first: jumping(first), between, last, initrd }, use);
}

function jumping(kernel: string): ChainKernel {
  const map = readFileSync(join(dirname(kernel), 'System.map'), 'latin1');
  const address = /^([0-9a-f]+) [tT] machine_kexec$/m.exec(map)?.[1];
  if (address === undefined) throw new Error(`${kernel} has no machine_kexec`);
  return { kernel, jump: BigInt(`0x${address}`) };
}
