/*
 * What a guest shows of files.
 *
 * `print FILE`:
 *   khoforge-init: text FILE LINE
 * `sha256 FILE OFFSET SIZE`:
 *   khoforge-init: sha256 FILE 0xOFFSET HEX
 * `tree FOLDER`, sorted, with PATH relative to the folder:
 *   khoforge-init: no FOLDER
 *   khoforge-init: dir PATH
 *   khoforge-init: file PATH size=BYTES sha256=HEX     (`size=16777216+`: there is more, which is not read)
 *   khoforge-init: text PATH LINE                      (of a file of at most 512 bytes that is text)
 * `write FILE TEXT`:
 *   khoforge-init: wrote FILE
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "sha256.h"

enum { MAX_TEXT = 512, MAX_READ = 16 << 20, MAX_DEPTH = 4 };

void print_command(char **words)
{
	FILE *file = fopen(words[1], "r");
	char *line = NULL;
	size_t room = 0;

	if (!file) {
		say_error(words[1]);
		return;
	}
	while (getline(&line, &room, file) >= 0) {
		line[strcspn(line, "\n")] = 0;
		say("text %s %s", escaped(words[1]), line);
	}
	free(line);
	fclose(file);
}

void sha256_command(char **words)
{
	uint64_t offset = strtoull(words[2], NULL, 0), size = strtoull(words[3], NULL, 0);
	int fd = open(words[1], O_RDONLY | O_CLOEXEC);
	struct sum sum = {.failed = 1};

	if (fd >= 0)
		sum = sha256_of(fd, offset, size);
	if (sum.failed)
		say_error(words[1]);
	else if (sum.bytes < size)
		say("error %s ends at 0x%" PRIx64, escaped(words[1]), offset + sum.bytes);
	else
		say("sha256 %s 0x%" PRIx64 " %s", escaped(words[1]), offset, sum.text);
	close(fd);
}

void write_command(char **words)
{
	int fd = open(words[1], O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%s\n", words[2]) < 0)
		say_error(words[1]);
	else
		say("wrote %s", escaped(words[1]));
	close(fd);
}

static int is_text(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != '\n' && (bytes[i] < ' ' || bytes[i] > '~'))
			return 0;
	return count > 0;
}

static void say_file(const char *path)
{
	char text[MAX_TEXT + 1] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sum sum = {.failed = 1};

	if (fd >= 0)
		sum = sha256_of(fd, 0, MAX_READ);
	if (sum.failed) {
		say_error(path);
		return;
	}
	say("file %s size=%" PRIu64 "%s sha256=%s", escaped(path), sum.bytes, sum.bytes < MAX_READ ? "" : "+", sum.text);
	if (sum.bytes > MAX_TEXT || pread(fd, text, MAX_TEXT, 0) != (ssize_t)sum.bytes || !is_text(text, sum.bytes))
		return;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		say("text %s %s", escaped(path), line);
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
		say_error(path);
	else if (WIFSIGNALED(status))
		say("error %s reading it killed the reader: signal %d", escaped(path), WTERMSIG(status));
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static void say_entry(const char *path, int depth);

static void say_entries(const char *folder, int depth)
{
	struct dirent **entries;
	int count = scandir(*folder ? folder : ".", &entries, not_dots, alphasort);

	if (count < 0)
		say_error(folder);
	for (int i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", entries[i]->d_name);
		say_entry(path, depth);
	}
}

static void say_entry(const char *path, int depth)
{
	struct stat stat;

	if (lstat(path, &stat) < 0) {
		say_error(path);
	} else if (S_ISDIR(stat.st_mode)) {
		say("dir %s", escaped(path));
		if (depth < MAX_DEPTH)
			say_entries(path, depth + 1);
	} else {
		say_file_safely(path);
	}
}

void tree_command(char **words)
{
	if (chdir(words[1]) < 0) {
		say("no %s", escaped(words[1]));
		return;
	}
	say_entries("", 0);
	if (chdir("/") < 0)
		say_error("/");
}
