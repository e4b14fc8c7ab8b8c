/*
 * What user space gets of a live update (include/uapi/linux/liveupdate.h, 6.19 to 7.3). `luo SESSION TOKEN...` prints
 *
 *   khoforge-init: session SESSION: retrieved
 *   khoforge-init: file 0xTOKEN size BYTES position BYTES seals 0xBITS data START-END... read BYTES sha256 HEX
 *   khoforge-init: finish SESSION: done
 *
 * and `luo-close SESSION`, which closes a session that nothing was asked of, and the device,
 *
 *   khoforge-init: session SESSION: retrieved
 *   khoforge-init: name SESSION: NAME
 *
 * `luo-again SESSION TOKEN...` finishes the session when it has all of its files, makes a new one of the same name, and
 * preserves them in that, as who lives through one update after the other. It prints `session`, `finish` and `preserve`.
 *
 * with the name of an error where something fails: `file 0xTOKEN: ENOENT`. A kernel without that interface has no
 * /dev/liveupdate.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"
#include "sha256.h"

static int retrieve_session(int device, const char *name)
{
	struct session_request arg = {.size = sizeof(arg), .fd = -1};

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	return ioctl(device, RETRIEVE_SESSION, &arg) ? -1 : arg.fd;
}

static int retrieve_file(int session, uint64_t token)
{
	struct file_request arg = {.size = sizeof(arg), .fd = -1, .token = token};

	return ioctl(session, RETRIEVE_FD, &arg) ? -1 : arg.fd;
}

/* Before it is read, for reading fills holes. Ranges for which there is no room are left out. */
static const char *data_ranges(int fd)
{
	static char text[400];
	size_t used = 0;
	off_t data = lseek(fd, 0, SEEK_DATA);

	text[0] = 0;
	while (data >= 0 && used + 45 < sizeof(text)) {
		off_t hole = lseek(fd, data, SEEK_HOLE);

		used += (size_t)sprintf(text + used, " %jd-%jd", (intmax_t)data, (intmax_t)hole);
		data = lseek(fd, hole, SEEK_DATA);
	}
	return text;
}

void say_memfd(const char *what, uint64_t token, int fd)
{
	struct stat stat;
	off_t position = lseek(fd, 0, SEEK_CUR);
	fstat(fd, &stat);
	const char *ranges = data_ranges(fd);
	/* To look for data moves the position. */
	lseek(fd, position, SEEK_SET);
	struct sum sum = sha256_of(fd, 0, (uint64_t)stat.st_size);
	say("%s 0x%" PRIx64 " size %jd position %jd seals 0x%x data%s read %" PRIu64 " sha256 %s", what, token,
	    (intmax_t)stat.st_size, (intmax_t)position, fcntl(fd, F_GET_SEALS), ranges, sum.bytes, sum.text);
}

static void show_file(int session, uint64_t token)
{
	int fd = retrieve_file(session, token);

	if (fd < 0) {
		say("file 0x%" PRIx64 ": %s", token, strerrorname_np(errno));
		return;
	}
	say_memfd("file", token, fd);
	close(fd);
}

static void finish(int session, const char *name)
{
	struct finish_request arg = {.size = sizeof(arg)};
	int failed = ioctl(session, FINISH_SESSION, &arg);

	say("finish %s: %s", escaped(name), failed ? strerrorname_np(errno) : "done");
	close(session);
}

/* It can be opened once, and stays open from one command to the next. */
static int device = -1;

int liveupdate_device(void)
{
	if (device < 0)
		device = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);
	if (device < 0)
		say_error("/dev/liveupdate");
	return device;
}

/* Says what it comes to; -1 where that is nothing. */
static int open_session(const char *name)
{
	if (liveupdate_device() < 0)
		return -1;
	int session = retrieve_session(device, name);
	say("session %s: %s", escaped(name), session < 0 ? strerrorname_np(errno) : "retrieved");
	return session;
}

void luo_command(char **words)
{
	int session = open_session(words[1]);

	if (session < 0)
		return;
	for (char **token = words + 2; *token; token++)
		show_file(session, strtoull(*token, NULL, 0));
	finish(session, words[1]);
}

void luo_close_command(char **words)
{
	struct name_request arg = {.size = sizeof(arg)};
	char asked[SESSION_NAME_LENGTH];
	int session = open_session(words[1]);

	if (session < 0)
		return;
	snprintf(asked, sizeof(asked), "%s", escaped(words[1]));
	int failed = ioctl(session, NAME_OF_SESSION, &arg);
	say("name %s: %s", asked, failed ? strerrorname_np(errno) : escaped((const char *)arg.name));
	close(session);
	close(device);
	device = -1;
}

enum { MAX_FILES = 64 };

void luo_again_command(char **words)
{
	int session = open_session(words[1]);
	int files[MAX_FILES], count = 0;

	if (session < 0)
		return;
	for (char **token = words + 2; *token && count < MAX_FILES; token++)
		files[count++] = retrieve_file(session, strtoull(*token, NULL, 0));
	finish(session, words[1]);
	int next = create_session(words[1]);
	for (int i = 0; next >= 0 && i < count; i++)
		preserve_file(next, strtoull(words[2 + i], NULL, 0), files[i]);
}
