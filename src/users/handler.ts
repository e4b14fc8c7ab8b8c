import type { z } from 'zod';
import type { Target } from '../abi/target.ts';
import type { Producer } from '../emit/producer.ts';
import type { Stage } from '../kernel/events.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Incoming } from '../kernel/stages.ts';
import type { Facts } from './state.ts';
import type { Blob, DecodedSubtree, Described, Facet, SpecFragment } from './user.ts';

/** What is read of an image for the state of one handler. */
export type HandlerImage = Pick<Blob, 'target' | 'memory' | 'orderAt'>;

/** State as it is handed over. */
export interface HandledState {
  readonly fields: DecodedSubtree['fields'];
  /** What of it does not tell where it stands. */
  readonly facts: Facts;
  /** As what stands below the handler's key in a spec; undefined where no spec says it. */
  respec(path: string): SpecFragment | undefined;
}

/** Where LUO keeps a handler's state, and what is known of it there. */
export interface StateAt {
  /** Path of the file or FLB. */
  readonly where: string;
  /** What LUO hands over. */
  readonly data: bigint;
}

/**
 * Someone whose state LUO hands over by a name and a number: the handler of a kind of file, or a file-lifecycle-bound
 * object (FLB).
 */
export interface Handler<Schema extends z.ZodType = z.ZodType> extends Described {
  /** Key of its state in a spec. */
  readonly key: string;
  readonly schema: Schema;
  /** The name that LUO hands over; undefined where the target's kernel has no such handler. */
  compatible(target: Target): string | undefined;
  /** The structure that LUO keeps the address of. */
  readonly struct: Facet<(target: Target) => { readonly name: string; readonly size: number }>;
  /** Emits the state. @returns what LUO hands over */
  emit(producer: Producer, path: string, spec: z.output<Schema>): bigint;
  /** A reader of one image, which keeps what it reads within bounds; it gives null for what cannot be read. */
  reader(image: HandlerImage): (data: bigint, problems: string[]) => HandledState | null;
  /** What a kernel does when the state is retrieved. Its lines come only then. */
  readonly retrieve: Facet<(kernel: Kernel, state: StateAt, incoming: Incoming) => Stage>;
}

export function defineHandler<Schema extends z.ZodType>(handler: Handler<Schema>): Handler<Schema> {
  return handler;
}
