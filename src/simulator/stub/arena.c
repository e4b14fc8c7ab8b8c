/* The arena: RAM of one machine in a file without a name, which more than one mapping can show; and its faults. */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "simulator.h"

#define NOTHING (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED)
/* Below address 0 and above the end of what is mapped: what wraps around meets no other mapping. */
#define MARGIN (1UL << 40)
#define ISA_START 0xa0000UL
#define ISA_END 0x100000UL
#define MAX_REGIONS 64

bool sim_slab;
u64 sim_ram_bytes;
static int ram = -1;
static struct sim_region regions[MAX_REGIONS];
static unsigned int count;

static void map(unsigned long at, u64 size, int protection, int flags, int fd, off_t offset)
{
	if (mmap((void *)at, size, protection, flags, fd, offset) == MAP_FAILED) {
		fprintf(stderr, "simulator: cannot map 0x%llx bytes at 0x%lx: %m\n", size, at);
		_exit(SIM_LOST);
	}
}

/* The line of arch/x86/mm/fault.c: show_fault_oops(), and of kernel/exit.c: make_task_dead(), of a task that must live. */
static void fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	(void)signal;
	printk("BUG: unable to handle page fault for address: %016lx\n", (unsigned long)info->si_addr);
	panic("Fatal exception");
}

static void handle_faults(void)
{
	static char stack[64 << 10];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
}

void sim_start_memory(void)
{
	handle_faults();
	map(SIM_ARENA - MARGIN, SIM_OWN_END + 2 * MARGIN, PROT_NONE, NOTHING, -1, 0);
	ram = memfd_create("ram", MFD_CLOEXEC);
	if (ram < 0 || ftruncate(ram, (off_t)SIM_OWN_END))
		_exit(SIM_LOST);
	/* Of x86 all below 1 MiB is mapped (arch/x86/mm/init.c: init_mem_mapping()). */
	map(SIM_ARENA, ISA_END, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram, 0);
	/* What firmware and devices have there is not zero. */
	memset((void *)(SIM_ARENA + ISA_START), 0xff, ISA_END - ISA_START);
	map(SIM_ARENA + SIM_OWN_START, SIM_OWN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram,
	    (off_t)SIM_OWN_START);
}

void sim_map_ram(phys_addr_t start, u64 size)
{
	u64 end = start + size;

	if (count == MAX_REGIONS || end > SIM_RAM_END || end < start) {
		fprintf(stderr, "simulator: RAM at 0x%llx is out of reach\n", start);
		_exit(SIM_LOST);
	}
	regions[count++] = (struct sim_region){start, size};
	sim_ram_bytes += size;
	/* The direct map is of whole pages. */
	start &= PAGE_MASK;
	map(SIM_ARENA + start, PAGE_ALIGN(end) - start, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram, (off_t)start);
}

/* What stands where there is no RAM is lost, as in a machine. */
void sim_write(phys_addr_t start, const char *bytes, u64 size)
{
	if (start + size > SIM_RAM_END || start + size < start)
		return;
	for (ssize_t put; size > 0; start += (u64)put, bytes += put, size -= (u64)put) {
		put = pwrite(ram, bytes, size, (off_t)start);
		if (put <= 0)
			_exit(SIM_LOST);
	}
}

bool sim_is_ram(phys_addr_t phys)
{
	for (unsigned int i = 0; i < count; i++)
		if (phys >= (regions[i].start & PAGE_MASK) && phys < regions[i].start + regions[i].size)
			return true;
	return phys < ISA_END || (phys >= SIM_OWN_START && phys < SIM_OWN_END);
}

/* Where there is no RAM a machine reads what nobody answers: QEMU gives zeroes. */
void sim_map_pages(unsigned long at, phys_addr_t phys, unsigned long pages)
{
	for (unsigned long run; pages > 0; pages -= run, at += run * PAGE_SIZE, phys += run * PAGE_SIZE) {
		bool is_ram = sim_is_ram(phys);

		for (run = 1; run < pages && sim_is_ram(phys + run * PAGE_SIZE) == is_ram;)
			run++;
		if (is_ram)
			map(at, run * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram, (off_t)phys);
		else
			map(at, run * PAGE_SIZE, PROT_READ | PROT_WRITE, NOTHING, -1, 0);
	}
}

void sim_unmap(unsigned long at, unsigned long pages) { map(at, pages * PAGE_SIZE, PROT_NONE, NOTHING, -1, 0); }

static bool has_section(unsigned long section)
{
	for (unsigned int i = 0; i < count; i++)
		if (section >= regions[i].start >> SECTION_SIZE_BITS &&
		    section <= (regions[i].start + regions[i].size - 1) >> SECTION_SIZE_BITS)
			return true;
	return section >= SIM_OWN_START >> SECTION_SIZE_BITS && section < SIM_OWN_END >> SECTION_SIZE_BITS;
}

static void map_structures(phys_addr_t start, u64 size)
{
	unsigned long first = start >> SECTION_SIZE_BITS, last = (start + size - 1) >> SECTION_SIZE_BITS;
	unsigned long each = PAGES_PER_SECTION * sizeof(struct page);

	map(SIM_PAGES + first * each, (last - first + 1) * each, PROT_READ | PROT_WRITE, NOTHING, -1, 0);
}

void sim_map_page_structures(void)
{
	for (unsigned int i = 0; i < count; i++)
		map_structures(regions[i].start, regions[i].size);
	map_structures(SIM_OWN_START, SIM_OWN_SIZE);
}

struct page *pfn_to_online_page(unsigned long pfn)
{
	return pfn >> (52 - PAGE_SHIFT) == 0 && has_section(pfn / PAGES_PER_SECTION) ? pfn_to_page(pfn) : NULL;
}
