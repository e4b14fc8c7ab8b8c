/*
 * init of a guest that runs one kselftest: mounts what tests expect, runs /test with the arguments that /arguments
 * has, one a line, tells how it ended and powers off.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 64, LONGEST = 256 };

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static void say(const char *what, int number)
{
	printf("khoforge-kselftest: %s %d\n", what, number);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

static void run_test(void)
{
	static char text[MOST_ARGUMENTS][LONGEST];
	char *arguments[MOST_ARGUMENTS + 2] = {"/test"};
	FILE *file = fopen("/arguments", "r");
	int count = 0;

	while (file && count < MOST_ARGUMENTS && fgets(text[count], LONGEST, file)) {
		text[count][strcspn(text[count], "\n")] = 0;
		arguments[count + 1] = text[count];
		count++;
	}
	execv("/test", arguments);
	perror("/test");
	_exit(127);
}

int main(void)
{
	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tmpfs", "/tmp");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(console, fd);
	say("start", 0);
	pid_t child = fork();
	if (child == 0)
		run_test();
	int status = 0;
	waitpid(child, &status, 0);
	tcdrain(STDOUT_FILENO);
	say("exit", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	reboot(RB_POWER_OFF);
	return 0;
}
