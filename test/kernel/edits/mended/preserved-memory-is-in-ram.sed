# kernel/liveupdate/kexec_handover.c
# A key of the radix tree is refused where its block does not end within RAM, and with it the map.
/^static int __init kho_ext_walk_leaf(/,/^}/s/^\tstart = kho_decode_radix_key(.*/&\
	if (order + PAGE_SHIFT > 62 || start + (1UL << (order + PAGE_SHIFT)) > memblock_end_of_DRAM())\
		return -ERANGE;/
/^static int __init kho_preserved_memory_reserve(/,/^}/s/^\tphys = kho_decode_radix_key(.*/&\
	if (order + PAGE_SHIFT > 62 || phys + (1UL << (order + PAGE_SHIFT)) > memblock_end_of_DRAM())\
		return -ERANGE;/
# A handover that was given up so late leaves the scratch of the kernel before, which is free memory already: it is not
# the kernel's own, to be freed in kho_init().
/kho_in_debugfs_init(&kho_in.dbg, fdt);/,/kmemleak_ignore_phys/s/^\tfor (int i = 0; i < kho_scratch_cnt; i++) {/\tif (kho_in.scratch_phys)\
		return 0;\
\
&/
