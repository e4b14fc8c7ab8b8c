/* Page structures, folios, vmalloc (include/linux/mm_types.h, mm.h, mmzone.h, vmalloc.h). */
#ifndef SIM_PAGES_H
#define SIM_PAGES_H

#define MAX_PAGE_ORDER 10
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)
#define MAX_ORDER_NR_PAGES (1UL << MAX_PAGE_ORDER)
#define pageblock_order 9
#define pageblock_nr_pages (1UL << pageblock_order)
#define pageblock_align(pfn) ALIGN((pfn), pageblock_nr_pages)
#define pageblock_start_pfn(pfn) ALIGN_DOWN((pfn), pageblock_nr_pages)
#define CMA_MIN_ALIGNMENT_BYTES (pageblock_nr_pages << PAGE_SHIFT)
#define SECTION_SIZE_BITS 27
#define PAGES_PER_SECTION (1UL << (SECTION_SIZE_BITS - PAGE_SHIFT))

struct page {
	unsigned long flags;
	unsigned long private;
	struct page *head;
	int refcount;
	unsigned int order;
	unsigned long index;
	unsigned long padding[3];
};
struct folio {
	union {
		struct page page;
		struct { unsigned long flags, private; struct page *head; int refcount; unsigned int order; unsigned long index; };
	};
};
_Static_assert(sizeof(struct page) == 64, "as large as the kernel's");

/* No round number: a wild address that leads here from the arena is one that nobody thinks of. */
#define SIM_PAGES 0x512345000000UL
#define pfn_to_page(pfn) ((struct page *)(SIM_PAGES + (unsigned long)(pfn) * sizeof(struct page)))
#define page_to_pfn(p) (((unsigned long)(p)-SIM_PAGES) / sizeof(struct page))
#define page_to_phys(p) PFN_PHYS(page_to_pfn(p))
#define phys_to_page(phys) pfn_to_page(PHYS_PFN(phys))
#define page_to_virt(p) phys_to_virt(page_to_phys(p))
#define virt_to_page(p) pfn_to_page(PHYS_PFN(virt_to_phys(p)))
#define page_address page_to_virt
/* Not a page structure where no section has one. */
struct page *pfn_to_online_page(unsigned long pfn);
#define pfn_to_nid(pfn) ((int)(READ_ONCE(pfn_to_page(pfn)->flags) >> 58))
#define early_pfn_to_nid(pfn) 0
#define init_deferred_page(pfn, nid) ((void)(pfn), (void)(nid))
#define set_page_count(p, n) ((void)((p)->refcount = (n)))
#define clear_page_tag_ref(p) ((void)(p))
#define adjust_managed_page_count(p, n) ((void)(n))
#define init_cma_reserved_pageblock(p) ((void)(p))
void prep_compound_page(struct page *page, unsigned int order);
static inline struct folio *page_folio(struct page *p) { return (struct folio *)(p->head ? p->head : p); }
#define pfn_folio(pfn) page_folio(pfn_to_page(pfn))
#define virt_to_folio(p) page_folio(virt_to_page(p))
#define folio_pfn(f) page_to_pfn(&(f)->page)
#define folio_order(f) ((f)->page.order)
#define folio_address(f) page_to_virt(&(f)->page)
#define folio_nr_pages(f) (1L << folio_order(f))
#define folio_size(f) (PAGE_SIZE << folio_order(f))
void put_page(struct page *page);
#define folio_put(f) put_page(&(f)->page)
#define __free_page(p) put_page(p)
#define free_page(address) put_page(virt_to_page(address))
void free_reserved_page(struct page *page);
unsigned long free_reserved_area(void *start, void *end, int poison, const char *name);
struct folio *folio_alloc(gfp_t flags, unsigned int order);
#define alloc_page(flags) (&folio_alloc(flags, 0)->page)
#define get_zeroed_page(flags) ((unsigned long)folio_address(folio_alloc((flags) | __GFP_ZERO, 0)))
static inline int get_order(unsigned long size) { return size <= PAGE_SIZE ? 0 : fls64((size - 1) >> PAGE_SHIFT); }
/* Makes the page structures of all sections that have RAM. */
void sim_map_page_structures(void);

