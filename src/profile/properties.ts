import { withoutComments } from './tokens.ts';

/** A property of a device tree that code reads through a typed pointer. */
export interface ReadProperty {
  readonly name: string;
  /** C type of one element. */
  readonly type: string;
}

/**
 * The properties that a .c file reads: `V = fdt_getprop(…, "name", …)`, where V is declared as `const T *V`.
 * The type is how a format without a structure shows itself (lib/test_kho.c, 6.17 and 6.18).
 */
export function readProperties(source: string): ReadProperty[] {
  const text = withoutComments(source);
  const reads = text.matchAll(/\b(\w+)\s*=\s*fdt_getprop\s*\([^";]*"([^"\n]+)"/g);
  const found = [...reads].flatMap(([, variable, name]) => {
    const type = variable === undefined ? undefined : pointee(text, variable);
    return name === undefined || type === undefined ? [] : [{ name, type }];
  });
  return found.filter(({ name }, i) => found.findIndex((other) => other.name === name) === i);
}

function pointee(text: string, variable: string): string | undefined {
  const declaration = new RegExp(
    String.raw`\bconst\s+((?:struct\s+)?\w+(?:\s+\w+){0,3}?)\s*\*[\w\s,*]{0,200}\b${variable}\b[\w\s,*]{0,200};`,
  );
  const type = declaration.exec(text)?.[1];
  return type === 'void' ? undefined : type;
}

/** Whether `literal` stands in the code as a string of its own. */
export function hasLiteral(source: string, literal: string): boolean {
  return withoutComments(source).includes(`"${literal}"`);
}
