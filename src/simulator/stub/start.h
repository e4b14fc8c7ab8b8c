/* Initcalls and parameters, kept in sections by level, in the order of linking (include/linux/init.h, module.h). */
#ifndef SIM_START_H
#define SIM_START_H

struct sim_param {
	const char *name;
	int (*set)(char *value);
};

#define SIM_CALL(level, function)                                                                                    \
	static initcall_t sim_call_##function __attribute__((used, section("sim_" #level))) = function
#define SIM_PARAM(when, text, function)                                                                              \
	static struct sim_param SIM_PASTE(sim_param_##function, __LINE__)                                        \
		__attribute__((used, section("sim_" #when), aligned(8))) = {text, function}

#define early_initcall(function) SIM_CALL(early, function)
#define fs_initcall(function) SIM_CALL(fs, function)
#define module_init(function) SIM_CALL(device, function)
#define late_initcall(function) SIM_CALL(late, function)
#define early_param(text, function) SIM_PARAM(early_param, text, function)
#define __setup(text, function) SIM_PARAM(setup, text, function)

#define module_exit(function)
#define module_param(name, type, mode)
#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_AUTHOR(text)
#define MODULE_PARM_DESC(name, text)
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define EXPORT_SYMBOL_NS_GPL(name, ns)
#define THIS_MODULE NULL
struct module;
static inline bool try_module_get(struct module *m) { (void)m; return true; }
static inline void module_put(struct module *m) { (void)m; }

enum system_states { SYSTEM_BOOTING, SYSTEM_RUNNING };
#define system_state SYSTEM_BOOTING

#define __NEW_UTS_LEN 64
struct new_utsname { char release[__NEW_UTS_LEN + 1]; };
struct uts_namespace { struct new_utsname name; };
extern struct uts_namespace init_uts_ns;
static inline bool is_kdump_kernel(void) { return false; }

#endif
