/* Where connectors meet the turn: one bounded queue of events. A full mailbox is
 * back-pressure: xd_mailbox_put waits. Any thread puts; the turn's thread takes. */
#ifndef XD_POSIX_MAILBOX_H
#define XD_POSIX_MAILBOX_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

struct xd_mailbox;

/* capacity: events; bytes_max: sum of the sizes that puts declare. */
XD_CHECKED enum xd_result xd_mailbox_new(size_t capacity, size_t bytes_max, struct xd_mailbox **out);
void xd_mailbox_free(struct xd_mailbox *mailbox); /* must be empty and closed */
/* Waits for room. false: closed, the event stays the caller's. */
bool xd_mailbox_put(struct xd_mailbox *mailbox, void *event, size_t bytes);
/* Does not wait. XD_FULL, XD_UNAVAILABLE (closed). */
XD_CHECKED enum xd_result xd_mailbox_try(struct xd_mailbox *mailbox, void *event, size_t bytes);
/* Up to max events in order; waits up to timeout_ms for the first. 0: none came. */
size_t xd_mailbox_take(struct xd_mailbox *mailbox, void **events, size_t max, unsigned timeout_ms);
/* Puts fail from now on; what is inside can still be taken. */
void xd_mailbox_close(struct xd_mailbox *mailbox);
bool xd_mailbox_closed(struct xd_mailbox *mailbox);

#endif
