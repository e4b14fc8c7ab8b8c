/* From one kernel to the next, as `kexec -s` does it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

/* include/uapi/linux/kexec.h, 6.7 and later: the kernel prints where it puts what. */
#ifndef KEXEC_FILE_DEBUG
#define KEXEC_FILE_DEBUG 8UL
#endif

void load_command(char **words)
{
	const char *cmdline = words[3];
	int kernel = open(words[1], O_RDONLY | O_CLOEXEC);
	int initrd = open(words[2], O_RDONLY | O_CLOEXEC);
	unsigned long flags = KEXEC_FILE_DEBUG | (*words[2] ? 0 : KEXEC_FILE_NO_INITRAMFS);

	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline, flags) < 0)
		say_error(words[0]);
	else
		say("loaded");
	close(kernel);
	close(initrd);
}

void kexec_command(char **words)
{
	reboot(RB_KEXEC);
	say_error(words[0]);
}
