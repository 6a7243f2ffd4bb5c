/* What deadlines need of a store. Rules as in hub/store.h, whose part this is (the functions
 * marked R may be called through a read-only connection, too). */
#ifndef XD_HUB_SLA_SLA_STORE_H
#define XD_HUB_SLA_SLA_STORE_H

#include "base/id.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

/* What a tenant can be promised, in the order in which an order gets there. */
enum xd_promise {
    XD_PROMISE_ACCEPTED,
    XD_PROMISE_RELEASED,
    XD_PROMISE_ACKNOWLEDGED,
    XD_PROMISE_SHIPPED,
    XD_PROMISE_COUNT
};

enum xd_deadline_stage {
    XD_DEADLINE_WAITS,  /* for its warning */
    XD_DEADLINE_WARNED, /* and waits for its breach */
    XD_DEADLINE_BREACHED,
    XD_DEADLINE_STAGE_COUNT
};

/* A promise of an order that is not kept yet. */
struct xd_deadline_row {
    char order_id[XD_ID_SIZE];
    int promise; /* enum xd_promise */
    int stage;   /* enum xd_deadline_stage */
    xd_ms at;    /* wall: when something is to be told of it; 0: all is told */
    xd_ms due;   /* wall: the deadline itself; 0: not known yet, and at is 0, too */
};
typedef enum xd_result (*xd_deadline_fn)(void *context, const struct xd_deadline_row *row);

struct xd_sla_store {
    /* Inserts, or replaces that of the same order and promise. */
    enum xd_result (*put)(void *context, const struct xd_deadline_row *row);
    /* Of one that is not there is fine. */
    enum xd_result (*drop)(void *context, const char *order_id, int promise);
    /* R. Those of an order, by promise. */
    enum xd_result (*of_order)(void *context, const char *order_id, xd_deadline_fn each, void *each_context);
    /* Those with 0 < at <= now, at most max, the longest due first. Must not slow down with those of
     * which all is told. */
    enum xd_result (*due)(void *context, xd_ms now, size_t max, xd_deadline_fn each, void *each_context);
    /* Whether there are any at all. Cheap. */
    enum xd_result (*any)(void *context, bool *any);
};

#endif
