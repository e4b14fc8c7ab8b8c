import type { z } from 'zod';

type Schemas = Readonly<Record<string, { readonly schema: z.ZodType }>>;

/** The keys of a spec that stand for what users, or handlers of one, hand over. */
export type OptionalShape<S extends Schemas> = { [K in keyof S]: z.ZodOptional<S[K]['schema']> };

export function optionalShape<S extends Schemas>(all: S): OptionalShape<S> {
  const entries = Object.entries(all).map(([key, { schema }]) => [key, schema.optional()]);
  return Object.fromEntries(entries) as OptionalShape<S>;
}
