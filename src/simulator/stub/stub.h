/*
 * What the kernel's C files find here in place of the kernel around them. It is included before each of them; the headers
 * that they name themselves are empty, but for the few that stand beside the layouts of a handover (src/simulator/tree.ts).
 * Functions have the kernel's own names and meanings, as far as the compiled files look at them.
 */
#ifndef SIM_STUB_H
#define SIM_STUB_H

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "types.h"

#include "arith.h"

#include "print.h"

#include "locks.h"

#include "start.h"

#include "memory.h"

#include "pages.h"

#include "files.h"

#endif
