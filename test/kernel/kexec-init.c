/*
 * The init of a first kernel: loads /kernel and /initrd of its root with
 * kexec_file_load(2), as kexec -s does, and jumps into it. /cmdline, one line, is
 * the next kernel's command line. /before, when there is one, runs first, with
 * `-s 1`, until it ends or leaves a child behind, as stage 1 of a selftest does.
 * What goes wrong is printed, and the machine ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static void open_console(void)
{
	int console = open("/dev/console", O_RDWR);

	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
}

static int restart(unsigned int command)
{
	sync();
	return (int)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, NULL);
}

/* Up to 6.18 an image carries KHO only when KHO was finalized before; later kernels but 6.19 have no such file. */
static void finalize(void)
{
	int fd = open("/sys/kernel/debug/kho/out/finalize", O_WRONLY);

	if (fd >= 0 && write(fd, "1\n", 2) < 0)
		printf("khoforge-kexec: finalize: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* KEXEC_FILE_DEBUG (include/uapi/linux/kexec.h, 6.7 and later): the kernel tells where it puts what. */
static const unsigned long FILE_DEBUG = 8;

static int load(void)
{
	char cmdline[1024] = "";
	int kernel = open("/kernel", O_RDONLY);
	int initrd = open("/initrd", O_RDONLY);
	int text = open("/cmdline", O_RDONLY);
	ssize_t length = read(text, cmdline, sizeof(cmdline) - 1);

	if (kernel < 0 || initrd < 0 || length < 0)
		return -1;
	cmdline[strcspn(cmdline, "\n")] = 0;
	return (int)syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline, FILE_DEBUG);
}

/* One line for each scratch region, as debugfs has them. */
static void print_scratch(void)
{
	FILE *starts = fopen("/sys/kernel/debug/kho/out/scratch_phys", "r");
	FILE *sizes = fopen("/sys/kernel/debug/kho/out/scratch_len", "r");
	unsigned long long start, size;

	while (starts && sizes && fscanf(starts, "%llx", &start) == 1 && fscanf(sizes, "%llx", &size) == 1)
		printf("khoforge-kexec: scratch 0x%llx 0x%llx\n", start, size);
}

static void run_before(void)
{
	int status = 0;
	pid_t child = access("/before", X_OK) == 0 ? fork() : -1;

	if (child < 0)
		return;
	if (child == 0) {
		execl("/before", "before", "-s", "1", (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	printf("khoforge-kexec: before: status %d\n", status);
}

int main(void)
{
	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	open_console();
	run_before();
	finalize();
	print_scratch();
	if (load() < 0)
		printf("khoforge-kexec: kexec_file_load: %s\n", strerror(errno));
	else
		printf("khoforge-kexec: loaded\n");
	fflush(stdout);
	restart(LINUX_REBOOT_CMD_KEXEC);
	printf("khoforge-kexec: reboot: %s\n", strerror(errno));
	fflush(stdout);
	restart(LINUX_REBOOT_CMD_RESTART);
	return 1;
}
