/* The console: lines that a kernel would print, and how it ends (include/linux/printk.h, asm-generic/bug.h). */
#ifndef SIM_PRINT_H
#define SIM_PRINT_H

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define KERN_WARNING

/* With %pa, %pe and %pd of the kernel. */
void printk(const char *format, ...);
__attribute__((noreturn)) void panic(const char *format, ...);
void sim_warn(const char *file, int line, const char *function);

#define pr_emerg(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert pr_emerg
#define pr_crit pr_emerg
#define pr_err pr_emerg
#define pr_warn pr_emerg
#define pr_notice pr_emerg
#define pr_info pr_emerg
#define pr_cont(fmt, ...) printk(fmt, ##__VA_ARGS__)
#define pr_debug(fmt, ...) ((void)0)
#define pr_warn_ratelimited pr_warn
#define pr_err_ratelimited pr_err
#define pr_warn_once(fmt, ...) SIM_ONCE(pr_warn(fmt, ##__VA_ARGS__))
#define pr_err_once pr_warn_once
#define pr_info_once pr_warn_once
#define printk_once(fmt, ...) SIM_ONCE(printk(fmt, ##__VA_ARGS__))
#define SIM_ONCE(what) do { static bool done_; if (!done_) { done_ = true; what; } } while (0)

#define WARN_ON(x)                                                                                                     \
	({                                                                                                             \
		bool warns_ = !!(x);                                                                                   \
		if (unlikely(warns_))                                                                                  \
			sim_warn(__FILE__, __LINE__, __func__);                                                      \
		warns_;                                                                                                \
	})
#define WARN_ON_ONCE(x)                                                                                                \
	({                                                                                                             \
		bool warns_ = !!(x);                                                                                   \
		if (unlikely(warns_))                                                                                  \
			SIM_ONCE(sim_warn(__FILE__, __LINE__, __func__));                                          \
		warns_;                                                                                                \
	})
/* The text of a warning comes before its line (kernel/panic.c: __warn_printk()). */
#define WARN(x, fmt, ...)                                                                                              \
	({                                                                                                             \
		bool warns_ = !!(x);                                                                                   \
		if (unlikely(warns_)) {                                                                                \
			printk(fmt, ##__VA_ARGS__);                                                                    \
			sim_warn(__FILE__, __LINE__, __func__);                                                      \
		}                                                                                                      \
		warns_;                                                                                                \
	})
#define WARN_ONCE(x, fmt, ...)                                                                                         \
	({                                                                                                             \
		bool once_ = !!(x);                                                                                    \
		if (unlikely(once_))                                                                                   \
			SIM_ONCE((void)WARN(1, fmt, ##__VA_ARGS__));                                                 \
		once_;                                                                                                 \
	})
#define BUG() panic("Fatal exception: kernel BUG at %s:%d!\n", __FILE__, __LINE__)
#define BUG_ON(x) do { if (unlikely(x)) BUG(); } while (0)
#define VM_BUG_ON(x) ((void)sizeof(x))
#define VM_WARN_ON_ONCE(x) ((void)sizeof(x))
#define dump_stack() ((void)0)

#endif
