/*
 * Which blocks of the kernel's files ran: compilers call this where each begins (-fsanitize-coverage=trace-pc). The child
 * that is the kernel notes it in memory that its parent has too.
 */
#include <sys/mman.h>

#include "ran.h"

extern const char __executable_start[], etext[];
void __sanitizer_cov_trace_pc(void);

static char *ran;

static size_t size(void)
{
	return (size_t)(etext - __executable_start);
}

void sim_ran_begin(void)
{
	if (!ran)
		ran = mmap(NULL, size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ran == MAP_FAILED)
		exit(1);
	memset(ran, 0, size());
}

void __sanitizer_cov_trace_pc(void)
{
	size_t at = (size_t)((const char *)__builtin_return_address(0) - __executable_start);

	if (ran && at < size())
		ran[at] = 1;
}

size_t sim_ran_count(void)
{
	size_t count = 0;

	for (size_t at = 0; at < size(); at++)
		count += (size_t)ran[at];
	return count;
}

void sim_ran_each(void (*put)(const void *from, size_t bytes))
{
	for (u32 at = 0; at < size(); at++) {
		if (ran[at])
			put(&at, sizeof(at));
	}
}
