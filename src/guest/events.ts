export type Accelerator = 'tcg' | 'kvm';

/** How a run of QEMU ended. */
export type RunEnd =
  /** By itself, with status 0: the guest powered off or reset. */
  | { readonly kind: 'exit' }
  /** The guest printed a line after which nothing can follow, and did not end by itself. */
  | { readonly kind: 'stopped'; readonly line: string }
  | { readonly kind: 'timeout'; readonly seconds: number }
  /** No sign of life on the console in this time. */
  | { readonly kind: 'silence'; readonly seconds: number }
  /** The same, where the host had no processor for QEMU most of the time: that says nothing about the guest. */
  | { readonly kind: 'slow'; readonly seconds: number }
  /** The guest went on, and said nothing more, for so long: of processor time, where it took any. */
  | { readonly kind: 'stalled'; readonly seconds: number }
  /** More console output than the limit. */
  | { readonly kind: 'flood'; readonly bytes: number }
  /** The caller's signal. */
  | { readonly kind: 'aborted' }
  /** QEMU itself failed: that says nothing about the guest. */
  | { readonly kind: 'failed'; readonly status: string; readonly stderr: string };

/** What happens in a run, in this order: a start, lines, an end. */
export type RunEvent =
  | { readonly type: 'start'; readonly argv: readonly string[]; readonly accel: Accelerator }
  /** One console line, without its line end. `seconds` since the start. */
  | { readonly type: 'line'; readonly text: string; readonly seconds: number }
  /** `lost`: seconds of them in which the host had no processor for QEMU. */
  | { readonly type: 'end'; readonly end: RunEnd; readonly seconds: number; readonly lost: number };
