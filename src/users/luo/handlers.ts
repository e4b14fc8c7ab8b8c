import { GENERATIONS } from '../../abi/generations.ts';
import { inexpressible } from '../../abi/inexpressible.ts';
import { makeTarget, type Target } from '../../abi/target.ts';
import type { Producer } from '../../emit/producer.ts';
import type { HandledState, Handler, HandlerImage } from '../handler.ts';
import { memfd } from '../memfd/index.ts';
import { statePath } from './paths.ts';

/** The handlers of files that khoforge knows, by their keys in a spec. A new one is a folder and a line here. */
export const FILE_HANDLERS = { memfd } as const satisfies Readonly<Record<string, Handler>>;

/** The file-lifecycle-bound objects that khoforge knows, in the same way. No release has any. */
export const FLBS = {} as const satisfies Readonly<Record<string, Handler>>;

/** The handler that a target's kernel has for a name. */
export function handlerFor(handlers: readonly Handler[], target: Target, name: string): Handler | undefined {
  return handlers.find((handler) => handler.compatible(target) === name);
}

/** What LUO hands over for a file or an FLB. */
interface Named {
  readonly compatible: string;
  readonly data: bigint;
}

/** Emits what one of the handlers is asked for; undefined where the entry of a spec has the key of none. */
export function emitState(
  handlers: readonly Handler[],
  producer: Producer,
  path: string,
  entry: Readonly<Record<string, unknown>>,
): Named | undefined {
  const handler = handlers.find(({ key }) => entry[key] !== undefined);
  if (!handler) return undefined;
  const { key } = handler;
  const compatible = handler.compatible(producer.target);
  if (compatible === undefined) throw inexpressible(`${producer.target.generation.name} has no ${key}`);
  return { compatible, data: handler.emit(producer, statePath(path, key), entry[key]) };
}

/** A handler's state as it is handed over. */
export interface DecodedState extends HandledState {
  /** The handler's. */
  readonly key: string;
}

/** A reader of what handlers hand over: null for the state of others, and for what cannot be read. */
export function stateReader(handlers: readonly Handler[], image: HandlerImage) {
  const { target } = image;
  const readers = new Map(handlers.map((handler) => [handler, handler.reader(image)]));
  const named = new Map(
    GENERATIONS.flatMap((generation) =>
      handlers.map((one) => [one.compatible(makeTarget({ generation })), one] as const),
    ),
  );
  return ({ compatible, data }: Named, problems: string[]): DecodedState | null => {
    const own = handlerFor(handlers, target, compatible);
    const state = own && readers.get(own)?.(data, problems);
    if (own) return state ? { key: own.key, ...state } : null;
    const stranger = named.get(compatible);
    if (stranger) {
      const has = stranger.compatible(target) ?? 'none';
      problems.push(`handler '${compatible}', ${target.generation.name} has '${has}'`);
    }
    return null;
  };
}
