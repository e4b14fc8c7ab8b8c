/* One processor, one task: locks hold nobody up. */
#ifndef SIM_LOCKS_H
#define SIM_LOCKS_H

struct mutex { int unused; };
struct rw_semaphore { int unused; };
struct lock_class_key { int unused; };
typedef struct { int count; } atomic_t;
typedef struct { long count; } atomic_long_t;
typedef struct { int count; } refcount_t;

#define DEFINE_SPINLOCK(name) struct mutex name
#define DEFINE_MUTEX(name) struct mutex name
#define __MUTEX_INITIALIZER(name) { 0 }
#define DECLARE_RWSEM(name) struct rw_semaphore name
#define __RWSEM_INITIALIZER(name) { 0 }
#define mutex_init(m) ((void)(m))
#define mutex_destroy(m) ((void)(m))
static inline void mutex_lock(struct mutex *m) { (void)m; }
static inline void mutex_unlock(struct mutex *m) { (void)m; }
static inline void down_read(struct rw_semaphore *s) { (void)s; }
static inline void up_read(struct rw_semaphore *s) { (void)s; }
static inline void down_write(struct rw_semaphore *s) { (void)s; }
static inline void up_write(struct rw_semaphore *s) { (void)s; }
#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_held_write(lock) ((void)(lock))
#define lockdep_set_class(lock, key) ((void)(lock), (void)(key))
#define might_sleep() ((void)0)
#define cond_resched() ((void)0)
#define ATOMIC_INIT(n) { (n) }

#define atomic_set(a, n) ((void)((a)->count = (n)))
#define atomic_read(a) ((a)->count)
#define atomic_long_set(a, n) ((void)((a)->count = (n)))
#define atomic_cmpxchg(a, old, new) ({ int was_ = (a)->count; if (was_ == (old)) (a)->count = (new); was_; })
#define refcount_set(r, n) ((void)((r)->count = (n)))
#define refcount_inc(r) ((void)(r)->count++)
#define refcount_read(r) ((r)->count)
#define refcount_inc_not_zero(r) ((r)->count ? ((r)->count++, true) : false)
#define refcount_dec_and_test(r) (--(r)->count == 0)

/* `guard(mutex)(&lock)` (include/linux/cleanup.h). */
#define guard(kind) sim_guard
#define scoped_guard(kind, lock) if (sim_guard(lock), true)
static inline void sim_guard(void *lock) { (void)lock; }

#endif
