/*
 * init of a kernel that was revived with LUO state: retrieves the sessions and files that /plan names, as user space
 * does (include/uapi/linux/liveupdate.h, 6.19 to 7.3), prints what it finds, finishes the sessions and powers off.
 *
 * /plan has a line `session NAME`, then a line `file TOKEN` for each file of it. Each line printed begins with
 * "khoforge-luo: ".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "sha256.h"

/* All that was printed is out before the kernel, which prints to the same line, gets to do anything. */
static void drain(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static int retrieve_session(int device, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = {.size = sizeof(arg), .fd = -1};

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	return ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg) ? -1 : arg.fd;
}

static int retrieve_file(int session, uint64_t token)
{
	struct liveupdate_session_retrieve_fd arg = {.size = sizeof(arg), .fd = -1, .token = token};

	return ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) ? -1 : arg.fd;
}

static void print_hash(int fd, off_t size)
{
	static uint8_t block[64 * 1024];
	struct sha256 hash;
	char text[65];
	off_t at = 0;

	sha256_begin(&hash);
	while (at < size) {
		ssize_t got = pread(fd, block, sizeof(block), at);

		if (got <= 0)
			break;
		sha256_add(&hash, block, (size_t)got);
		at += got;
	}
	sha256_end(&hash, text);
	printf(" read %lld sha256 %s", (long long)at, text);
}

/* Before it is read, for reading fills holes. */
static void print_data(int fd)
{
	off_t data = lseek(fd, 0, SEEK_DATA);

	printf(" data");
	while (data >= 0) {
		off_t hole = lseek(fd, data, SEEK_HOLE);

		printf(" %lld-%lld", (long long)data, (long long)hole);
		data = lseek(fd, hole, SEEK_DATA);
	}
}

static void print_file(int session, uint64_t token)
{
	struct stat stat;
	int fd = retrieve_file(session, token);

	if (fd < 0) {
		printf("khoforge-luo: file 0x%llx: %s\n", (unsigned long long)token, strerrorname_np(errno));
		drain();
		return;
	}
	off_t position = lseek(fd, 0, SEEK_CUR);
	fstat(fd, &stat);
	printf("khoforge-luo: file 0x%llx size %lld position %lld seals 0x%x", (unsigned long long)token,
	       (long long)stat.st_size, (long long)position, fcntl(fd, F_GET_SEALS));
	print_data(fd);
	print_hash(fd, stat.st_size);
	printf("\n");
	drain();
	close(fd);
}

static void finish(int session, const char *name)
{
	struct liveupdate_session_finish arg = {.size = sizeof(arg)};
	int failed = ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg);

	printf("khoforge-luo: finish %s: %s\n", name, failed ? strerrorname_np(errno) : "done");
	drain();
	close(session);
}

static void follow(FILE *plan, int device)
{
	char line[256], name[64] = "";
	int session = -1;

	while (fgets(line, sizeof(line), plan)) {
		unsigned long long token;
		char next[64];

		if (sscanf(line, "session %63s", next) == 1) {
			if (session >= 0)
				finish(session, name);
			snprintf(name, sizeof(name), "%s", next);
			session = retrieve_session(device, name);
			printf("khoforge-luo: session %s: %s\n", name, session < 0 ? strerrorname_np(errno) : "retrieved");
			drain();
		} else if (session >= 0 && sscanf(line, "file %llx", &token) == 1) {
			print_file(session, token);
		}
	}
	if (session >= 0)
		finish(session, name);
}

int main(void)
{
	mount_at("devtmpfs", "/dev");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	setvbuf(stdout, NULL, _IOFBF, 8192);
	int device = open("/dev/liveupdate", O_RDWR);
	FILE *plan = fopen("/plan", "r");

	if (device < 0 || !plan)
		printf("khoforge-luo: open: %s\n", strerrorname_np(errno));
	else
		follow(plan, device);
	printf("khoforge-luo: done\n");
	drain();
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
