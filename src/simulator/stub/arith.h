/* Arithmetic and bits (include/linux/minmax.h, align.h, math.h, bits.h, log2.h, bitops.h, find.h). */
#ifndef SIM_ARITH_H
#define SIM_ARITH_H

#undef min
#undef max
#define min(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp(x, low, high) min(max(x, low), high)
#define swap(a, b) do { typeof(a) swap_ = (a); (a) = (b); (b) = swap_; } while (0)
#define abs_diff(a, b) ((a) > (b) ? (a) - (b) : (b) - (a))

#define __ALIGN_MASK(x, mask) (((x) + (mask)) & ~(mask))
#define ALIGN(x, a) __ALIGN_MASK(x, (typeof(x))(a)-1)
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a)-1)) == 0)
#define PTR_ALIGN(p, a) ((typeof(p))ALIGN((unsigned long)(p), (a)))
#define __round_mask(x, y) ((typeof(x))((y)-1))
#define round_up(x, y) ((((x)-1) | __round_mask(x, y)) + 1)
#define round_down(x, y) ((x) & ~__round_mask(x, y))
#define roundup(x, y) ((((x) + (y)-1) / (y)) * (y))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define DIV_ROUND_UP_ULL(n, d) DIV_ROUND_UP((u64)(n), (u64)(d))

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_TYPE(type) (sizeof(type) * BITS_PER_BYTE)
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(high, low) ((~0UL << (low)) & (~0UL >> (63 - (high))))
#define UL(x) (x##UL)
#define ULL(x) (x##ULL)
#define _UL(x) (x##UL)
#define typecheck(type, x) ((void)((type *)0 == &(x)))
#define _AC(x, suffix) (x##suffix)
#define _BITUL(x) (1UL << (x))
#define BITS_TO_LONGS(n) (((n) + 63) / 64)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define S32_MAX INT_MAX
#define U64_MAX ((u64)~0ULL)
#define U32_MAX ((u32)~0U)
#ifndef SIZE_MAX
#define SIZE_MAX (~(size_t)0)
#endif
#define PHYS_ADDR_MAX (~(phys_addr_t)0)
#define MAX_LFS_FILESIZE ((loff_t)LLONG_MAX)

static inline int fls64(u64 x) { return x ? 64 - __builtin_clzll(x) : 0; }
static inline int fls(unsigned int x) { return x ? 32 - __builtin_clz(x) : 0; }
#define __fls(x) ((unsigned long)(63 - __builtin_clzl(x)))
#define __ffs(x) ((unsigned long)__builtin_ctzl(x))
#define ilog2(x)                                                                                                       \
	(__builtin_constant_p(x) ? ((x) < 2 ? 0 : 63 - __builtin_clzll(x)) : (int)(fls64(x) - 1))
#define const_ilog2(x) ((x) < 2 ? 0 : 63 - __builtin_clzll(x))
#define order_base_2(x) ((x) > 1 ? ilog2((x)-1) + 1 : 0)
static inline bool is_power_of_2(unsigned long x) { return x != 0 && (x & (x - 1)) == 0; }
static inline u64 ror64(u64 x, unsigned int by) { return (x >> (by & 63)) | (x << (-by & 63)); }
static inline unsigned long roundup_pow_of_two(unsigned long x) { return 1UL << (x > 1 ? fls64(x - 1) : 0); }
static inline void __set_bit(unsigned long at, unsigned long *bits) { bits[at / 64] |= 1UL << at % 64; }
static inline void __clear_bit(unsigned long at, unsigned long *bits) { bits[at / 64] &= ~(1UL << at % 64); }
static inline unsigned long find_next_bit(const unsigned long *bits, unsigned long size, unsigned long from)
{
	for (unsigned long at = from; at < size; at++) {
		unsigned long word = bits[at / 64] >> at % 64;

		if (word)
			return min(at + __builtin_ctzl(word), size);
		at |= 63;
	}
	return size;
}
#define for_each_set_bit(at, bits, size)                                                                               \
	for ((at) = find_next_bit(bits, size, 0); (at) < (size); (at) = find_next_bit(bits, size, (at) + 1))

#endif
