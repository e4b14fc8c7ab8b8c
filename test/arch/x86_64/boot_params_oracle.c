/*
 * Reads a boot_params page through the kernel's own struct definitions and prints what it finds, so that the
 * offsets in src/arch/x86_64/boot-params.ts are measured against the UAPI header and not against themselves.
 */
#include <asm/bootparam.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	static struct boot_params p;
	int i;

	if (fread(&p, sizeof(p), 1, stdin) != 1)
		return 1;
	printf("header %.4s\n", (char *)&p.hdr.header);
	printf("version %#x\n", p.hdr.version);
	printf("sentinel %d\n", p.sentinel);
	printf("loader %#x %#x\n", p.hdr.type_of_loader, p.hdr.loadflags);
	printf("cmdline %#llx\n", p.hdr.cmd_line_ptr | (unsigned long long)p.ext_cmd_line_ptr << 32);
	printf("ramdisk %#llx %#llx\n", p.hdr.ramdisk_image | (unsigned long long)p.ext_ramdisk_image << 32,
	       p.hdr.ramdisk_size | (unsigned long long)p.ext_ramdisk_size << 32);
	printf("setup_data %#llx\n", (unsigned long long)p.hdr.setup_data);
	for (i = 0; i < p.e820_entries; i++)
		printf("e820 %#llx %#llx %u\n", (unsigned long long)p.e820_table[i].addr,
		       (unsigned long long)p.e820_table[i].size, p.e820_table[i].type);
	return 0;
}
