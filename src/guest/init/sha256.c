/* SHA-256 by FIPS 180-4, for a guest that has no library. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sha256.h"

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	uint8_t block[64];
};

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void add_block(struct sha256 *hash)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)hash->block[4 * i] << 24 | (uint32_t)hash->block[4 * i + 1] << 16 |
		       (uint32_t)hash->block[4 * i + 2] << 8 | hash->block[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(v, hash->state, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t one = v[7] + (rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25)) +
			       ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
		uint32_t two = (rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22)) +
			       ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += one;
		v[0] = one + two;
	}
	for (int i = 0; i < 8; i++)
		hash->state[i] += v[i];
}

static void begin(struct sha256 *hash)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(hash->state, start, sizeof(start));
	hash->bytes = 0;
}

static void add(struct sha256 *hash, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		hash->block[hash->bytes++ % 64] = data[i];
		if (hash->bytes % 64 == 0)
			add_block(hash);
	}
}

static void end(struct sha256 *hash, char text[65])
{
	static const uint8_t one = 0x80, zero;
	uint64_t bits = hash->bytes * 8;
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	add(hash, &one, 1);
	while (hash->bytes % 64 != 56)
		add(hash, &zero, 1);
	add(hash, length, 8);
	for (int i = 0; i < 8; i++)
		snprintf(text + 8 * i, 9, "%08x", hash->state[i]);
}

struct sum sha256_of(int fd, uint64_t offset, uint64_t size)
{
	static uint8_t piece[64 * 1024];
	struct sum sum = {.bytes = 0};
	struct sha256 hash;

	begin(&hash);
	while (sum.bytes < size) {
		size_t wanted = size - sum.bytes < sizeof(piece) ? size - sum.bytes : sizeof(piece);
		ssize_t got = pread(fd, piece, wanted, (off_t)(offset + sum.bytes));

		sum.failed = got < 0;
		if (got <= 0)
			break;
		add(&hash, piece, (size_t)got);
		sum.bytes += (uint64_t)got;
	}
	end(&hash, sum.text);
	return sum;
}
