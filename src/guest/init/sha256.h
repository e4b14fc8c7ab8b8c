#ifndef KHOFORGE_SHA256_H
#define KHOFORGE_SHA256_H

#include <stdint.h>

struct sum {
	/* How many there were: fewer than wanted at the end of the file. */
	uint64_t bytes;
	/* Whether reading failed, with errno. */
	int failed;
	char text[65];
};

struct sum sha256_of(int fd, uint64_t offset, uint64_t size);

#endif
