/* The POSIX world that the core is handed: clocks, entropy, the log; and what a
 * well-behaved daemon owes its supervisor. */
#ifndef XD_POSIX_WORLD_H
#define XD_POSIX_WORLD_H

#include "base/env.h"
#include "base/time.h"

#include <signal.h>
#include <stdbool.h>

#define XD_VERSION "0.1.0"

/* Any thread. */
struct xd_now xd_world_now(void);

/* One JSON object a line on standard error (text: for people). Any thread. */
void xd_world_log_open(bool text, enum xd_log_level least);
/* "debug", "info", "warning", "error"; info when unknown. */
enum xd_log_level xd_world_level(const char *name);
/* The core's environment; lives for ever. */
const struct xd_env *xd_world_env(void);

/* SIGTERM and SIGINT ask to stop, SIGHUP to reload, SIGPIPE is ignored. Call
 * before threads start. */
void xd_world_signals(void);
bool xd_world_stopping(void);
bool xd_world_reload_asked(void); /* and forgets it */
void xd_world_stop(void);         /* as if SIGTERM had come */

/* systemd's sd_notify protocol; does nothing without NOTIFY_SOCKET. */
void xd_world_notify(const char *state);

/* Free bytes on the file system of path; INT64_MAX when it cannot be told. */
long long xd_world_disk_free(const char *path);

#endif
