/* What lifecycle events need of a store: the log of events and who subscribed to
 * them. Rules as in delivery/store.h; R: also on a read-only connection. */
#ifndef XD_HUB_EVENTS_EVENT_STORE_H
#define XD_HUB_EVENTS_EVENT_STORE_H

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/time.h"

#include <stdbool.h>

#define XD_EVENT_NAME_SIZE 72 /* as XD_NAME_SIZE */
#define XD_EVENT_TYPE_SIZE 64
#define XD_WEBHOOK_URL_SIZE 513
#define XD_WEBHOOK_SECRET_MAX 64u
#define XD_WEBHOOK_TYPES_SIZE 512

struct xd_event_row {
    int64_t n; /* the place in the log: rises, with holes, and never comes again */
    char id[XD_ID_SIZE];
    char order_id[XD_ID_SIZE];        /* "" of none */
    char tenant[XD_EVENT_NAME_SIZE];  /* "" of none: nobody's but the operators' */
    char channel[XD_EVENT_NAME_SIZE]; /* its type; "" none */
    char type[XD_EVENT_TYPE_SIZE];    /* crossdock.order.shipped.v1 */
    xd_ms at;                         /* wall */
    struct xd_bytes body;             /* the CloudEvent, one line; list: borrowed for the call */
};
typedef enum xd_result (*xd_event_fn)(void *context, const struct xd_event_row *row);

struct xd_subscription_row {
    char id[XD_ID_SIZE];
    char tenant[XD_EVENT_NAME_SIZE]; /* only its events; "": everybody's */
    char url[XD_WEBHOOK_URL_SIZE];
    char types[XD_WEBHOOK_TYPES_SIZE]; /* of events, with commas; "": all */
    uint8_t secret[XD_WEBHOOK_SECRET_MAX];
    size_t secret_size;
    bool enabled;
    int64_t position; /* delivered, or not for it, up to here */
    xd_ms created_at;
    xd_ms delivered_at;  /* wall, of the last one; 0: none yet */
    xd_ms failing_since; /* wall; 0: it does not fail */
    int64_t failures;    /* in a row */
    char detail[160];    /* of the last failure */
};
typedef enum xd_result (*xd_subscription_fn)(void *context, const struct xd_subscription_row *row);

struct xd_event_store {
    void *context;
    /* XD_CONFLICT: n is there. */
    enum xd_result (*add)(void *context, const struct xd_event_row *row);
    /* R. The highest n; 0: none. */
    enum xd_result (*last)(void *context, int64_t *n);
    /* R. Events with a higher n than `after`, in order, at most max. XD_CORRUPT: a body that rotted. */
    enum xd_result (*list)(void *context, int64_t after, size_t max, xd_event_fn each, void *each_context);
    /* R. How many have a higher n; counted up to max. */
    enum xd_result (*count_after)(void *context, int64_t after, int64_t max, int64_t *count);
    /* R. The first event at or after that time (as far as clocks rise); XD_NOT_FOUND. */
    enum xd_result (*since)(void *context, xd_ms at, int64_t *n);
    /* Drops events up to `upto` that came before one older than `before` (wall), or are it, the first ones
     * first, at most max. *floor: the highest n dropped; 0: none. */
    enum xd_result (*drop)(void *context, int64_t upto, xd_ms before, size_t max, int64_t *floor);

    /* Inserts or replaces. */
    enum xd_result (*subscription_put)(void *context, const struct xd_subscription_row *row);
    /* R. In the order of their ids. */
    enum xd_result (*subscription_each)(void *context, xd_subscription_fn each, void *each_context);
    /* XD_NOT_FOUND. */
    enum xd_result (*subscription_remove)(void *context, const char *id);
};

#endif
