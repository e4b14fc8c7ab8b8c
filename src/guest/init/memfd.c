/*
 * What user space hands over, of every kind. `session SESSION` makes a session, and prints
 *
 *   khoforge-init: session SESSION: created
 *
 * `memfd SESSION TOKEN SIZE SEALS POSITION RANGE...` makes a memfd of SIZE bytes with data in each RANGE, which is
 * START-END, and holes elsewhere, seals it, moves its position, and preserves it in the session, which is made where this
 * init has not made it yet. All of it stays open. It prints
 *
 *   khoforge-init: preserve 0xTOKEN: done
 *   khoforge-init: made 0xTOKEN size BYTES position BYTES seals 0xBITS data START-END... read BYTES sha256 HEX
 *
 * with the name of an error where something fails. The second line is as `luo` prints it of what the next kernel has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "init.h"
#include "liveupdate.h"

enum { MAX_SESSIONS = 64 };

static struct {
	char name[SESSION_NAME_LENGTH];
	int fd;
} sessions[MAX_SESSIONS];
static int session_count;

int create_session(const char *name)
{
	struct session_request arg = {.size = sizeof(arg), .fd = -1};
	int device = liveupdate_device();

	if (device < 0)
		return -1;
	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	if (!ioctl(device, CREATE_SESSION, &arg))
		return arg.fd;
	say("session %s: %s", escaped(name), strerrorname_np(errno));
	return -1;
}

/* One that is known by its name, or new. */
static int session_named(const char *name)
{
	for (int i = 0; i < session_count; i++)
		if (!strncmp(sessions[i].name, name, SESSION_NAME_LENGTH - 1))
			return sessions[i].fd;
	if (session_count == MAX_SESSIONS) {
		errno = ENOSPC;
		say_error(name);
		return -1;
	}
	int fd = create_session(name);
	if (fd < 0)
		return -1;
	say("session %s: created", escaped(name));
	snprintf(sessions[session_count].name, SESSION_NAME_LENGTH, "%s", name);
	sessions[session_count++].fd = fd;
	return fd;
}

void session_command(char **words)
{
	session_named(words[1]);
}

/* Bytes that tell where they were, in which file. */
static int fill(int fd, uint64_t token, uint64_t start, uint64_t end)
{
	static uint8_t piece[64 * 1024];

	while (start < end) {
		size_t length = end - start < sizeof(piece) ? end - start : sizeof(piece);

		for (size_t i = 0; i < length; i++)
			piece[i] = (uint8_t)(token + 7 * (start + i) + 31 * ((start + i) >> 12));
		ssize_t written = pwrite(fd, piece, length, (off_t)start);
		if (written <= 0)
			return -1;
		start += (uint64_t)written;
	}
	return 0;
}

static int fill_range(int fd, uint64_t token, const char *range)
{
	char *rest;
	uint64_t start = strtoull(range, &rest, 0);

	errno = EINVAL;
	return *rest == '-' ? fill(fd, token, start, strtoull(rest + 1, NULL, 0)) : -1;
}

static int make_memfd(char **words, uint64_t token)
{
	int fd = memfd_create("khoforge", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int failed = fd < 0 || ftruncate(fd, (off_t)strtoull(words[3], NULL, 0));

	for (char **range = words + 6; !failed && *range; range++)
		failed = fill_range(fd, token, *range);
	failed = failed || fcntl(fd, F_ADD_SEALS, (int)strtoul(words[4], NULL, 0)) ||
		 lseek(fd, (off_t)strtoull(words[5], NULL, 0), SEEK_SET) < 0;
	if (!failed)
		return fd;
	say_error("memfd");
	close(fd);
	return -1;
}

int preserve_file(int session, uint64_t token, int fd)
{
	struct file_request arg = {.size = sizeof(arg), .fd = fd, .token = token};
	int failed = ioctl(session, PRESERVE_FD, &arg);

	say("preserve 0x%" PRIx64 ": %s", token, failed ? strerrorname_np(errno) : "done");
	return !failed;
}

void memfd_command(char **words)
{
	uint64_t token = strtoull(words[2], NULL, 0);
	int session = session_named(words[1]);
	int memfd = session < 0 ? -1 : make_memfd(words, token);

	if (memfd < 0)
		return;
	if (preserve_file(session, token, memfd))
		say_memfd("made", token, memfd);
}
