/*
 * Reads handovers from standard input and says of each what a kernel makes of it: a line `END BYTES BLOCKS`, as many bytes
 * of console, and as many addresses of 32 bits (ran.h). END is `booted`, `died`, `hung`, `sanitizer` or `lost`. Each
 * handover has a process of its own.
 */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ran.h"
#include "simulator.h"

/* Bytes of a console that are kept; a kernel in a loop says the same for ever. */
#define MOST (1 << 20)
/* Seconds of processor time after which a kernel hangs. */
#define PATIENCE 10

/* As the sanitizers ask for them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:exitcode=42:"
	       "allocator_may_return_null=1:use_sigaltstack=0:detect_stack_use_after_return=0";
}

static bool get(void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(STDIN_FILENO, (char *)to + done, size - done);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static void put(const void *from, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t written = write(STDOUT_FILENO, (const char *)from + done, size - done);

		if (written <= 0)
			exit(1);
		done += (size_t)written;
	}
}

struct parts {
	struct sim_region *ram, *extents;
	char *cmdline, *plan, *bytes;
};

/* In the order of the bytes; both texts end with a 0. */
static struct parts parts_of(const struct sim_request *request, char *payload)
{
	struct parts parts = {.ram = (struct sim_region *)payload};

	parts.extents = parts.ram + request->regions;
	parts.cmdline = (char *)(parts.extents + request->extents);
	parts.plan = parts.cmdline + request->cmdline_bytes;
	parts.bytes = parts.plan + request->plan_bytes;
	return parts;
}

static void be_kernel(const struct sim_request *request, struct parts parts, int console)
{
	struct itimerval patience = {.it_value = {.tv_sec = PATIENCE}};

	dup2(console, STDOUT_FILENO);
	dup2(console, STDERR_FILENO);
	setitimer(ITIMER_VIRTUAL, &patience, NULL);
	sim_take(parts.extents, request->extents, parts.bytes);
	sim_boot(request, parts.ram, parts.cmdline, parts.plan);
}

static const char *end_of(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGVTALRM ? "hung" : "lost";
	switch (WEXITSTATUS(status)) {
	case SIM_BOOTED: return "booted";
	case SIM_DIED: return "died";
	case SIM_SANITIZER: return "sanitizer";
	default: return "lost";
	}
}

static void answer(const struct sim_request *request, struct parts parts)
{
	static char console[MOST], rest[1 << 16];
	size_t used = 0;
	int pipes[2], status;
	char head[64];

	if (pipe(pipes))
		exit(1);
	sim_ran_begin();
	pid_t child = fork();
	if (child < 0)
		exit(1);
	if (child == 0)
		be_kernel(request, parts, pipes[1]);
	close(pipes[1]);
	for (;;) {
		bool full = used == sizeof(console);
		ssize_t got = full ? read(pipes[0], rest, sizeof(rest)) : read(pipes[0], console + used, sizeof(console) - used);

		if (got <= 0)
			break;
		used += full ? 0 : (size_t)got;
	}
	close(pipes[0]);
	waitpid(child, &status, 0);
	int length = snprintf(head, sizeof(head), "%s %zu %zu\n", end_of(status), used, sim_ran_count());
	put(head, (size_t)length);
	put(console, used);
	sim_ran_each(put);
}

int main(void)
{
	struct sim_request request;
	u64 bytes;

	while (get(&bytes, sizeof(bytes)) && get(&request, sizeof(request))) {
		char *payload = malloc(bytes);

		if (!payload || !get(payload, bytes))
			return 1;
		answer(&request, parts_of(&request, payload));
		free(payload);
	}
	return 0;
}
