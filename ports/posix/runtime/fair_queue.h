/* A queue in which a flood of one spares the others.
 *
 * What waits belongs to a flow (a client), and a flow to a group (a tenant). Groups
 * take turns by their shares, and the flows of a group by theirs; within a flow the
 * order is that of arrival. So a tenant gets no more for having many clients, and
 * what comes to a flow that has nothing waiting is served within one round, however
 * much waits elsewhere. A flow may only have so many waiting: beyond that it is
 * refused while others still get in.
 * No threads and no lock in here: the caller's lock is held for every call. */
#ifndef XD_POSIX_RUNTIME_FAIR_QUEUE_H
#define XD_POSIX_RUNTIME_FAIR_QUEUE_H

#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_FAIR_SHARE_MAX 1000

/* How many a group, or a flow of it, is served in a row when others wait too: asked at the start of each
 * turn of it, with the item that is next. What is not 1..XD_FAIR_SHARE_MAX counts as the nearest of them. */
struct xd_fair_shares {
    void *context;
    int64_t (*group)(void *context, const void *item);
    int64_t (*flow)(void *context, const void *item);
};

struct xd_fair_queue;

/* flow_max: items that one flow may have waiting; max: all together. */
XD_CHECKED enum xd_result xd_fair_queue_new(size_t flow_max, size_t max, const struct xd_fair_shares *shares,
                                            struct xd_fair_queue **out);
/* The items that are inside are nobody's then. NULL is allowed. */
void xd_fair_queue_free(struct xd_fair_queue *queue);
/* XD_FULL: the flow, or all, has as many waiting as may be. XD_NO_MEMORY. The item stays the caller's. */
XD_CHECKED enum xd_result xd_fair_queue_put(struct xd_fair_queue *queue, const char *group, const char *flow,
                                            void *item);
/* The next one; NULL: nothing waits. */
void *xd_fair_queue_take(struct xd_fair_queue *queue);
size_t xd_fair_queue_count(const struct xd_fair_queue *queue);

#endif
