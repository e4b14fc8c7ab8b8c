/* Where the init of a guest prints. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

/* /dev/kmsg takes records of up to 1024 bytes (7.3, kernel/printk/printk.c: devkmsg_write). */
enum { MAX_LINE = 900, MAX_ESCAPED = 700, MAX_PASSED = 880 };

/* Level 0, so that no console level hides it: a plan may silence the kernel. */
static const char level[] = "<0>";
static const char prefix[] = "khoforge-init: ";

static int kmsg = -1;

/*
 * /dev/kmsg, where one write is one record that no kernel message can split. It drops lines beyond a rate unless told
 * otherwise (7.3, kernel/printk/printk.c: devkmsg_write); if it cannot be told, the console it is.
 */
void open_output(void)
{
	int console = open("/dev/console", O_RDWR);

	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	int control = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY);
	if (control >= 0 && write(control, "on\n", 3) > 0)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (control >= 0)
		close(control);
}

static void write_line(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		_exit(1);
	/* All of it is out before the kernel, which prints to the same line, gets to do anything. */
	if (fd == STDOUT_FILENO)
		tcdrain(fd);
}

static void say_on(int fd, const char *format, va_list arguments)
{
	char line[MAX_LINE];
	size_t used = (size_t)snprintf(line, sizeof(line), "%s%s", fd == kmsg ? level : "", prefix);

	vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	strcat(line, "\n");
	write_line(fd, line);
}

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_on(kmsg >= 0 ? kmsg : STDOUT_FILENO, format, arguments);
	va_end(arguments);
}

static void pass_on_line(const char *text, size_t length)
{
	char line[MAX_LINE];
	int to_kmsg = kmsg >= 0;

	snprintf(line, sizeof(line), "%s%.*s\n", to_kmsg ? level : "", (int)length, text);
	write_line(to_kmsg ? kmsg : STDOUT_FILENO, line);
}

/* Whole lines, and of one that is too long a part; what is left is moved to the front. */
static size_t pass_on_lines(char *text, size_t used, int at_end)
{
	char *line = text, *end;

	while ((end = memchr(line, '\n', used - (size_t)(line - text)))) {
		pass_on_line(line, (size_t)(end - line));
		line = end + 1;
	}
	used -= (size_t)(line - text);
	if (used > 0 && (at_end || used >= MAX_PASSED)) {
		pass_on_line(line, used);
		used = 0;
	}
	memmove(text, line, used);
	return used;
}

int pass_on_output(int fd, pid_t child)
{
	static char text[MAX_PASSED];
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	size_t used = 0;
	int status = -1, is_gone = 0;

	/* What the program leaves running may keep the pipe open for ever. */
	for (;;) {
		ssize_t count = 0;

		if (poll(&wait, 1, is_gone ? 0 : 100) > 0)
			count = read(fd, text + used, sizeof(text) - used);
		if (count > 0)
			used = pass_on_lines(text, used + (size_t)count, 0);
		else if (is_gone)
			break;
		else
			is_gone = waitpid(child, &status, wait.revents & POLLHUP ? 0 : WNOHANG) != 0;
	}
	pass_on_lines(text, used, 1);
	return status;
}

void say_error(const char *what)
{
	int error = errno;

	say("error %s %s", escaped(what), strerror(error));
}

const char *escaped(const char *text)
{
	static char result[MAX_ESCAPED + 1];
	size_t used = 0;

	for (; *text && used + 5 < sizeof(result); text++) {
		unsigned char c = (unsigned char)*text;

		if (isgraph(c) && c < 0x80 && c != '\\')
			result[used++] = (char)c;
		else
			used += (size_t)sprintf(result + used, "\\x%02x", c);
	}
	result[used] = 0;
	return result;
}
