/*
 * init of a kernel with /dev/mem: prints the SHA-256 of the physical memory that /plan names, a line
 * `ADDRESS SIZE` each, both in hex, and powers off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "sha256.h"

static void print_memory(int memory, unsigned long long address, unsigned long long size)
{
	static uint8_t block[4096];
	struct sha256 hash;
	char text[65];
	unsigned long long done = 0;

	sha256_begin(&hash);
	while (done < size) {
		ssize_t got = pread(memory, block, sizeof(block), (off_t)(address + done));

		if (got <= 0) {
			printf("khoforge-mem: 0x%llx: %s\n", address + done, strerrorname_np(errno));
			return;
		}
		sha256_add(&hash, block, (size_t)got);
		done += (unsigned long long)got;
	}
	sha256_end(&hash, text);
	printf("khoforge-mem: 0x%llx %s\n", address, text);
}

int main(void)
{
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	int memory = open("/dev/mem", O_RDONLY);
	FILE *plan = fopen("/plan", "r");
	unsigned long long address, size;

	while (plan && fscanf(plan, "%llx %llx", &address, &size) == 2)
		print_memory(memory, address, size);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return 0;
}
