/* Who asked to wait for the ERP's word on an order (RFC 7240, Prefer: wait).
 *
 * A request that waits is answered at the end of a batch: 201 when the ERP has the sale, 202
 * when its time is over or a person has to decide. What was answered in a batch is
 * forgotten when the next begins, for until then its commit may fail. */
#ifndef XD_HUB_WAITERS_H
#define XD_HUB_WAITERS_H

#include "base/effects.h"
#include "hub/store.h"

struct xd_hub;
struct xd_api_request;

#define XD_WAITERS_MAX 256u
#define XD_WAIT_MS_MAX ((xd_ms)60000)

struct xd_waiter {
    void *handle;
    bool queued; /* as the request's */
    char order_id[XD_ID_SIZE];
    xd_ms until; /* monotonic */
    bool look;   /* something happened to the order */
    bool answered;
};

struct xd_waiters {
    struct xd_waiter items[XD_WAITERS_MAX];
    size_t count;
};

/* False: there are too many; answer at once. */
bool xd_waiters_add(struct xd_hub *hub, const struct xd_api_request *request, const char *order_id,
                    struct xd_now now);
/* It is answered otherwise. */
void xd_waiters_drop(struct xd_hub *hub, void *handle);
void xd_waiters_look(struct xd_hub *hub, const char *order_id);
/* The last batch was committed; or it failed. */
void xd_waiters_left(struct xd_hub *hub);
void xd_waiters_back(struct xd_hub *hub);
/* all: the program ends, nobody waits any longer. */
XD_CHECKED enum xd_result xd_waiters_run(struct xd_hub *hub, bool all, struct xd_now now,
                                         struct xd_effects *effects);

#endif
