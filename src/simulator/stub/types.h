/* Types and attributes (the kernel's include/linux/types.h, compiler.h, build_bug.h, err.h and the like). */
#ifndef SIM_TYPES_H
#define SIM_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef int __s32;
typedef long long __s64;
typedef u64 __aligned_u64 __attribute__((aligned(8)));
typedef u32 __wsum;
typedef u16 __sum16;
typedef u16 __be16;
typedef u32 __be32;
typedef u64 __be64;
typedef u64 phys_addr_t;
typedef u64 resource_size_t;
typedef u32 gfp_t;
typedef unsigned short umode_t;
typedef unsigned long pgoff_t;
typedef int (*initcall_t)(void);
struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
#define LIST_POISON1 ((void *)0xdead000000000100UL)
#define LIST_POISON2 ((void *)0xdead000000000122UL)

#include <linux/kconfig.h>

#define __init
#define __exit
#define __ref
#define __refdata
#define __initdata
#define __initdata_memblock
#define __init_memblock
#define __meminit
#define __ro_after_init
#define __read_mostly
#define __user
#define __iomem
#define __force
#define __private
#define __must_check
#define __bitwise
#define __percpu
#define __rcu
#define __nonstring
#define noinline_for_stack
#define __counted_by(member)
#define __printf(a, b)
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define __maybe_unused __attribute__((unused))
#define __used __attribute__((used))
#define __weak __attribute__((weak))
#define __packed __attribute__((packed))
#define __aligned(x) __attribute__((aligned(x)))
#define __context_unsafe(reason)
#define __no_context_analysis
#define __visible
#define __cleanup(f) __attribute__((cleanup(f)))
#define __pure __attribute__((pure))
#define __malloc
#define __acquires(x)
#define __releases(x)
#define fallthrough __attribute__((fallthrough))
#define asmlinkage
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define _RET_IP_ 0UL
#define _THIS_IP_ 0UL
#define SMP_CACHE_BYTES 64
#define barrier() __asm__ volatile("" ::: "memory")
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_store_release(p, value) WRITE_ONCE(*(p), value)
#define data_race(x) (x)
#define ACCESS_PRIVATE(p, member) ((p)->member)
#define __same_type(a, b) __builtin_types_compatible_p(typeof(a), typeof(b))
#define static_assert(x, ...) _Static_assert(x, #x)
#define BUILD_BUG_ON(x) ((void)sizeof(char[1 - 2 * !!(x)]))
#define BUILD_BUG_ON_ZERO(x) ((int)(sizeof(struct { int : (-!!(x)); })))
#define BUILD_BUG_ON_MSG(x, text) BUILD_BUG_ON(x)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define typeof_member(type, member) typeof(((type *)0)->member)
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define container_of_const(p, type, member) container_of(p, type, member)
#define __UNIQUE_ID(prefix) SIM_PASTE(prefix, __COUNTER__)
#define SIM_PASTE(a, b) SIM_PASTE_(a, b)
#define SIM_PASTE_(a, b) a##b
#define __PASTE(a, b) SIM_PASTE(a, b)
#define __stringify(x...) __stringify_1(x)
#define __stringify_1(x...) #x

#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(void *)(x) >= (unsigned long)-MAX_ERRNO)
static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return IS_ERR_VALUE(p); }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR_VALUE(p); }
static inline void *ERR_CAST(const void *p) { return (void *)p; }
static inline int PTR_ERR_OR_ZERO(const void *p) { return IS_ERR(p) ? (int)PTR_ERR(p) : 0; }
#define ENOTSUPP 524
#define ENOIOCTLCMD 515

/* Whatever the compiler makes of an unaligned pointer. */
#define get_unaligned(p) (((const struct { typeof(*(p)) x; } __packed *)(p))->x)
static inline unsigned long load_unaligned_zeropad(const void *p) { return get_unaligned((const unsigned long *)p); }

#define htons(x) __builtin_bswap16(x)
#define ntohs(x) __builtin_bswap16(x)
#define cpu_to_be16(x) __builtin_bswap16(x)
#define be16_to_cpu(x) __builtin_bswap16(x)
#define cpu_to_be32(x) __builtin_bswap32(x)
#define be32_to_cpu(x) __builtin_bswap32(x)
#define cpu_to_be64(x) __builtin_bswap64(x)
#define be64_to_cpu(x) __builtin_bswap64(x)
#define cpu_to_fdt32(x) ((fdt32_t)__builtin_bswap32(x))

#define SZ_64K 0x10000
#define SZ_1M 0x100000
#define SZ_2M 0x200000
#define SZ_1G 0x40000000

#define strscpy(to, from, ...) sim_strscpy(to, from, SIM_SIZE(to, ##__VA_ARGS__))
#define SIM_SIZE(to, ...) SIM_SECOND(, ##__VA_ARGS__, sizeof(to))
#define SIM_SECOND(a, b, ...) b
ssize_t sim_strscpy(char *to, const char *from, size_t size);
int kstrtobool(const char *text, bool *value);
int kstrtouint(const char *text, unsigned int base, unsigned int *value);
unsigned long long memparse(const char *text, char **end);
void memzero_explicit(void *p, size_t size);

#endif
