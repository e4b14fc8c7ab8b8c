/* What the parts of the simulator share that is not of the kernel. */
#ifndef SIM_H
#define SIM_H

#define _GNU_SOURCE
#include "stub.h"

/* How a child ends: what became of its kernel. */
enum sim_end { SIM_BOOTED = 0, SIM_DIED = 40, SIM_LOST = 41, SIM_SANITIZER = 42 };

/* One handover, as src/simulator/request.ts writes it; after it come regions, extents, both texts and the extents' bytes. */
struct sim_request {
	u64 record;
	u64 type, length;
	u64 fdt, fdt_size, scratch, scratch_size;
	u64 regions, extents;
	u64 cmdline_bytes, plan_bytes;
};
struct sim_region { u64 start, size; };

/* boot.c: the bytes of an image, which sim_boot() writes once there is memory; what a kernel does with it, up to its end. */
void sim_take(const struct sim_region *extents, u64 count, const char *bytes);
void sim_boot(const struct sim_request *request, const struct sim_region *ram, char *cmdline, char *plan);
/* text.c */
void sim_parse(char *cmdline, struct sim_param *begin, struct sim_param *end);
/* user.c */
void sim_user(char *plan);
/* debugfs.c */
const char *sim_dentry_name(const void *dentry);

#endif
