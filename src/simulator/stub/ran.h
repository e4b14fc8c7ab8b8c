/* Blocks of the kernel's files that ran, by the address behind the call that each begins with, as the program is linked. */
#ifndef SIM_RAN_H
#define SIM_RAN_H

#include "simulator.h"

/* Before a child becomes the kernel. */
void sim_ran_begin(void);
size_t sim_ran_count(void);
void sim_ran_each(void (*put)(const void *from, size_t bytes));

#endif
