/*
 * A program that retrieves what LUO kept, as the init of a guest does (src/guest/init/luo.c), but for what a memfd holds: its
 * lines are those that tell what it did not get.
 */
#include "simulator.h"
#include <uapi/linux/liveupdate.h>

static struct miscdevice *device;

int misc_register(struct miscdevice *one)
{
	device = one;
	return 0;
}

static const char *outcome(long error, const char *good)
{
	return error ? strerrorname_np((int)-error) : good;
}

/* src/guest/initrd.ts: planLine() */
static char *unescape(char *word)
{
	char *to = word;

	for (char *at = word; *at; at++) {
		unsigned int byte;

		if (at[0] == '\\' && sscanf(at, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			at += 3;
		} else
			*to++ = *at;
	}
	*to = 0;
	return word;
}

static struct file *open_session(struct file *control, const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = {.size = sizeof(arg)};

	strncpy((char *)arg.name, name, sizeof(arg.name) - 1);
	long error = control->f_op->unlocked_ioctl(control, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, (unsigned long)&arg);
	printk("khoforge-init: session %s: %s\n", name, outcome(error, "retrieved"));
	if (error)
		return NULL;
	return sim_take_file(arg.fd);
}

static void retrieve(struct file *control, char *words, bool finishes)
{
	struct liveupdate_session_finish end = {.size = sizeof(end)};
	char *name = unescape(strsep(&words, " ")), *token;

	struct file *session = open_session(control, name);
	if (!session)
		return;
	while ((token = strsep(&words, " "))) {
		struct liveupdate_session_retrieve_fd file = {.size = sizeof(file), .token = strtoull(token, NULL, 0)};

		long error = session->f_op->unlocked_ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, (unsigned long)&file);
		printk("khoforge-init: file %s%s%s\n", token, error ? ": " : " retrieved", outcome(error, ""));
		if (!error)
			fput(sim_take_file(file.fd));
	}
	if (finishes) {
		long error = session->f_op->unlocked_ioctl(session, LIVEUPDATE_SESSION_FINISH, (unsigned long)&end);
		printk("khoforge-init: finish %s: %s\n", name, outcome(error, "done"));
	}
	fput(session);
}

void sim_user(char *plan)
{
	struct file *control = NULL;
	char *line;

	while ((line = strsep(&plan, "\n"))) {
		char *words = line;
		const char *command = strsep(&words, " ");

		if (!words)
			continue;
		if (!control && device) {
			struct file *file = sim_new_file(device->fops, device);

			long error = device->fops->open(&file->inode, file);
			control = error ? NULL : file;
			if (error)
				printk("khoforge-init: error /dev/liveupdate %s\n", strerror((int)-error));
		}
		if (control)
			retrieve(control, words, !strcmp(command, "luo"));
		else if (!device)
			printk("khoforge-init: error /dev/liveupdate No such file or directory\n");
	}
}
