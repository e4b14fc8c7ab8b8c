import { z } from 'zod';
import { specSchema } from './schema.ts';

/** A JSON Schema, as far as we look into it. */
export interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  [key: string]: unknown;
}

/** The JSON Schema of the YAML file, for editors. What only TypeScript can give (bigint, bytes) is left out. */
export function specJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(specSchema, { io: 'input', unrepresentable: 'any' });
  return prune(JSON.parse(JSON.stringify(schema)));
}

/** Drops the empty alternatives that stand for types JSON has not. */
function prune(schema: JsonSchema): JsonSchema {
  const pruned = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      typeof value === 'object' && value !== null ? pruneValue(key, value) : value,
    ]),
  );
  return pruned;
}

function pruneValue(key: string, value: object): unknown {
  if (Array.isArray(value)) {
    const parts: unknown[] = value;
    const items = parts.map((item) =>
      typeof item === 'object' && item !== null ? prune({ ...item }) : item,
    );
    return key === 'anyOf' ? items.filter((item) => Object.keys(Object(item)).length > 0) : items;
  }
  return prune({ ...value });
}

let cached: JsonSchema | undefined;

/** The keys that an object at `path` may have. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  cached ??= specJsonSchema();
  let schemas: JsonSchema[] = [cached];
  for (const part of path) {
    schemas = schemas
      .flatMap((schema) => alternatives(schema))
      .flatMap((schema) => {
        const next = typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
        return next ? [next] : [];
      });
  }
  return schemas.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf ? schema.anyOf.flatMap(alternatives) : [schema];
}
