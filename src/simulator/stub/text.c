/* Texts and parameters (lib/string.c, lib/kstrtox.c, lib/cmdline.c, kernel/params.c). */
#include "simulator.h"

ssize_t sim_strscpy(char *to, const char *from, size_t size)
{
	if (size == 0)
		return -E2BIG;
	size_t length = strnlen(from, size);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = 0;
	return fits ? (ssize_t)length : -E2BIG;
}

void memzero_explicit(void *p, size_t size) { memset(p, 0, size); }

int kstrtobool(const char *text, bool *value)
{
	char first = text ? text[0] : 0, second = first ? text[1] : 0;

	if (first && strchr("eEyYtT1", first))
		*value = true;
	else if (first && strchr("dDnNfF0", first))
		*value = false;
	else if ((first == 'o' || first == 'O') && second && strchr("nNfF", second))
		*value = second == 'n' || second == 'N';
	else
		return -EINVAL;
	return 0;
}

int kstrtouint(const char *text, unsigned int base, unsigned int *value)
{
	char *end;

	if (!isdigit(*text) && *text != '+')
		return -EINVAL;
	errno = 0;
	unsigned long long wide = strtoull(text, &end, (int)base);
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	if (errno || wide > UINT_MAX)
		return -ERANGE;
	*value = (unsigned int)wide;
	return 0;
}

unsigned long long memparse(const char *text, char **end)
{
	char *at;
	unsigned long long value = strtoull(text, &at, 0);
	const char *units = "KMGTPE";
	const char *unit = *at ? strchr(units, toupper(*at)) : NULL;

	if (unit) {
		value <<= 10 * (unit - units + 1);
		at++;
	}
	if (end)
		*end = at;
	return value;
}

/* Of early_param() the name has no '=', of __setup() it mostly has; a function gets what follows. */
void sim_parse(char *cmdline, struct sim_param *begin, struct sim_param *end)
{
	char *rest = strdup(cmdline);
	char *at = rest, *word;

	while ((word = strsep(&at, " \t\n"))) {
		for (struct sim_param *param = begin; param < end; param++) {
			size_t length = strlen(param->name);
			bool takes = param->name[length - 1] == '=';

			if (strncmp(word, param->name, length))
				continue;
			if (takes)
				param->set(word + length);
			else if (word[length] == '=')
				param->set(word + length + 1);
			else if (!word[length])
				param->set(NULL);
		}
	}
	/* Functions may keep what they were given. */
}
