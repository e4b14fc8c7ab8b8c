/*
 * What user space hands over, and has. `preserve SESSION TOKEN...` allocates a memfd of four pages that nobody has written
 * to, asks for it to be preserved under each token, fills it, and leaves all of it open. It prints
 *
 *   khoforge-init: preserve 0xTOKEN: done
 *
 * with the name of an error where it is not. `memory` prints
 *
 *   khoforge-init: memory N GiB
 *
 * of what is free or in use, to the nearest GiB: not what is reserved, and not what differs from boot to boot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"

void preserve_command(char **words)
{
	const long size = 4 * sysconf(_SC_PAGESIZE);
	int session = create_session(words[1]);
	int memfd = memfd_create("preserved", 0);

	if (session < 0)
		return;
	if (memfd < 0 || fallocate(memfd, 0, 0, size)) {
		say_error("memfd");
		return;
	}
	for (char **token = words + 2; *token; token++)
		preserve_file(session, strtoull(*token, NULL, 0), memfd);
	for (long at = 0; at < size; at++)
		if (pwrite(memfd, "khoforge" + at % 8, 1, at) != 1)
			say_error("memfd");
}

void memory_command(char **words)
{
	struct sysinfo info;

	(void)words;
	if (sysinfo(&info)) {
		say_error("sysinfo");
		return;
	}
	say("memory %" PRIu64 " GiB", ((uint64_t)info.totalram * info.mem_unit + (UINT64_C(1) << 29)) >> 30);
}
