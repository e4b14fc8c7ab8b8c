/* Where the init of a guest prints. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

/* /dev/kmsg takes records of up to 1024 bytes (7.3, kernel/printk/printk.c: devkmsg_write). */
enum { MAX_LINE = 900, MAX_ESCAPED = 700 };

/* Level 2, so that `quiet` on the command line does not hide it. */
static const char level[] = "<2>";
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

void say_on_console(const char *format, ...)
{
	va_list arguments;

	tcdrain(STDOUT_FILENO);
	va_start(arguments, format);
	say_on(STDOUT_FILENO, format, arguments);
	va_end(arguments);
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