struct vm_struct { void *addr; unsigned long size, flags; struct page **pages; unsigned int nr_pages; };
#define VM_ALLOC 0x2
#define VM_UNINITIALIZED 0x20
#define VM_ALLOW_HUGE_VMAP 0x400
/* Almost 32 TiB, as with page tables of four levels. */
#define VMALLOC_START 0x301234500000UL
#define VMALLOC_END 0x500000000000UL
#define NUMA_NO_NODE (-1)
#define PAGE_KERNEL 0
struct vm_struct *__get_vm_area_node(unsigned long size, unsigned long align, unsigned long shift, unsigned long flags,
				     unsigned long start, unsigned long end, int node, gfp_t mask, const void *caller);
int vmap_pages_range(unsigned long addr, unsigned long end, int prot, struct page **pages, unsigned int shift);
void free_vm_area(struct vm_struct *area);
void vfree(const void *addr);
struct vm_struct *find_vm_area(const void *addr);
#define get_vm_area_size(area) ((area)->size - PAGE_SIZE)
#define get_vm_area_page_order(area) 0U
#define clear_vm_uninitialized_flag(area) ((void)((area)->flags &= ~(unsigned long)VM_UNINITIALIZED))
void *vmalloc_array(size_t count, size_t size);
#define vcalloc vmalloc_array
typedef unsigned int kasan_vmalloc_flags_t;
#define KASAN_VMALLOC_PROT_NORMAL 4U
#define KASAN_VMALLOC_VM_ALLOC 2U
#define kasan_unpoison_vmalloc(p, size, flags) ((void)(flags), (p))

#define MAX_NUMNODES (1 << CONFIG_NODES_SHIFT)
#define MAX_NR_ZONES 4
enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_CMA };
struct zone { atomic_long_t managed_pages; };
typedef struct pglist_data { struct zone node_zones[MAX_NR_ZONES]; } pg_data_t;
typedef struct { unsigned long bits; } nodemask_t;
enum node_states { N_ONLINE, N_MEMORY, NR_NODE_STATES };
extern nodemask_t node_states[NR_NODE_STATES];
#define nodes_weight(mask) __builtin_popcountl((mask).bits)
#define for_each_node_state(nid, state) for ((nid) = 0; (nid) < 64; (nid)++) if (node_states[state].bits >> (nid) & 1)
#define for_each_online_pgdat(pgdat) for ((pgdat) = NULL; (pgdat);)
#define numa_valid_node(nid) ((nid) >= 0 && (nid) < MAX_NUMNODES)
static inline bool movable_node_is_enabled(void) { return false; }
static const bool mirrored_kernelcore = false;
static inline bool deferred_pages_enabled(void) { return false; }
#define memblock_free_pages(pfn, order) ((void)(pfn))
#define accept_memory(start, size) ((void)(start))
#define __SetPageReserved(p) ((void)(p))
#define SetPageReserved(p) ((void)(p))
#define for_each_valid_pfn(pfn, start, end) for ((pfn) = (start); (pfn) < (end); (pfn)++)
#define totalram_pages_add(n) ((void)(n))
#define __is_kernel(address) false
#define virt_addr_valid(p) true
#define string_get_size(...) ((void)0)
#define K(x) ((x) << (PAGE_SHIFT - 10))
#define ARCH_LOW_ADDRESS_LIMIT 0xffffffffUL
#define MAX_DMA_ADDRESS 0UL
#define PAGE_POISON_PATTERN (-1L)
#define memset_page_poison(...) ((void)0)
#define page_init_poison(p, size) ((void)(p))

__wsum csum_partial(const void *buff, int len, __wsum sum);
#define get_random_u32() 4U
#define get_random_bytes(p, size) memset(p, 1, size)

/* kexec_file_load, which nobody calls here. */
struct resource { resource_size_t start, end; };
struct kexec_segment { unsigned long mem; };
struct kimage {
	int type;
	unsigned long nr_segments;
	struct kexec_segment segment[16];
	struct { phys_addr_t fdt; struct kexec_segment *scratch; } kho;
};
struct kexec_buf {
	struct kimage *image;
	void *buffer;
	unsigned long bufsz, mem, memsz, buf_align, buf_min, buf_max;
	bool top_down;
};
#define KEXEC_TYPE_CRASH 1
#define KEXEC_BUF_MEM_UNKNOWN 0
static inline int kexec_add_buffer(struct kexec_buf *buffer) { (void)buffer; return 0; }

#endif
