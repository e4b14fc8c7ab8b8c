/*
 * init of a guest that is a host to khoforge: mounts what it reads, runs /run.mjs with Node and powers off. From then
 * on the kernel prints nothing, so that the console is the program's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL))
		perror(path);
}

int main(void)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	enum { SYSLOG_ACTION_CONSOLE_LEVEL = 8 };
	klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, 1);
	pid_t child = fork();
	if (child == 0) {
		char *const arguments[] = {"node", "/run.mjs", NULL};
		char *const environment[] = {"PATH=/usr/bin", "HOME=/tmp", "TERM=dumb", NULL};
		execve("/usr/bin/node", arguments, environment);
		perror("/usr/bin/node");
		_exit(127);
	}
	int status = 0;
	waitpid(child, &status, 0);
	printf("khoforge-host: exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	fflush(NULL);
	reboot(RB_POWER_OFF);
	return 0;
}
