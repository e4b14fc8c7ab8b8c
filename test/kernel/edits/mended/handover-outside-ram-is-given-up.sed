# arch/x86/kernel/setup.c
# Before memblock knows of RAM, it has scratch alone: KHO is asked to give it up where RAM ends below.
/^void __init setup_arch(/i\
void __init kho_give_up_above(phys_addr_t end);\

/^void __init setup_arch(/,/^}/s/^\te820__memblock_setup();/#ifdef CONFIG_KEXEC_HANDOVER\
	kho_give_up_above(PFN_PHYS(max_pfn));\
#endif\
&/
