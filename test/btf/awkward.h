/*
 * Structures in which a reader of BTF can go wrong. What their numbers are is for
 * the compiler to say: awkward_numbers.c prints them, and its list of fields has
 * to name each one here.
 */
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

struct never_defined;
enum small { SMALL_A, SMALL_B = 200, SMALL_C = 0x7fffffff };
enum __attribute__((packed)) byte_sized { BYTE_ONE = 1, BYTE_LAST = 255 };
enum top_bit { TOP_BIT = 0x80000000u, TOP_ALL = 0xffffffffu };
enum negative { MINUS_ONE = -1, MINUS_MANY = -0x7fffffff };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 0x123456789abcdef0ull, WIDE_ALL = 0xffffffffffffffffull };
enum wide_negative { WIDE_MINUS = -0x123456789abcdef0ll, WIDE_PLUS = 0x7fffffffffffffffll };

struct holes { char a; int b; short c; long d; char tail; };
struct __attribute__((packed)) no_holes { char a; int b; short c; long d; char tail[65]; u32 count; };
struct __attribute__((aligned(64))) aligned { char a; char b __attribute__((aligned(16))); };
struct nothing { };

union choice { u64 phys; void *ptr; u8 bytes[3]; };
struct named_union { union { u64 phys; struct holes *ptr; } first; u32 total_pages; u16 flags; u16 order; };
struct named_union_array { u32 n; struct { u16 x; u32 y; } pair[3]; };

struct anonymous {
  u32 before;
  union {
    struct { u8 low; u64 high; };
    struct { u16 half; union { u32 deep; float real; }; } inner;
    u8 raw[24];
  };
  const struct { u32 c1; volatile u32 c2; };
  u8 after;
};
struct __attribute__((packed)) anonymous_odd {
  u8 first;
  struct { u32 a : 5; u32 b : 20; u8 c; };
};
/* As the kernel's -fms-extensions allows. */
struct tagged_anonymous { u8 x; struct holes; };

struct __attribute__((packed)) level_two {
  u16 low : 3, high : 6;
  union { u64 phys; void *ptr; } first;
  u8 last;
};
struct level_one { u8 pad[3]; struct level_two two; };
struct deep { u16 x; struct level_one one; };

struct luo_like { u64 pfn : 52; u64 flags : 12; u64 index; };
struct bits {
  int a : 4;
  int : 4;
  unsigned int b : 4;
  bool yes : 1;
  int : 0;
  unsigned char c : 3;
  unsigned short d : 9;
  signed char e : 8;
  enum small f : 31;
  u64 g : 33;
  u64 h : 31;
  u64 full : 64;
  u32 plain;
};
struct __attribute__((packed)) straddling { u8 a : 3; u32 b : 32; u64 c : 37; u16 d : 16; u8 last; };
union bit_union { u32 all; u32 low : 7; struct { u32 : 7; u32 rest : 25; }; };

typedef const volatile u32 chained_1;
typedef chained_1 chained_2;
typedef struct { u64 addr; u64 size; } untagged_t;
struct derived {
  chained_2 chain;
  chained_2 chains[2];
  untagged_t own;
  const untagged_t fixed;
  untagged_t *const restrict pointer;
  struct never_defined *unknown;
  struct derived *self[2][3];
  int (*function)(struct derived *, int);
  void *(*functions[4])(void);
  int (*to_array)[5];
  const char *const *strings;
  enum small number;
  enum byte_sized byte;
  enum wide wide;
};

struct numbers { long double wide; double d; float f; __int128 huge; bool yes; long l; long long ll; char text[65]; };
struct matrix { u16 m[3][5]; struct holes h[2][2]; };
struct flexible { u64 next; u32 type; u32 len; u8 data[]; };
struct zero_array { u32 n; u64 none[0]; };
struct page_sized { u64 next; u64 phys[(65536 - 8) / 8]; };
struct far_bits { u8 pad[70001]; u8 a : 2; u8 b : 5; u32 last; };
