/*
 * Fills free memory with a pattern, so that nothing is zero that nobody made so, and says whether the kernel has five
 * levels of page tables.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

static const size_t max_fill = 512UL << 20;

int main(void)
{
	/* Only there with five levels: above 2^47 (7.3, Documentation/arch/x86/x86_64/5level-paging.rst). */
	void *high = (void *)(1UL << 50);
	struct sysinfo info;

	if (mmap(high, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == high)
		printf("fill-memory: five levels of page tables\n");
	sysinfo(&info);
	size_t size = info.freeram * info.mem_unit / 10 * 9;
	if (size > max_fill)
		size = max_fill;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	memset(memory, 0xa5, size);
	/* The pages are free again at the end, and keep what they hold. */
	printf("fill-memory: %zu MiB\n", size >> 20);
	return 0;
}
