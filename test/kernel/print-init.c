/*
 * Prints the lines of the files that /plan names, one path a line:
 *
 *   khoforge-print: PATH: LINE
 *   khoforge-print: done
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static void print(const char *path)
{
	char line[512];
	FILE *file = fopen(path, "r");

	if (!file) {
		printf("khoforge-print: %s: cannot be opened\n", path);
		return;
	}
	while (fgets(line, sizeof(line), file))
		printf("khoforge-print: %s: %s\n", path, strtok(line, "\n"));
	fclose(file);
}

int main(void)
{
	char path[256];
	FILE *plan;

	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	freopen("/dev/console", "w", stdout);
	plan = fopen("/plan", "r");
	while (plan && fgets(path, sizeof(path), plan)) {
		path[strcspn(path, "\n")] = 0;
		print(path);
	}
	printf("khoforge-print: done\n");
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	return 1;
}
