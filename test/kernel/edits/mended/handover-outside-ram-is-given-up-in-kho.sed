# kernel/liveupdate/kexec_handover.c
# The other half of handover-outside-ram-is-given-up: a boot as if there were no handover. Whether to panic instead, since
# what was preserved is lost, is the kernel's decision.
/^\/\* Helper functions for kexec_file_load \*\//i\
void __init kho_give_up_above(phys_addr_t end);\
void __init kho_give_up_above(phys_addr_t end)\
{\
	if (!is_kho_boot() || max3(memblock_end_of_DRAM(), kho_in.fdt_phys, kho_in.scratch_phys) <= end)\
		return;\
\
	pr_warn("handover is above the end of RAM at %pa, disabling KHO revival\\n", &end);\
	kho_in.fdt_phys = 0;\
	kho_in.scratch_phys = 0;\
	kho_scratch_cnt = 0;\
	memblock_clear_kho_scratch_only();\
	memblock_remove(0, memblock_end_of_DRAM());\
}\

