/*
 * What a kernel of x86_64 does with a handover from setup_arch() to its last initcall, in its order (7.3). What is here is
 * what the compiled files cannot say: it stands in for arch/x86/kernel/setup.c, e820.c, init/main.c and mm/mm_init.c.
 */
#include <unistd.h>

#include "simulator.h"
#include <linux/kexec_handover.h>
#include <linux/memblock.h>

#define KERNEL_START 0x1000000UL
/* Text, data and tables of a small kernel, as they are reserved when scratch is. */
#define KERNEL_SIZE 0x1800000UL
#define HEADER_BYTES 16UL
/* include/uapi/asm/setup_data.h */
#define SETUP_KEXEC_KHO 10

extern struct sim_param __start_sim_early_param[], __stop_sim_early_param[];
extern struct sim_param __start_sim_setup[], __stop_sim_setup[];
extern initcall_t __start_sim_early[], __stop_sim_early[], __start_sim_fs[], __stop_sim_fs[];
extern initcall_t __start_sim_device[], __stop_sim_device[], __start_sim_late[], __stop_sim_late[];

/* Since 7.3, which extends scratch in it. */
extern void kho_memory_init_early(void) __attribute__((weak));

struct kho_record { u64 fdt, fdt_size, scratch, scratch_size; };

static const struct sim_region *extents;
static const char *extent_bytes;
static u64 extent_count;

void sim_take(const struct sim_region *all, u64 count, const char *bytes)
{
	extents = all;
	extent_count = count;
	extent_bytes = bytes;
}

static void write_image(void)
{
	const char *bytes = extent_bytes;

	for (u64 i = 0; i < extent_count; bytes += extents[i++].size)
		sim_write(extents[i].start, bytes, extents[i].size);
}

/* A boot loader puts the record high, where the image has nothing. */
static phys_addr_t place_record(const struct sim_request *request, const struct sim_region *ram)
{
	phys_addr_t at = 0;

	for (u64 i = 0; i < request->regions; i++)
		if (ram[i].size > SZ_2M && ram[i].start + ram[i].size <= 1UL << 32)
			at = max(at, (ram[i].start + ram[i].size - SZ_2M) & PAGE_MASK);
	for (u64 i = 0; i < extent_count; i++)
		if (at < extents[i].start + extents[i].size && at + PAGE_SIZE > extents[i].start) {
			at -= PAGE_SIZE;
			i = (u64)-1;
		}
	return at;
}

/* memblock_x86_reserve_range_setup_data(), parse_setup_data(), add_kho(). */
static void take_record(const struct sim_request *request, phys_addr_t at)
{
	u32 length = (u32)(request->length + HEADER_BYTES);
	u64 size = length - HEADER_BYTES;
	struct kho_record record = {request->fdt, request->fdt_size, request->scratch, request->scratch_size};

	if (request->record == 0)
		return;
	memblock_reserve_kern(at, HEADER_BYTES + request->length);
	at += HEADER_BYTES;
	sim_write(at, (const char *)&record, sizeof(record));
	if (request->type != SETUP_KEXEC_KHO)
		return;
	struct kho_record *mapped = early_memremap(at, size);
	if (!mapped) {
		printk("setup: failed to memremap kho data (0x%llx, 0x%llx)\n", at, size);
		return;
	}
	kho_populate(mapped->fdt, mapped->fdt_size, mapped->scratch, mapped->scratch_size);
	early_memunmap(mapped, size);
}

/* e820__memblock_setup(), reserve_real_mode(), setup_node_data(). */
static void take_ram(const struct sim_request *request, const struct sim_region *ram)
{
	memblock_allow_resize();
	for (u64 i = 0; i < request->regions; i++)
		memblock_add(ram[i].start, ram[i].size);
	memblock_mark_kho_scratch(0, SZ_1M);
	memblock_trim_memory(PAGE_SIZE);
	memblock_reserve(0, SZ_1M);
	memblock_clear_kho_scratch(0, SZ_1M);
	memblock_set_node(0, PHYS_ADDR_MAX, &memblock.memory, 0);
	node_states[N_MEMORY].bits = node_states[N_ONLINE].bits = 1;
	if (!memblock_phys_alloc_try_nid(PAGE_SIZE, PAGE_SIZE, 0))
		panic("Cannot allocate data of node 0\n");
}

/* sparse_init(): 64 bytes for each page of each section, which have to come from somewhere. */
static void make_page_structures(void)
{
	unsigned long sections = 0;

	for (unsigned long at = 0; at < PFN_UP(memblock_end_of_DRAM()); at += PAGES_PER_SECTION)
		sections += pfn_to_online_page(at) != NULL;
	for (unsigned long i = 0; i < sections; i++)
		if (!memblock_phys_alloc(PAGES_PER_SECTION * sizeof(struct page), SZ_2M))
			panic("No memory for page structures\n");
	sim_map_page_structures();
}

static void run(initcall_t *begin, initcall_t *end)
{
	while (begin < end)
		(*begin++)();
}

void sim_boot(const struct sim_request *request, const struct sim_region *ram, char *cmdline, char *plan)
{
	sim_start_memory();
	for (u64 i = 0; i < request->regions; i++)
		sim_map_ram(ram[i].start, ram[i].size);
	write_image();
	early_ioremap_setup();
	memblock_reserve_kern(KERNEL_START, KERNEL_SIZE);
	take_record(request, place_record(request, ram));
	sim_parse(cmdline, __start_sim_early_param, __stop_sim_early_param);
	take_ram(request, ram);
	if (kho_memory_init_early)
		kho_memory_init_early();
	make_page_structures();
	sim_parse(cmdline, __start_sim_setup, __stop_sim_setup);
	kho_memory_init();
	memblock_clear_kho_scratch_only();
	sim_slab = true;
	run(__start_sim_early, __stop_sim_early);
	run(__start_sim_fs, __stop_sim_fs);
	run(__start_sim_device, __stop_sim_device);
	run(__start_sim_late, __stop_sim_late);
	sim_user(plan);
	_exit(SIM_BOOTED);
}
