/* The simulator's command line: what it says, and what is wrong with it. One thread. */
#ifndef XD_SIMULATOR_COMMAND_H
#define XD_SIMULATOR_COMMAND_H

#include "simulator/sim.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum xd_command_list { XD_LIST_NOTHING, XD_LIST_HELP, XD_LIST_FAULTS, XD_LIST_MUTANTS };

struct xd_command {
    struct xd_sim_options options;
    uint64_t runs;             /* at most; UINT64_MAX: until the time is up */
    unsigned seconds;          /* 0: however long it takes */
    bool combine;              /* each world by xd_sim_combine */
    bool clocks;               /* each world by xd_sim_run_twice */
    enum xd_command_list list; /* what is listed instead */
};

/* words: main's, the first is the program's. False: why says what is wrong and what may be said. */
bool xd_command_read(int count, char *const *words, struct xd_command *out, char *why, size_t why_size);

/* The options that make the same world again; sites, time and documents as they were drawn. */
void xd_command_write(const struct xd_sim_options *options, const struct xd_sim_figures *figures, FILE *out);

void xd_command_list_write(enum xd_command_list list, FILE *out);

#endif
