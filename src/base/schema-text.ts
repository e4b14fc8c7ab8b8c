const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
  string: 'text',
  undefined: 'nothing',
};

/** What zod says of a value of another type, in the words of everything else; a schema's own words stay as they are. */
export function schemaText(message: string): string {
  const [, expected, received] = /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? [];
  if (expected === undefined || received === undefined) return message;
  const word = (type: string) => TYPES[type] ?? `a ${type}`;
  return `expected ${word(expected)}, found ${word(received)}`;
}
