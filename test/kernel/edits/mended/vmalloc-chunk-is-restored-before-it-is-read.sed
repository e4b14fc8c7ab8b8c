# kernel/liveupdate/kexec_handover.c
# A chunk is read after its page was found to be preserved, which asks first whether the page is there.
/^void \*kho_restore_vmalloc(/,/^}/{
s/^\t\tstruct page \*page;/\t\tstruct page *page, *own = kho_restore_pages(virt_to_phys(chunk), 1);\
\
		if (!own)\
			goto err_free_pages_array;/
s/page = kho_restore_pages(virt_to_phys(chunk), 1);/page = own;/
}
