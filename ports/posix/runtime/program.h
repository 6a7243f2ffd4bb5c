/* What the two daemons share: their main function, the watchdog. */
#ifndef XD_POSIX_RUNTIME_PROGRAM_H
#define XD_POSIX_RUNTIME_PROGRAM_H

#include "base/bytes.h"
#include "base/time.h"

#include <stdbool.h>

#define XD_EXIT_WRONG_INPUT 2

struct xd_program {
    const char *name;  /* crossdock-hub */
    const char *about; /* one sentence */
    /* The program's configuration, zeroed, which the functions below know the type of. */
    void *config;
    enum xd_result (*load)(const char *path, void *config, struct xd_buffer *errors);
    /* --check: what the configuration alone does not show. Lines for people: errors make it fail. */
    void (*check)(const void *config, struct xd_buffer *errors, struct xd_buffer *notes);
    int (*log_level)(const void *config);                            /* enum xd_log_level */
    int (*run)(const void *config, const char *path, bool log_text); /* gives the exit status */
    void (*free)(void *config);
};

/* Arguments, configuration, self-tests, run. Gives the exit status. */
int xd_program_main(const struct xd_program *program, int count, char **texts);

/* Tells the supervisor (systemd) that we are alive, as often as it wants to know. */
void xd_program_feed_watchdog(xd_ms monotonic);

#endif
