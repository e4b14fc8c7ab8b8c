/*
 * Loads what `khoforge build --format kexec` made with kexec_load(2), and jumps: a handover to the next kernel from a
 * Linux that has none. Before that it checks that all memory that will be written, and all that the next kernel takes
 * for RAM, is RAM here: the kernel does not (7.3, kernel/kexec_core.c: sanity_check_segment_list()).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* src/load/kexec-file.ts */
struct head {
	char magic[8];
	uint32_t version, machine;
	uint64_t entry;
	uint32_t segments, writes, ram, reserved;
};

struct segment {
	uint64_t mem, memsz, offset, bufsz;
};

struct range {
	uint64_t start, size;
};

enum { EXIT_NO = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3, MOST_RANGES = 1 << 20 };

#if defined(__x86_64__)
static const uint32_t MACHINE = 62;
#elif defined(__aarch64__)
static const uint32_t MACHINE = 183;
#else
#error "no KHO on this architecture"
#endif

/* What firmware keeps of the memory below differs from machine to machine, and the next kernel hardly needs it. */
static const uint64_t LOW_MEMORY = 0x100000;

static int fail(int code, const char *what, const char *why)
{
	fprintf(stderr, "kexec-load: %s: %s\n", what, why);
	return code;
}

/* Whether one range of System RAM in /proc/iomem has all of it; the lines below others are parts of them. */
static int in_ram(FILE *iomem, uint64_t start, uint64_t end)
{
	char line[256];
	unsigned long long first, last, from = 0, to = 0;

	rewind(iomem);
	while (fgets(line, sizeof(line), iomem)) {
		if (line[0] == ' ' || !strstr(line, " : System RAM") || sscanf(line, "%llx-%llx", &first, &last) != 2)
			continue;
		/* Neighbours are one. */
		from = first == to && to ? from : first;
		to = last + 1;
		if (from <= start && end <= to)
			return 1;
	}
	return 0;
}

static int check_ram(const struct range *ranges, uint32_t count, uint64_t from, const char *what)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	int code = 0;

	if (!iomem)
		return fail(EXIT_COULD_NOT, "/proc/iomem", strerror(errno));
	for (uint32_t i = 0; i < count && !code; i++) {
		uint64_t start = ranges[i].start, end = start + ranges[i].size;

		if (end <= from)
			continue;
		if (end < start || !in_ram(iomem, start, end)) {
			fprintf(stderr, "kexec-load: %s 0x%llx-0x%llx is not all System RAM in /proc/iomem, as root sees it: "
				"build for this machine's `ram`\n", what, (unsigned long long)start, (unsigned long long)end);
			code = EXIT_NO;
		}
	}
	fclose(iomem);
	return code;
}

/* The file is as long as it says. */
static int check_file(const char *path, const struct head *head, uint64_t size)
{
	if (size < sizeof(*head) || memcmp(head->magic, "KHOKEXEC", 8) || head->version != 1)
		return fail(EXIT_USAGE, path, "not a kexec.img of khoforge build --format kexec");
	if (head->machine != MACHINE)
		return fail(EXIT_USAGE, path, "made for another architecture");
	if (head->segments > KEXEC_SEGMENT_MAX || head->writes > MOST_RANGES || head->ram > MOST_RANGES)
		return fail(EXIT_USAGE, path, "too many segments or ranges");
	uint64_t end = sizeof(*head) + head->segments * sizeof(struct segment) +
		       ((uint64_t)head->writes + head->ram) * sizeof(struct range);
	const struct segment *segment = (const void *)(head + 1);

	if (end > size)
		return fail(EXIT_USAGE, path, "cut short");
	for (uint32_t i = 0; i < head->segments; i++)
		if (segment[i].offset > size || segment[i].bufsz > size - segment[i].offset)
			return fail(EXIT_USAGE, path, "cut short");
	return 0;
}

static const char *reason(int error)
{
	switch (error) {
	case EPERM:
		return "not allowed: run as root, on a kernel that is not locked down, with kernel.kexec_load_disabled=0";
	case ENOSYS:
		return "this kernel has no CONFIG_KEXEC";
	case EINVAL:
		return "refused (EINVAL): segments may take half of RAM at most";
	case EADDRNOTAVAIL:
		return "refused (EADDRNOTAVAIL): a segment is where this kernel takes none";
	case EBUSY:
		return "another load is under way";
	default:
		return strerror(error);
	}
}

static int load(const struct head *head)
{
	struct kexec_segment segments[KEXEC_SEGMENT_MAX];
	const struct segment *from = (const void *)(head + 1);

	for (uint32_t i = 0; i < head->segments; i++) {
		segments[i].buf = (const char *)head + from[i].offset;
		segments[i].bufsz = from[i].bufsz;
		segments[i].mem = (const void *)(uintptr_t)from[i].mem;
		segments[i].memsz = from[i].memsz;
	}
	if (syscall(SYS_kexec_load, head->entry, (unsigned long)head->segments, segments,
		    (unsigned long)head->machine << 16) == 0)
		return 0;
	return fail(EXIT_NO, "kexec_load", reason(errno));
}

static int run(const char *path, int check_only, int load_only)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stat) < 0)
		return fail(EXIT_USAGE, path, strerror(errno));
	if (stat.st_size < (off_t)sizeof(struct head))
		return fail(EXIT_USAGE, path, "not a kexec.img of khoforge build --format kexec");
	const struct head *head = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (head == MAP_FAILED)
		return fail(EXIT_COULD_NOT, path, strerror(errno));
	int code = check_file(path, head, (uint64_t)stat.st_size);

	if (code)
		return code;
	const struct range *writes = (const void *)((const struct segment *)(head + 1) + head->segments);

	code = check_ram(writes, head->writes, 0, "memory that is written,");
	if (!code)
		code = check_ram(writes + head->writes, head->ram, LOW_MEMORY, "RAM of the next kernel,");
	if (!code && !check_only)
		code = load(head);
	if (code)
		return code;
	if (check_only) {
		printf("kexec-load: %s fits this machine: %u segments, entry 0x%llx\n", path, head->segments,
		       (unsigned long long)head->entry);
		return 0;
	}
	printf("kexec-load: loaded %u segments, entry 0x%llx\n", head->segments, (unsigned long long)head->entry);
	fflush(stdout);
	if (load_only)
		return 0;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return fail(EXIT_COULD_NOT, "reboot", strerror(errno));
}

int main(int argc, char **argv)
{
	int check = argc == 3 && strcmp(argv[1], "--check") == 0;
	int load_only = argc == 3 && strcmp(argv[1], "--load") == 0;

	if (argc == 2 + (check || load_only) && argv[argc - 1][0] != '-')
		return run(argv[argc - 1], check, load_only);
	fprintf(stderr, "usage: kexec-load [--check | --load] kexec.img\n"
			"  loads the image and jumps at once; --load only loads, for `systemctl kexec` or `kexec -e`\n"
			"  to jump; --check only tells whether it fits this machine\n");
	return EXIT_USAGE;
}
