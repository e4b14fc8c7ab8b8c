import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerpt } from '../../src/profile/excerpt.ts';
import { hasLiteral, readProperties } from '../../src/profile/properties.ts';
import { scan } from '../../src/profile/scan.ts';

const members = (body: string) => {
  const [struct] = scan(`struct s {\n${body}\n};`).structs;
  return { names: struct?.members.map(({ name }) => name), unread: struct?.unread };
};

describe('scan', () => {
  it.each([
    ['u64 a; u32 b, c;', ['a', 'b', 'c']],
    ['char name[LEN + 1]; u64 pfn:52; u64 flags:12;', ['name', 'pfn', 'flags']],
    ['struct other *next; struct other inner; int (*call)(int a, int b);', ['next', 'inner', 'call']],
    ['union { u64 phys; void *ptr; } first;', ['first.phys', 'first.ptr']],
    ['struct { u32 a; union { u32 b; u64 c; }; };', ['a', 'b', 'c']],
    ['DECLARE_BITMAP(bitmap, 1 << N); DECLARE_KHOSER_PTR(first, struct chunk *);', ['bitmap', 'first']],
    ['u64 a __aligned(8); u8 data[];', ['a']],
    ['u64 :4; u64 b:2;', ['b']],
    ['#ifdef X\nu32 a; /* u32 no; */ // u32 neither;\n#endif\nu32 b;', ['a', 'b']],
    ['unsigned long long int a; const unsigned char b[3][4];', ['a', 'b']],
  ])('reads the members of %s', (body, expected) => {
    expect(members(body)).toEqual({ names: expected, unread: [] });
  });

  it.each(['FOO(x, y);', 'u64;', 'struct_group(a, u32 b; u32 c;);'])(
    'says that it cannot read %s',
    (body) => {
      expect(members(`u64 a; ${body}`).unread).toHaveLength(1);
    },
  );

  it('finds macros with a body, and leaves out guards and those with arguments', () => {
    const { macros } = scan(
      '#define _H\n#define A 1\n# define B(x) x\n#define C \\\n  "c" /* no */\n#define D (x)\n',
    );
    expect(macros.map(({ name, body, first, last }) => [name, body, first, last])).toEqual([
      ['A', '1', 2, 2],
      ['C', '"c"', 4, 5],
      ['D', '(x)', 6, 6],
    ]);
  });

  it('finds enumerators and assertions, and not what stands in functions', () => {
    const found = scan(`
      enum consts { A = 1, B = MAX(A, 2), /* C, */ };
      enum { D };
      static_assert(sizeof(struct s) == PAGE_SIZE);
      struct s *f(struct s *p) { struct inner { int a; } x; return p; }
      static struct s g = { .a = 1 };
      struct s { int a; } __packed;
    `);
    expect(found.enums.map(({ name, enumerators }) => [name, ...enumerators])).toEqual([
      ['consts', 'A', 'B'],
      ['', 'D'],
    ]);
    expect(found.structs.map(({ name }) => name)).toEqual(['s']);
    expect(found.assertions).toEqual(['sizeof ( struct s ) = = PAGE_SIZE']);
  });

  it('takes any text', () => {
    const piece = fc.constantFrom(
      'struct',
      's',
      '{',
      '}',
      '(',
      ')',
      ';',
      '#define',
      '"',
      "'",
      '/*',
      '*/',
      '\\',
      '\n',
      ',',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 60 }), (pieces) => {
        const text = pieces.join(' ');
        const found = scan(text);
        expect(excerpt(text, found, () => true).split('\n')).toHaveLength(text.split('\n').length);
        readProperties(text);
      }),
    );
  });
});

describe('excerpt', () => {
  it('keeps what is asked for and what that uses, on its lines', () => {
    const source = [
      '#define SIZE 4',
      'static int f(void) { return 1; }',
      'struct a { int x[SIZE]; };',
      '#define OTHER 1',
    ];
    const text = source.join('\n');
    expect(excerpt(text, scan(text), (name) => name === 'a').split('\n')).toEqual([
      source[0],
      '',
      source[2],
      '',
    ]);
  });
});

describe('readProperties', () => {
  it('finds the type that a property is read as', () => {
    const source = `
      const struct kho_vmalloc *folios; const phys_addr_t *p_start, *p_size; const void *raw;
      folios = fdt_getprop(fdt, node, "folios_info", &len);
      p_start = fdt_getprop(fdt, offset, "start", &len_start);
      p_size = fdt_getprop(fdt, offset, "size", &len_size);
      raw = fdt_getprop(fdt, 0, "raw", &len);
      other = fdt_getprop(fdt, 0, MACRO, &len);`;
    expect(readProperties(source)).toEqual([
      { name: 'folios_info', type: 'struct kho_vmalloc' },
      { name: 'start', type: 'phys_addr_t' },
      { name: 'size', type: 'phys_addr_t' },
    ]);
  });

  it('finds a literal in code, not in a comment', () => {
    expect(hasLiteral('f("data");', 'data')).toBe(true);
    expect(hasLiteral('/* "data" */ f("data2");', 'data')).toBe(false);
  });
});
