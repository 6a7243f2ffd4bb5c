/* Events in the mailbox: one allocation each, the record first, what it points to
 * behind it. A program's own events and those of the line (line_inlet.h) start
 * alike, so that one queue carries both. */
#ifndef XD_POSIX_RUNTIME_EVENT_H
#define XD_POSIX_RUNTIME_EVENT_H

#include <stddef.h>

struct xd_event {
    int kind;
};

/* Zeroed, size bytes. Never NULL: memory that is not there is waited for a while,
 * which is back-pressure; then the process ends, as by kill -9, rather than go on
 * without knowing what happened. Freed with xd_free. Any thread. */
void *xd_event_new(int kind, size_t size);

/* Copies text (with its terminator) or bytes to *at and moves on; NULL stays NULL. */
const char *xd_event_place(char **at, const char *text);
/* What xd_event_place takes: 0 for NULL. */
size_t xd_event_size(const char *text);

#endif
