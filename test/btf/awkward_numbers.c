/* Prints what the compiler makes of awkward.h; test/btf/compiler.ts says in which words. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "awkward.h"

#define STRUCT(s) printf("struct " #s " %zu\n", sizeof(struct s))
#define UNION(s) printf("struct " #s " %zu\n", sizeof(union s))
#define FIELD_OF(t, n, f) printf("field " n "." #f " %zu %zu\n", offsetof(t, f), sizeof(((t *)0)->f))
#define FIELD(s, f) FIELD_OF(struct s, #s, f)
/* A flexible array has no sizeof: BTF gives it 0. */
#define FLEXIBLE(s, f) printf("field " #s "." #f " %zu 0\n", offsetof(struct s, f))
static volatile unsigned long long all_ones = ~0ULL;

/* All bits of the field are set, and found in the bytes. */
#define BITS_OF(t, n, f)                                          \
  do {                                                            \
    t object;                                                     \
    memset(&object, 0, sizeof(object));                           \
    object.f = all_ones;                                          \
    print_bits(n "." #f, (unsigned char *)&object, sizeof(object)); \
  } while (0)
#define BITS(s, f) BITS_OF(struct s, #s, f)
#define UNSIGNED(c) printf("constant " #c " %llu\n", (unsigned long long)(c))
#define SIGNED(c) printf("constant " #c " %lld\n", (long long)(c))

/* Bits count from the least significant of a byte, or from the most, as the target does. */
static int bit_is_set(const unsigned char *bytes, size_t bit) {
  int shift = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bit % 8 : 7 - bit % 8;
  return bytes[bit / 8] >> shift & 1;
}

static void print_bits(const char *name, const unsigned char *bytes, size_t size) {
  size_t first = 0, width = 0;
  while (first < size * 8 && !bit_is_set(bytes, first)) first++;
  while (first + width < size * 8 && bit_is_set(bytes, first + width)) width++;
  printf("bits %s %zu %zu\n", name, first, width);
}

static void plain(void) {
  STRUCT(holes), FIELD(holes, a), FIELD(holes, b), FIELD(holes, c), FIELD(holes, d), FIELD(holes, tail);
  STRUCT(no_holes), FIELD(no_holes, a), FIELD(no_holes, b), FIELD(no_holes, c), FIELD(no_holes, d);
  FIELD(no_holes, tail), FIELD(no_holes, count);
  STRUCT(aligned), FIELD(aligned, a), FIELD(aligned, b);
  STRUCT(nothing);
  STRUCT(numbers), FIELD(numbers, wide), FIELD(numbers, d), FIELD(numbers, f), FIELD(numbers, huge);
  FIELD(numbers, yes), FIELD(numbers, l), FIELD(numbers, ll), FIELD(numbers, text);
  STRUCT(matrix), FIELD(matrix, m), FIELD(matrix, h);
  STRUCT(flexible), FIELD(flexible, next), FIELD(flexible, type), FIELD(flexible, len), FLEXIBLE(flexible, data);
  STRUCT(zero_array), FIELD(zero_array, n), FIELD(zero_array, none);
  STRUCT(page_sized), FIELD(page_sized, next), FIELD(page_sized, phys);
}

static void nested(void) {
  UNION(choice), FIELD_OF(union choice, "choice", phys), FIELD_OF(union choice, "choice", ptr);
  FIELD_OF(union choice, "choice", bytes);
  STRUCT(named_union), FIELD(named_union, first), FIELD(named_union, first.phys), FIELD(named_union, first.ptr);
  FIELD(named_union, total_pages), FIELD(named_union, flags), FIELD(named_union, order);
  STRUCT(named_union_array), FIELD(named_union_array, n), FIELD(named_union_array, pair);
  STRUCT(anonymous), FIELD(anonymous, before), FIELD(anonymous, low), FIELD(anonymous, high);
  FIELD(anonymous, inner), FIELD(anonymous, inner.half), FIELD(anonymous, inner.deep), FIELD(anonymous, inner.real);
  FIELD(anonymous, raw), FIELD(anonymous, c1), FIELD(anonymous, c2), FIELD(anonymous, after);
  STRUCT(anonymous_odd), FIELD(anonymous_odd, first), FIELD(anonymous_odd, c);
  BITS(anonymous_odd, a);
  BITS(anonymous_odd, b);
  STRUCT(tagged_anonymous), FIELD(tagged_anonymous, x), FIELD(tagged_anonymous, a), FIELD(tagged_anonymous, b);
  FIELD(tagged_anonymous, c), FIELD(tagged_anonymous, d), FIELD(tagged_anonymous, tail);
  STRUCT(deep), FIELD(deep, x), FIELD(deep, one), FIELD(deep, one.pad), FIELD(deep, one.two), FIELD(deep, one.two.last);
  FIELD(deep, one.two.first), FIELD(deep, one.two.first.phys), FIELD(deep, one.two.first.ptr);
  BITS(deep, one.two.low);
  BITS(deep, one.two.high);
}

static void derived(void) {
  printf("struct untagged_t %zu\n", sizeof(untagged_t));
  FIELD_OF(untagged_t, "untagged_t", addr), FIELD_OF(untagged_t, "untagged_t", size);
  STRUCT(derived), FIELD(derived, chain), FIELD(derived, chains), FIELD(derived, own), FIELD(derived, fixed);
  FIELD(derived, own.addr), FIELD(derived, own.size), FIELD(derived, fixed.addr), FIELD(derived, fixed.size);
  FIELD(derived, pointer);
  FIELD(derived, unknown), FIELD(derived, self), FIELD(derived, function), FIELD(derived, functions);
  FIELD(derived, to_array), FIELD(derived, strings), FIELD(derived, number), FIELD(derived, byte), FIELD(derived, wide);
}

static void bit_fields(void) {
  STRUCT(luo_like), FIELD(luo_like, index);
  BITS(luo_like, pfn);
  BITS(luo_like, flags);
  STRUCT(bits), FIELD(bits, plain);
  BITS(bits, a);
  BITS(bits, b);
  BITS(bits, yes);
  BITS(bits, c);
  BITS(bits, d);
  BITS(bits, e);
  BITS(bits, f);
  BITS(bits, g);
  BITS(bits, h);
  BITS(bits, full);
  STRUCT(straddling), FIELD(straddling, last);
  BITS(straddling, a);
  BITS(straddling, b);
  BITS(straddling, c);
  BITS(straddling, d);
  UNION(bit_union), FIELD_OF(union bit_union, "bit_union", all);
  BITS_OF(union bit_union, "bit_union", low);
  BITS_OF(union bit_union, "bit_union", rest);
  STRUCT(far_bits), FIELD(far_bits, pad), FIELD(far_bits, last);
  BITS(far_bits, a);
  BITS(far_bits, b);
}

int main(void) {
  plain();
  nested();
  derived();
  bit_fields();
  UNSIGNED(SMALL_A), UNSIGNED(SMALL_B), UNSIGNED(SMALL_C);
  UNSIGNED(BYTE_ONE), UNSIGNED(BYTE_LAST);
  UNSIGNED(TOP_BIT), UNSIGNED(TOP_ALL);
  SIGNED(MINUS_ONE), SIGNED(MINUS_MANY);
  UNSIGNED(WIDE_LOW), UNSIGNED(WIDE_HIGH), UNSIGNED(WIDE_ALL);
  SIGNED(WIDE_MINUS), SIGNED(WIDE_PLUS);
  return 0;
}
