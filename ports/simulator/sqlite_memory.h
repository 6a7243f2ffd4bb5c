/* Lets SQLite take its memory from base/memory.h, so that its allocations are counted and
 * made to fail as all others are. */
#ifndef XD_SIMULATOR_SQLITE_MEMORY_H
#define XD_SIMULATOR_SQLITE_MEMORY_H

#include <stdbool.h>

/* A simulator has one thread, and nobody asks SQLite how much it holds: without locks and sums,
 * and with memory from lists, a turn costs less. First of all; once it is too late it changes nothing. */
void xd_sim_sqlite_begin(void);

/* For the whole process and for good. MUST come before anything else of SQLite: false if it
 * does not, and then SQLite keeps its own allocator. Any number of times. */
bool xd_sim_sqlite_memory(void);

#endif
