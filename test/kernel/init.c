/*
 * The init of the receiver's initrd: prints what the kernel shows of a handover
 * under /sys/kernel/debug/kho, then ends the machine. One fact a line:
 *
 *   khoforge-init: start RELEASE
 *   khoforge-init: cmdline TEXT
 *   khoforge-init: finalized
 *   khoforge-init: no /sys/kernel/debug/kho
 *   khoforge-init: dir PATH
 *   khoforge-init: file PATH size=BYTES crc32=0xHEX
 *   khoforge-init: hex PATH 0xOFFSET HEX...      (32 bytes a line, the first 512)
 *   khoforge-init: text PATH LINE                (of a file that is text)
 *   khoforge-init: error PATH REASON
 *   khoforge-init: done
 *
 * PATH is relative to that folder, sorted, and escaped so that it holds no white
 * space (and cut at 700 characters). crc32 is zlib's, over the first 16 MiB; `size=16777216+` says there is
 * more. Which files there are: Linux 7.3, kernel/liveupdate/kexec_handover_debugfs.c.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static const char kho_root[] = "/sys/kernel/debug/kho";
enum { HEX_LIMIT = 512, HEX_PER_LINE = 32, READ_LIMIT = 16 << 20, DEPTH_LIMIT = 4 };

static int output = STDOUT_FILENO;

/* One write a line: to /dev/kmsg it is one record, which no kernel message can split. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	/* Level 2, so that `quiet` on the command line does not hide it. */
	char line[900] = "<2>khoforge-init: ";
	size_t used = strlen(line);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	va_end(arguments);
	strcat(line, "\n");

	const char *text = output == STDOUT_FILENO ? line + strlen("<2>") : line;
	if (write(output, text, strlen(text)) < 0)
		_exit(1);
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return written < 0 ? -1 : 0;
}

/*
 * /dev/kmsg drops lines beyond a rate unless told otherwise (7.3,
 * kernel/printk/printk.c: devkmsg_write); if it cannot be told, the console it is.
 */
static void open_output(void)
{
	int console = open("/dev/console", O_RDWR);

	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	if (write_file("/proc/sys/kernel/printk_devkmsg", "on\n") < 0)
		return;
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (kmsg >= 0)
		output = kmsg;
}

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t count)
{
	crc = ~crc;
	for (size_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Subtree names come from the image: anything may be in them. */
static const char *escaped(const char *path)
{
	static char text[700 + 1];
	size_t used = 0;

	for (; *path && used + 5 < sizeof(text); path++) {
		unsigned char c = *path;
		if (isgraph(c) && c < 0x80 && c != '\\')
			text[used++] = c;
		else
			used += sprintf(text + used, "\\x%02x", c);
	}
	text[used] = 0;
	return text;
}

static void say_hex(const char *path, const uint8_t *bytes, size_t count)
{
	for (size_t at = 0; at < count; at += HEX_PER_LINE) {
		char hex[2 * HEX_PER_LINE + 1] = "";
		for (size_t i = at; i < count && i < at + HEX_PER_LINE; i++)
			sprintf(hex + 2 * (i - at), "%02x", bytes[i]);
		say("hex %s 0x%04zx %s", escaped(path), at, hex);
	}
}

static int is_text(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != '\n' && (bytes[i] < ' ' || bytes[i] > '~'))
			return 0;
	return count > 0;
}

static void say_text(const char *path, char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		say("text %s %s", escaped(path), line);
}

static void say_file(const char *path)
{
	static uint8_t head[HEX_LIMIT + 1], piece[4096];
	size_t total = 0, kept = 0;
	uint32_t crc = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY);

	while (fd >= 0 && total < READ_LIMIT && (got = read(fd, piece, sizeof(piece))) > 0) {
		size_t room = HEX_LIMIT - kept < (size_t)got ? HEX_LIMIT - kept : (size_t)got;
		memcpy(head + kept, piece, room);
		kept += room;
		total += got;
		crc = crc32(crc, piece, got);
	}
	if (fd < 0 || got < 0) {
		say("error %s %s", escaped(path), strerror(errno));
		return;
	}
	say("file %s size=%zu%s crc32=0x%08x", escaped(path), total, total < READ_LIMIT ? "" : "+", crc);
	say_hex(path, head, kept);
	if (total == kept && is_text(head, kept))
		say_text(path, (char *)head);
}

/* In a child: where an image's size or address is wrong, reading can kill the reader. */
static void say_file_safely(const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		say_file(path);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		say("error %s %s", escaped(path), strerror(errno));
	else if (WIFSIGNALED(status))
		say("error %s reading it killed the reader: signal %d", escaped(path), WTERMSIG(status));
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static void say_directory(const char *directory, int depth)
{
	struct dirent **entries;
	int count = scandir(*directory ? directory : ".", &entries, not_dots, alphasort);

	if (count < 0)
		say("error %s %s", escaped(directory), strerror(errno));
	for (int i = 0; i < count; i++) {
		char path[512];
		struct stat facts;
		snprintf(path, sizeof(path), "%s%s%s", directory, *directory ? "/" : "", entries[i]->d_name);
		if (lstat(path, &facts) < 0) {
			say("error %s %s", escaped(path), strerror(errno));
		} else if (S_ISDIR(facts.st_mode)) {
			say("dir %s", escaped(path));
			if (depth < DEPTH_LIMIT)
				say_directory(path, depth + 1);
		} else {
			say_file_safely(path);
		}
	}
}

static char cmdline[512];

static void say_start(void)
{
	struct utsname name;
	int fd = open("/proc/cmdline", O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, cmdline, sizeof(cmdline) - 1);

	uname(&name);
	say("start %s", name.release);
	if (got > 0 && cmdline[got - 1] == '\n')
		cmdline[got - 1] = 0;
	say("cmdline %s", cmdline);
}

/*
 * Up to 6.19 a kernel writes its memory map when it is told to (6.18, kernel/kexec_handover.c:
 * kho_out_finalize_set); `khoforge.finalize` on the command line asks for that.
 */
static void finalize_if_asked(void)
{
	if (!strstr(cmdline, "khoforge.finalize"))
		return;
	if (write_file("out/finalize", "1\n") < 0)
		say("error out/finalize %s", strerror(errno));
	else
		say("finalized");
}

/* Powering off where nothing can do it halts, and QEMU would run on; -no-reboot ends it then. */
static void end_machine(void)
{
	int can_power_off = access("/sys/firmware/acpi", F_OK) == 0 ||
			    access("/sys/firmware/devicetree/base/psci", F_OK) == 0;

	sync();
	reboot(can_power_off ? RB_POWER_OFF : RB_AUTOBOOT);
}

int main(void)
{
	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tmpfs", "/tmp");
	open_output();
	say_start();
	if (chdir(kho_root) < 0) {
		say("no %s", kho_root);
	} else {
		finalize_if_asked();
		say_directory("", 0);
	}
	say("done");
	end_machine();
	return 1;
}
