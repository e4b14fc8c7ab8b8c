# arch/x86/kernel/setup.c
# A record of KHO is one struct kho_data: no more is reserved for it, whatever length it tells.
/^static void __init memblock_x86_reserve_range_setup_data(/,/^}/s/sizeof(\*data) + data->len);/sizeof(*data) +\
				      (data->type == SETUP_KEXEC_KHO ? sizeof(struct kho_data) : data->len));/
