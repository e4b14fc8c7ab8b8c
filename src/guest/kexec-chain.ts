import { readFileSync } from 'node:fs';
import type { Arch } from '../abi/arch.ts';
import { KhoforgeError } from '../base/errors.ts';
import { GdbStub } from './gdb.ts';
import { type GuestOptions, withGuest } from './guest.ts';
import { buildInitrd, planLine } from './initrd.ts';
import { commandLine } from './qemu.ts';

/** A kernel of a chain that loads the next one and jumps into it. */
export interface ChainKernel {
  /** Path. */
  readonly kernel: string;
  /** Address of its `machine_kexec`. */
  readonly jump: bigint;
}

/** Kernels that run one after the other, all with one command line; the last one has `initrd`. */
export interface KexecChain extends Omit<GuestOptions, 'kernel' | 'debug'> {
  readonly first: ChainKernel;
  readonly between?: readonly ChainKernel[];
  /** Path. */
  readonly last: string;
  /** What the first kernel does before it loads the next: lines of a plan, and files for them. */
  readonly before?: readonly string[];
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
}

/** A guest that can be stopped each time just before it jumps. */
export interface JumpingGuest {
  /** Unix socket of QEMU's machine protocol. */
  readonly qmp: string;
  /**
   * Until the running kernel is at the jump: its handover is complete, and the next kernel does not run yet.
   * @throws KhoforgeError `QEMU_FAILED` when the guest ends before, `NO_JUMP` when the last kernel runs
   */
  untilJump(): Promise<void>;
  /** Lets the guest go on to its end. @returns console lines of all kernels, without their stamps */
  finish(): Promise<string[]>;
}

/** Milliseconds for QEMU to make its sockets. */
const START_PATIENCE = 10_000;

/** Starts the first kernel, stopped, uses the guest, and leaves nothing of it. @throws KhoforgeError of withGuest() */
export function withKexecChain<T>(chain: KexecChain, use: (guest: JumpingGuest) => Promise<T>): Promise<T> {
  const { first, between = [] } = chain;
  const initrd = chainInitrd(chain);
  return withGuest({ ...chain, kernel: first.kernel, initrd, debug: true }, async ({ qemu, ...guest }) => {
    const stub = await qemu.during(GdbStub.connect(guest.gdb, START_PATIENCE));
    const jumps = [first, ...between].values();
    return use({
      qmp: guest.qmp,
      async untilJump() {
        const { done, value } = jumps.next();
        if (done) throw new KhoforgeError('NO_JUMP', 'the last kernel of the chain runs: no jump is left');
        await qemu.during(stub.runTo(value.jump));
      },
      finish() {
        stub.detach();
        return guest.console();
      },
    });
  });
}

/** From the last kernel back: each initrd holds the next kernel and its initrd. */
function chainInitrd({
  arch,
  between = [],
  last,
  initrd,
  cmdline,
  before,
  files,
  cc,
}: KexecChain): Uint8Array {
  const next = [...between.map(({ kernel }) => kernel), last];
  const text = commandLine(cmdline, arch);
  return next.reduceRight<Uint8Array>(
    (inner, kernel, i) =>
      kexecInitrd({
        arch,
        kernel: readFileSync(kernel),
        initrd: inner,
        cmdline: text,
        ...(i === 0 && { before, files }),
        cc,
      }),
    initrd,
  );
}

/** Up to 6.18 an image carries KHO only when KHO was finalized before; later kernels but 6.19 have no such file. */
export const FINALIZE = planLine('write', '/sys/kernel/debug/kho/out/finalize', '1');

export interface KexecInitrd {
  readonly arch: Arch;
  /** What is loaded, and with what. */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  /** All of the next kernel's command line. */
  readonly cmdline: string;
  readonly before?: readonly string[] | undefined;
  readonly files?: Readonly<Record<string, Uint8Array>> | undefined;
  readonly cc?: string | undefined;
}

/** An initrd whose init loads `kernel` with `initrd` and jumps into it, after what is in `before`. */
export function kexecInitrd(options: KexecInitrd): Buffer {
  const { arch, kernel, initrd, cmdline, before = [], files, cc } = options;
  const plan = [
    ...before,
    FINALIZE,
    planLine('kexec_file_load', '/kernel', '/initrd', cmdline),
    planLine('kexec'),
  ];
  return buildInitrd({ arch, plan, files: { ...files, '/kernel': kernel, '/initrd': initrd }, cc });
}
