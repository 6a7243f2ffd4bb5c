/* What the two daemons' main functions share: arguments, watchdog. */
#ifndef XD_POSIX_RUNTIME_PROGRAM_H
#define XD_POSIX_RUNTIME_PROGRAM_H

#include "base/time.h"

#include <stdbool.h>

#define XD_EXIT_WRONG_INPUT 2

struct xd_program {
    const char *name;  /* crossdock-hub */
    const char *about; /* one sentence */
};

struct xd_arguments {
    const char *config;
    bool check, log_text;
};

/* -1: go on; otherwise the exit status (help and version were printed, or what is
 * wrong with the arguments). */
int xd_program_arguments(const struct xd_program *program, int count, char **texts, struct xd_arguments *out);

/* Tells the supervisor (systemd) that we are alive, as often as it wants to know. */
void xd_program_feed_watchdog(xd_ms monotonic);

#endif
