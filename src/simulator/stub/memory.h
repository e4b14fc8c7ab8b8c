/*
 * Physical memory is an arena: an address is as far from its beginning there as it is from 0 in the machine, so that
 * arithmetic with pointers comes out as in the kernel's direct map. Where there is no RAM there is no mapping either.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
#define PHYS_PFN(x) ((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)

#define SIM_ARENA 0x200000000000UL
/* What RAM is mapped of it at most. */
#define SIM_RAM_END (1UL << 43)
/* The memory that the kernel allocates from once the handover is read: above, and where no wild address leads. */
#define SIM_OWN_START 0x91238000000UL
#define SIM_OWN_SIZE (1UL << 32)
#define SIM_OWN_END (SIM_OWN_START + SIM_OWN_SIZE)

#define phys_to_virt(phys) ((void *)((phys_addr_t)(phys) + SIM_ARENA))
#define virt_to_phys(p) ((phys_addr_t)(unsigned long)(p)-SIM_ARENA)
#define __va(phys) phys_to_virt(phys)
#define __pa(p) virt_to_phys(p)

/* Maps one region of RAM. */
void sim_map_ram(phys_addr_t start, u64 size);
void sim_write(phys_addr_t start, const char *bytes, u64 size);
bool sim_is_ram(phys_addr_t phys);
extern u64 sim_ram_bytes;
/* Maps physical pages at an address once more. */
void sim_map_pages(unsigned long at, phys_addr_t phys, unsigned long pages);
void sim_unmap(unsigned long at, unsigned long pages);
/* Reserves the arena, and reports faults from now on. */
void sim_start_memory(void);

#define GFP_KERNEL 0U
#define __GFP_ZERO 1U
#define __GFP_NORETRY 0U
#define __GFP_NOWARN 2U
#define GFP_NOWAIT 0U
void *kmalloc(size_t size, gfp_t flags);
#define kzalloc(size, flags) kmalloc(size, (flags) | __GFP_ZERO)
#define kmalloc_obj(x, ...) ((typeof(x) *)kmalloc(sizeof(x), 0))
#define kzalloc_obj(x, ...) ((typeof(x) *)kzalloc(sizeof(x), 0))
#define kfree(p) free((void *)(p))
#define __free(function) __attribute__((cleanup(sim_free_##function)))
static inline void sim_free_kfree(void *p) { free(*(void **)p); }
#define no_free_ptr(p) ({ typeof(p) kept_ = (p); (p) = NULL; kept_; })
/* Limits as of mm/slub.c: __kvmalloc_node_noprof(), mm/vmalloc.c: __vmalloc_node_range_noprof() (7.3). */
void *kvmalloc_array(size_t count, size_t size, gfp_t flags);
#define kvmalloc_objs(x, count, ...) ((typeof(x) *)kvmalloc_array(count, sizeof(x), 0))
#define kvfree(p) free((void *)(p))
#define kzalloc_node(size, flags, node) kzalloc(size, flags)
#define kmemdup(p, size, flags) memcpy(kmalloc(size, flags), p, size)
extern bool sim_slab;
static inline bool slab_is_available(void) { return sim_slab; }

#define kmemleak_alloc_phys(...) ((void)0)
#define kmemleak_free_part_phys(...) ((void)0)
#define kmemleak_ignore_phys(...) ((void)0)
#define kasan_reset_tag(p) (p)

/* mm/early_ioremap.c and the fixmap of x86_64 (arch/x86/include/asm/fixmap.h). */
#define CONFIG_MMU 1
#define NR_FIX_BTMAPS 64
#define FIX_BTMAPS_SLOTS 8
#define TOTAL_FIX_BTMAPS (NR_FIX_BTMAPS * FIX_BTMAPS_SLOTS)
enum fixed_addresses { FIX_BTMAP_END = 1024, FIX_BTMAP_BEGIN = FIX_BTMAP_END + TOTAL_FIX_BTMAPS - 1 };
#define FIXADDR_TOP 0x1f0000000000UL
#define __fix_to_virt(x) (FIXADDR_TOP - ((unsigned long)(x) << PAGE_SHIFT))
#define fix_to_virt __fix_to_virt
typedef struct { int present; } pgprot_t;
#define FIXMAP_PAGE_NORMAL ((pgprot_t){1})
#define FIXMAP_PAGE_IO ((pgprot_t){1})
#define FIXMAP_PAGE_CLEAR ((pgprot_t){0})
#define __early_set_fixmap(at, phys, prot)                                                                             \
	((prot).present ? sim_map_pages(__fix_to_virt(at), phys, 1) : sim_unmap(__fix_to_virt(at), 1))
#define __late_set_fixmap __early_set_fixmap
#define __late_clear_fixmap(at) sim_unmap(__fix_to_virt(at), 1)
void early_ioremap_setup(void);
void *early_memremap(resource_size_t phys, unsigned long size);
void early_iounmap(void *p, unsigned long size);
void early_memunmap(void *p, unsigned long size);

#endif
