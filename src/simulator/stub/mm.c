/* The page allocator, slab and vmalloc, as far as those see them who receive. */
#include "simulator.h"

nodemask_t node_states[NR_NODE_STATES];
struct uts_namespace init_uts_ns = {{"simulated"}};

void *kmalloc(size_t size, gfp_t flags)
{
	return flags & __GFP_ZERO ? calloc(1, size) : malloc(size);
}

void *kvmalloc_array(size_t count, size_t size, gfp_t flags)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX;
	/* mm/slub.c: first as from kmalloc(), in silence, then from vmalloc(), which asks first whether there is as much RAM. */
	if (bytes > INT_MAX) {
		SIM_ONCE(sim_warn("mm/slub.c", 0, "__kvmalloc_node_noprof"));
		return NULL;
	}
	return bytes > sim_ram_bytes ? NULL : kmalloc(bytes, flags);
}

/* From memory that no handover has: what a real kernel takes there, it takes from what is free. */
struct folio *folio_alloc(gfp_t flags, unsigned int order)
{
	static phys_addr_t next = SIM_OWN_START;
	phys_addr_t at = ALIGN(next, PAGE_SIZE << order);

	(void)flags;
	if (at + (PAGE_SIZE << order) > SIM_OWN_END)
		return NULL;
	next = at + (PAGE_SIZE << order);
	struct page *page = phys_to_page(at);
	page->refcount = 1;
	if (order > 0)
		prep_compound_page(page, order);
	return (struct folio *)page;
}

void prep_compound_page(struct page *page, unsigned int order)
{
	page->order = order;
	for (unsigned long i = 1; i < 1UL << order; i++) {
		page[i].head = page;
		page[i].refcount = 0;
	}
}

void put_page(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (--folio->page.refcount)
		return;
	for (unsigned long i = 1; i < 1UL << folio->page.order; i++)
		folio->page.private = 0, (&folio->page)[i].head = NULL;
	folio->page.order = 0;
	folio->page.private = 0;
}

void free_reserved_page(struct page *page) { set_page_count(page, 0); }

#define SHIFT_OF_A_TABLE 30
#define MAX_AREAS 4096
static struct vm_struct areas[MAX_AREAS];

/* mm/vmalloc.c: __get_vm_area_node(), alloc_vmap_area(): a page more as a guard, and none where the alignment is no power. */
struct vm_struct *__get_vm_area_node(unsigned long size, unsigned long align, unsigned long shift, unsigned long flags,
				     unsigned long start, unsigned long end, int node, gfp_t mask, const void *caller)
{
	static unsigned long next = VMALLOC_START;
	static unsigned int count;

	(void)node, (void)mask, (void)caller, (void)start;
	shift &= 63;
	size = ALIGN(size, 1UL << shift);
	if (!size)
		return NULL;
	size += PAGE_SIZE;
	if (offset_in_page(size) || !is_power_of_2(align) || count == MAX_AREAS)
		return NULL;
	unsigned long at = ALIGN(next, align);
	if (at < next || at + size > end || at + size < at)
		return NULL;
	next = at + size;
	areas[count] = (struct vm_struct){(void *)at, size, flags, NULL, 0};
	return &areas[count++];
}

int vmap_pages_range(unsigned long addr, unsigned long end, int prot, struct page **pages, unsigned int shift)
{
	unsigned long count = (end - addr) >> PAGE_SHIFT, run;

	(void)prot;
	/* __vmap_pages_range_noflush() maps as much for each page that begins an area of this order, and reads past the array. */
	if ((1UL << (shift & 63)) > end - addr || (end - addr) >> SHIFT_OF_A_TABLE > sim_ram_bytes >> PAGE_SHIFT)
		panic("Fatal exception: page structures are read past their array\n");
	for (unsigned long i = 0; i < count; i += run) {
		for (run = 1; i + run < count && pages[i + run] == pages[i] + run;)
			run++;
		sim_map_pages(addr + i * PAGE_SIZE, page_to_phys(pages[i]), run);
	}
	return 0;
}

void free_vm_area(struct vm_struct *area) { area->addr = NULL; }

struct vm_struct *find_vm_area(const void *addr)
{
	for (unsigned int i = 0; i < MAX_AREAS && areas[i].size; i++)
		if (areas[i].addr == addr)
			return &areas[i];
	return NULL;
}

void vfree(const void *addr)
{
	struct vm_struct *area = addr ? find_vm_area(addr) : NULL;

	if (!area)
		return;
	sim_unmap((unsigned long)area->addr, area->size >> PAGE_SHIFT);
	for (unsigned int i = 0; i < area->nr_pages; i++)
		put_page(area->pages[i]);
	kvfree(area->pages);
	area->addr = NULL;
}

void *vmalloc_array(size_t count, size_t size)
{
	(void)count;
	(void)size;
	return NULL;
}
