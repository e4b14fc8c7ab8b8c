/*
 * The init of a first kernel without KHO: fills free memory with a pattern, so that nothing is zero that nobody made
 * so, and runs /kexec-load with what /plan says, which jumps into another kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

/* An address above 2^47 is only there with five levels (7.3, Documentation/arch/x86/x86_64/5level-paging.rst). */
static void tell_levels(void)
{
	void *high = (void *)(1UL << 50);

	if (mmap(high, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == high)
		printf("khoforge-kexec: five levels of page tables\n");
}

enum { MOST_DIRTY = 512 << 20 };

/* In a process that ends, so that the pages are free again and keep what they hold. */
static void dirty_memory(void)
{
	if (fork() == 0) {
		struct sysinfo info;

		sysinfo(&info);
		size_t size = info.freeram * info.mem_unit / 10 * 9;
		if (size > MOST_DIRTY)
			size = MOST_DIRTY;
		void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory != MAP_FAILED)
			memset(memory, 0xa5, size);
		printf("khoforge-kexec: %zu MiB are dirty\n", size >> 20);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	char option[16] = "";
	int status = 0;

	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	tell_levels();
	dirty_memory();
	FILE *plan = fopen("/plan", "r");
	if (plan && fgets(option, sizeof(option), plan))
		option[strcspn(option, "\n")] = 0;
	if (fork() == 0) {
		if (option[0])
			execl("/kexec-load", "kexec-load", option, "/kexec.img", (char *)NULL);
		execl("/kexec-load", "kexec-load", "/kexec.img", (char *)NULL);
		_exit(127);
	}
	wait(&status);
	printf("khoforge-kexec: kexec-load ended with %d\n", WEXITSTATUS(status));
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return 1;
}
