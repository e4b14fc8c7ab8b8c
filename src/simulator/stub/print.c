/* The console. Its lines go to standard output, which is a pipe to whoever asks. */
#include <unistd.h>

#include "simulator.h"

/* What follows %p says what is printed (lib/vsprintf.c: pointer()); an error is a number without CONFIG_SYMBOLIC_ERRNAME. */
static int print_pointer(char *to, size_t room, const char **format, void *value)
{
	char kind = **format;

	if (kind == 'a')
		*format += (*format)[1] == 'p' ? 2 : 1;
	else if (kind == 'e' || kind == 'd')
		*format += 1;
	if (kind == 'a')
		return snprintf(to, room, "0x%016llx", *(const phys_addr_t *)value);
	if (kind == 'e')
		return IS_ERR(value) ? snprintf(to, room, "%ld", PTR_ERR(value)) : snprintf(to, room, "%016lx", (unsigned long)value);
	if (kind == 'd')
		return snprintf(to, room, "%s", sim_dentry_name(value));
	return snprintf(to, room, "%016lx", (unsigned long)value);
}

/* A specification of the C library: the kernel's are the same but for %p. */
static int print_value(char *to, size_t room, const char *spec, size_t length, va_list *arguments)
{
	char one[32], last = spec[length - 1];
	bool is_long = memchr(spec, 'l', length) || memchr(spec, 'z', length);
	int stars[2], count = 0;

	snprintf(one, sizeof(one), "%.*s", (int)length, spec);
	for (const char *p = one; *p && count < 2; p++)
		if (*p == '*')
			stars[count++] = va_arg(*arguments, int);
#define FORMAT(value)                                                                                                  \
	(count == 0   ? snprintf(to, room, one, value)                                                                 \
	 : count == 1 ? snprintf(to, room, one, stars[0], value)                                                       \
		      : snprintf(to, room, one, stars[0], stars[1], value))
	if (last == 's') {
		const char *text = va_arg(*arguments, const char *);
		return FORMAT(text ? text : "(null)");
	}
	if (is_long) {
		unsigned long long value = va_arg(*arguments, unsigned long long);
		return FORMAT(value);
	}
	unsigned int value = va_arg(*arguments, unsigned int);
	return FORMAT(value);
#undef FORMAT
}

static size_t format_text(char *to, size_t size, const char *format, va_list *arguments)
{
	size_t used = 0;

	while (*format && used + 1 < size) {
		size_t length = strspn(format + 1, "-+ #0123456789.*lhz") + 2;
		int more;

		if (*format != '%') {
			to[used++] = *format++;
			continue;
		}
		if (format[1] == '%') {
			to[used++] = '%';
			format += 2;
			continue;
		}
		const char *spec = format;
		format += length;
		if (spec[length - 1] == 'p')
			more = print_pointer(to + used, size - used, &format, va_arg(*arguments, void *));
		else
			more = print_value(to + used, size - used, spec, length, arguments);
		used += more < 0 ? 0 : min((size_t)more, size - used - 1);
	}
	to[used] = 0;
	return used;
}

static void print_line(const char *before, const char *format, va_list *arguments)
{
	/* A record is no longer (kernel/printk/internal.h: PRINTKRB_RECORD_MAX, 7.3). */
	char text[1024 + 64];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", before);

	used += format_text(text + used, 1024, format, arguments);
	if (used == 0 || text[used - 1] != '\n')
		text[used++] = '\n';
	/* What is no character of ASCII, and no line feed, is escaped (kernel/printk/printk.c: msg_add_ext_text() does the
	 * same for /dev/kmsg alone): the console has it as it is. */
	if (write(STDOUT_FILENO, text, used) < 0)
		_exit(SIM_LOST);
}

void printk(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line("", format, &arguments);
	va_end(arguments);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line("Kernel panic - not syncing: ", format, &arguments);
	va_end(arguments);
	_exit(SIM_DIED);
}

void sim_warn(const char *file, int line, const char *function)
{
	printk("WARNING: %s:%d at %s+0x0/0x0, CPU#0: swapper/0/1\n", file, line, function);
}
