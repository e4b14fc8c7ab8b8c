/*
 * The init of a guest: does what /plan says, line by line, and ends the machine. A line is a command and its words,
 * separated by spaces; \xHH in a word is that byte, and \x00 ends it. A line that fails is reported, and the next one
 * follows.
 *
 *   run PROGRAM ARGUMENT...          to its end; what it prints is shown line by line, long ones in parts
 *   print FILE                       the lines of a file
 *   tree FOLDER                      files and folders below, with their content
 *   sha256 FILE OFFSET SIZE          of a part of a file
 *   write FILE TEXT                  as `echo TEXT > FILE`
 *   kexec_file_load KERNEL INITRD COMMAND-LINE      no initrd where its word is empty
 *   kexec                            jumps into what was loaded
 *   luo SESSION TOKEN...             retrieves a session and files of it, prints and finishes them (luo.c)
 *   luo-close SESSION                retrieves a session, prints its name, and closes it (luo.c)
 *   luo-again SESSION TOKEN...       retrieves a session and files of it, and preserves them again (luo.c)
 *   preserve SESSION TOKEN...        preserves one memfd under each token, for a next kernel (preserve.c)
 *   session SESSION                  makes a session that has nothing in it yet (memfd.c)
 *   memfd SESSION TOKEN SIZE SEALS POSITION RANGE...
 *                                    makes a memfd with data in the ranges, and preserves it in the session (memfd.c)
 *   memory                           how much memory the kernel has to give
 *
 * What it prints, beside what the commands do (files.c, luo.c, memfd.c, preserve.c):
 *
 *   khoforge-init: start RELEASE
 *   khoforge-init: run PROGRAM
 *   khoforge-init: exit STATUS       as a shell's $?: 128 and more for a signal
 *   khoforge-init: error WHAT REASON
 *   khoforge-init: done
 *
 * Started by hand, as another process than 1, it follows the plan of its first argument, and mounts and ends nothing.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/* Its output goes through a pipe: on the console itself the kernel could print into the middle of a line. */
static void run_command(char **words)
{
	int output[2];

	say("run %s", escaped(words[1]));
	if (pipe2(output, O_CLOEXEC)) {
		say_error("pipe");
		return;
	}
	pid_t child = fork();
	if (child == 0) {
		dup2(output[1], STDOUT_FILENO);
		dup2(output[1], STDERR_FILENO);
		execv(words[1], words + 1);
		perror(words[1]);
		_exit(127);
	}
	close(output[1]);
	if (child < 0) {
		say_error(words[1]);
	} else {
		int status = pass_on_output(output[0], child);

		say("exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	close(output[0]);
}

static const struct command {
	const char *name;
	int least_words, most_words;
	void (*function)(char **words);
} commands[] = {
	{"run", 2, 0, run_command},
	{"print", 2, 2, print_command},
	{"tree", 2, 2, tree_command},
	{"sha256", 4, 4, sha256_command},
	{"write", 3, 3, write_command},
	{"kexec_file_load", 4, 4, load_command},
	{"kexec", 1, 1, kexec_command},
	{"luo", 2, 0, luo_command},
	{"luo-close", 2, 2, luo_close_command},
	{"luo-again", 2, 0, luo_again_command},
	{"preserve", 3, 0, preserve_command},
	{"session", 2, 2, session_command},
	{"memfd", 6, 0, memfd_command},
	{"memory", 1, 1, memory_command},
};

/* In place: the result is no longer. */
static void unescape(char *word)
{
	char *to = word;

	while (*word) {
		unsigned int byte;

		if (word[0] == '\\' && word[1] == 'x' && isxdigit(word[2]) && isxdigit(word[3])) {
			sscanf(word + 2, "%2x", &byte);
			*to++ = (char)byte;
			word += 4;
		} else {
			*to++ = *word++;
		}
	}
	*to = 0;
}

/* The words of a line, which are in the line, and NULL. */
static char **split(char *line, int *count)
{
	char **words = calloc(strlen(line) / 2 + 2, sizeof(*words));

	*count = 0;
	for (char *word = strtok(line, " \n"); words && word; word = strtok(NULL, " \n")) {
		unescape(word);
		words[(*count)++] = word;
	}
	return words;
}

static void follow_line(char *line)
{
	int count;
	char **words = split(line, &count);
	const struct command *end = commands + sizeof(commands) / sizeof(*commands);

	if (!words || count == 0)
		return;
	errno = ENOSYS;
	for (const struct command *one = commands; one < end; one++) {
		if (strcmp(words[0], one->name))
			continue;
		errno = EINVAL;
		if (count >= one->least_words && (!one->most_words || count <= one->most_words)) {
			one->function(words);
			free(words);
			return;
		}
	}
	say_error(words[0]);
	free(words);
}

static void follow(const char *path)
{
	FILE *plan = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	if (!plan) {
		say_error(path);
		return;
	}
	while (getline(&line, &room, plan) >= 0)
		follow_line(line);
	free(line);
	fclose(plan);
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

/* Where a kernel does not have one of them, what needs it fails. */
static void mount_all(void)
{
	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tmpfs", "/tmp");
}

/* Powering off where nothing can do it halts, and QEMU would run on; -no-reboot ends it then. */
static void end_machine(void)
{
	int can_power_off = access("/sys/firmware/acpi", F_OK) == 0 ||
			    access("/sys/firmware/devicetree/base/psci", F_OK) == 0;

	reboot(can_power_off ? RB_POWER_OFF : RB_AUTOBOOT);
}

int main(int count, char **arguments)
{
	int is_init = getpid() == 1;
	struct utsname name;

	if (is_init) {
		mount_all();
		open_output();
	}
	uname(&name);
	say("start %s", name.release);
	follow(!is_init && count > 1 ? arguments[1] : "/plan");
	say("done");
	if (is_init)
		end_machine();
	return 0;
}
