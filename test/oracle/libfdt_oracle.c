/* SPDX-License-Identifier: MIT */
/*
 * Oracle for src/fdt: runs a sequence of libfdt calls read from stdin and answers each line with one line.
 *
 * Build: cc libfdt_oracle.c -lfdt          (Debian: libfdt-dev)
 *
 * Calls. Names, paths and values are hexadecimal bytes, "-" when empty; sizes are decimal; addresses 0x... .
 * Each answers with the call's return value.
 *
 *   create SIZE                 a new buffer of exactly SIZE bytes, then fdt_create()
 *   load VALUE                  a new buffer with exactly these bytes
 *   reserve ADDRESS SIZE        fdt_add_reservemap_entry()
 *   finish_reservemap | begin_node NAME | property NAME VALUE | property_string NAME VALUE | end_node | finish
 *   open_into SIZE              fdt_open_into() the same buffer
 *   add_subnode PATH NAME | setprop PATH NAME VALUE | delprop PATH NAME | del_node PATH | pack
 *   check                       fdt_check_full()
 *
 *   dump_all                    answers with the whole buffer in hexadecimal, what follows the tree included
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *buffer;
static size_t buffer_size;

static void die(const char *what, const char *line)
{
	fprintf(stderr, "libfdt_oracle: %s: %s\n", what, line);
	exit(2);
}

/* An exact allocation for each buffer and argument, so that a memory checker sees every access past its end. */
static void *allocate(size_t size)
{
	void *memory = malloc(size ? size : 1);

	if (!memory)
		die("out of memory", "");
	return memory;
}

static void new_buffer(size_t size)
{
	free(buffer);
	buffer = allocate(size);
	buffer_size = size;
	memset(buffer, 0xa5, size);
}

/* Bytes of a hexadecimal argument, with a NUL after them that is not counted. */
static char *bytes_of(const char *hex, int *length)
{
	size_t digits = hex && strcmp(hex, "-") ? strlen(hex) : 0;
	char *bytes = allocate(digits / 2 + 1);
	unsigned int byte;
	size_t i;

	if (!hex || digits % 2)
		die("bad argument", hex ? hex : "(none)");
	for (i = 0; i < digits / 2; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			die("bad argument", hex);
		bytes[i] = (char)byte;
	}
	bytes[digits / 2] = '\0';
	*length = (int)(digits / 2);
	return bytes;
}

static int create(const char *size)
{
	new_buffer(strtoul(size ? size : "0", NULL, 0));
	return fdt_create(buffer, (int)buffer_size);
}

static int load(const char *value, int length)
{
	new_buffer((size_t)length);
	memcpy(buffer, value, (size_t)length);
	return 0;
}

static int open_into(const char *size)
{
	unsigned long wanted = strtoul(size ? size : "0", NULL, 0);

	if (wanted > buffer_size)
		die("open_into past the end of the buffer", size);
	return fdt_open_into(buffer, buffer, (int)wanted);
}

static int reserve(const char *address, const char *size)
{
	return fdt_add_reservemap_entry(buffer, strtoull(address ? address : "0", NULL, 0),
					strtoull(size ? size : "0", NULL, 0));
}

/* Calls whose arguments are byte strings. */
static int call(const char *name, char **bytes, int *length)
{
	int node;

	if (!strcmp(name, "load"))
		return load(bytes[0], length[0]);
	if (!strcmp(name, "finish_reservemap"))
		return fdt_finish_reservemap(buffer);
	if (!strcmp(name, "begin_node"))
		return fdt_begin_node(buffer, bytes[0]);
	if (!strcmp(name, "property"))
		return fdt_property(buffer, bytes[0], bytes[1], length[1]);
	if (!strcmp(name, "property_string"))
		return fdt_property_string(buffer, bytes[0], bytes[1]);
	if (!strcmp(name, "end_node"))
		return fdt_end_node(buffer);
	if (!strcmp(name, "finish"))
		return fdt_finish(buffer);
	if (!strcmp(name, "pack"))
		return fdt_pack(buffer);
	if (!strcmp(name, "check"))
		return fdt_check_full(buffer, buffer_size);

	node = fdt_path_offset(buffer, bytes[0]);
	if (node < 0)
		return node;
	if (!strcmp(name, "add_subnode"))
		return fdt_add_subnode(buffer, node, bytes[1]);
	if (!strcmp(name, "setprop"))
		return fdt_setprop(buffer, node, bytes[1], bytes[2], length[2]);
	if (!strcmp(name, "delprop"))
		return fdt_delprop(buffer, node, bytes[1]);
	if (!strcmp(name, "del_node"))
		return fdt_del_node(buffer, node);
	die("unknown call", name);
	return 0;
}

static void dump_all(void)
{
	size_t i;

	for (i = 0; i < buffer_size; i++)
		printf("%02x", buffer[i]);
	printf("\n");
}

static int run(const char *name, char **args)
{
	char *bytes[3];
	int length[3];
	int i, result;

	if (!strcmp(name, "create"))
		return create(args[0]);
	if (!strcmp(name, "open_into"))
		return open_into(args[0]);
	if (!strcmp(name, "reserve"))
		return reserve(args[0], args[1]);
	for (i = 0; i < 3; i++)
		bytes[i] = bytes_of(args[i] ? args[i] : "-", &length[i]);
	result = call(name, bytes, length);
	for (i = 0; i < 3; i++)
		free(bytes[i]);
	return result;
}

int main(void)
{
	char *line = NULL;
	size_t capacity = 0;

	while (getline(&line, &capacity, stdin) > 0) {
		char *name = strtok(line, " \n");
		char *args[3];
		int i;

		if (!name)
			continue;
		for (i = 0; i < 3; i++)
			args[i] = strtok(NULL, " \n");
		if (!strcmp(name, "dump_all"))
			dump_all();
		else
			printf("%d\n", run(name, args));
		fflush(stdout);
	}
	free(line);
	free(buffer);
	return 0;
}
