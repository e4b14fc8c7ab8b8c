/*
 * For LD_PRELOAD: the first handler of SIGBUS is refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>

int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	static int refused;
	int (*real)(int, const struct sigaction *, struct sigaction *);

	if (signal == SIGBUS && action && action->sa_handler != SIG_DFL && !refused) {
		refused = 1;
		errno = EAGAIN;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "sigaction");
	return real(signal, action, before);
}
