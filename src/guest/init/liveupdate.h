/*
 * How user space talks to the Live Update Orchestrator: /dev/liveupdate and a session take requests whose first word is
 * their size. In words of our own, since the headers of the build host may be older: the numbers and the order of fields
 * are those of include/uapi/linux/liveupdate.h, the same in 6.19, 7.1, 7.2 and 7.3; a session tells its name from 7.2 on.
 */
#ifndef KHOFORGE_LIVEUPDATE_H
#define KHOFORGE_LIVEUPDATE_H

#include <stdint.h>
#include <sys/ioctl.h>

enum { SESSION_NAME_LENGTH = 64 };

#define CREATE_SESSION _IO(0xba, 0x00)	 /* of /dev/liveupdate: struct session_request */
#define RETRIEVE_SESSION _IO(0xba, 0x01) /* of /dev/liveupdate: struct session_request */
#define PRESERVE_FD _IO(0xba, 0x40)	 /* of a session: struct file_request */
#define RETRIEVE_FD _IO(0xba, 0x41)	 /* of a session: struct file_request */
#define FINISH_SESSION _IO(0xba, 0x42)	 /* of a session: struct finish_request */
#define NAME_OF_SESSION _IO(0xba, 0x43)	 /* of a session: struct name_request */

struct session_request {
	uint32_t size;
	int32_t fd; /* the answer */
	uint8_t name[SESSION_NAME_LENGTH];
};

struct file_request {
	uint32_t size;
	int32_t fd; /* the answer, or what to preserve */
	uint64_t token;
};

struct finish_request {
	uint32_t size;
	uint32_t reserved;
};

struct name_request {
	uint32_t size;
	uint32_t reserved;
	uint8_t name[SESSION_NAME_LENGTH]; /* the answer */
};

/* luo.c: of /dev/liveupdate, which can be opened once and stays open; below 0, and said, where it cannot be. */
int liveupdate_device(void);
/* luo.c: what there is to know of a memfd, in one line that begins with `what` and the token. */
void say_memfd(const char *what, uint64_t token, int fd);
/* memfd.c: one that is new; below 0, and said, where there is none. */
int create_session(const char *name);
/* memfd.c: says what it comes to; whether it is preserved. */
int preserve_file(int session, uint64_t token, int fd);

#endif
