import { describe, expect, it } from 'vitest';
import { functionsOf } from '../../src/coverage/functions.ts';

const FILE = `#include <x.h>
struct thing {
	int a;
};

static const struct ops ops = {
	.call = one,
};

/*
 * A comment (with parentheses)
 */
static int __init one(void)
{
	if (x) {
		return 1;
	}
	return 0;
}
early_param("one", one);

__printf(1, 2) void *two(const char *format,
			 int count)
{
}
EXPORT_SYMBOL(two);
static void __ref *three(void)
{
	return 0;
}
`;

describe('functionsOf', () => {
  it('finds what a file defines, from its name to its closing brace', () => {
    expect(functionsOf(FILE)).toEqual([
      { name: 'one', first: 13, last: 19 },
      { name: 'two', first: 22, last: 25 },
      { name: 'three', first: 27, last: 30 },
    ]);
  });

  it('finds nothing in a file without functions', () => {
    expect(functionsOf('')).toEqual([]);
    expect(functionsOf('{')).toEqual([]);
  });
});
