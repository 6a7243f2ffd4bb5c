/* Webhooks: events posted to whoever subscribed, in order, at least once each.
 *
 * A subscription goes through the log one event at a time: the next one leaves when
 * the last one was taken (HTTP 2xx). What is not taken is tried again, ever slower, and
 * holds up this subscription only; after `disable_ms` of failure, or at once when the
 * receiver says that it is gone (410), it is disabled and an exception says so. How far
 * each got is in the store. Signed as the "Standard Webhooks" specification says
 * (standardwebhooks.com): HMAC-SHA256 of `id.timestamp.body`. The turn's thread. */
#ifndef XD_HUB_EVENTS_WEBHOOKS_H
#define XD_HUB_EVENTS_WEBHOOKS_H

#include "base/effects.h"
#include "delivery/retry.h"
#include "hub/store.h"

struct xd_hub;
struct xd_api_request;

#define XD_WEBHOOKS_MAX 256u
#define XD_WEBHOOK_DISABLED "WEBHOOK_DISABLED" /* the exception; its document_id is the subscription's */

struct xd_webhook_config {
    unsigned concurrency; /* calls at the same time; 0: none is made */
    xd_ms retry_ms_min, retry_ms_max;
    xd_ms disable_ms; /* of failure without a break */
    /* Whether calls may go to that host of a URL. A name is allowed here: where it leads is looked at by each
     * call. NULL: any may. */
    bool (*host_allowed)(void *context, const char *host);
    void *host_context;
};

/* One call, made by a worker. Owned by the effect, then by the port, which gives it
 * back with the answer and frees it with xd_webhook_call_free. */
struct xd_webhook_call {
    uint64_t id; /* of this call, in this process */
    bool heard;  /* its worker is free again: an answer may be decided twice, when a batch fails */
    char subscription[XD_ID_SIZE];
    int64_t n;
    char event_id[XD_ID_SIZE]; /* header webhook-id */
    char timestamp[24];        /* header webhook-timestamp: seconds since 1970 */
    char signature[64];        /* header webhook-signature */
    const char *url;
    struct xd_bytes body; /* application/cloudevents+json; it and the url stand behind */
};
void xd_webhook_call_free(void *call);

struct xd_webhook_answer {
    unsigned status;  /* of HTTP; 0: there was no answer */
    char detail[160]; /* why, for people */
};

struct xd_webhook {
    struct xd_subscription_row row;
    int64_t saved;      /* the position that the store has */
    uint64_t under_way; /* the call; 0: none */
    uint64_t counts;    /* the call whose answer counts; 0: none, it was overtaken */
    uint64_t counted; /* the one before it: when the batch that began the last call fails, it counts again */
    bool fresh;       /* it began in the last batch, whose commit may have failed */
    xd_ms due, save_at; /* monotonic */
    struct xd_retry retry;
};

/* A part of struct xd_hub. */
struct xd_webhooks {
    struct xd_webhook *items;      /* owned */
    size_t count, capacity, first; /* first: whose turn it is to be served first */
    unsigned calls;
    uint64_t call_id;
};

XD_CHECKED enum xd_result xd_hub_webhooks_load(struct xd_hub *hub);
/* Reads again what the store has. restart: a batch failed: what it would have called was not. */
XD_CHECKED enum xd_result xd_hub_webhooks_reload(struct xd_hub *hub, bool restart);
void xd_hub_webhooks_free(struct xd_hub *hub);
/* Another batch has begun, so what the last one called has left. Said first by every entry. */
void xd_hub_webhooks_left(struct xd_hub *hub);
/* Calls what is due, as far as there are free workers. */
XD_CHECKED enum xd_result xd_hub_webhooks_run(struct xd_hub *hub, struct xd_now now,
                                              struct xd_effects *effects);
XD_CHECKED enum xd_result xd_hub_webhook_answer(struct xd_hub *hub, struct xd_webhook_call *call,
                                                const struct xd_webhook_answer *answer, struct xd_now now);
/* Undone: the event is sent once more. */
void xd_hub_webhook_refuse(struct xd_hub *hub, struct xd_webhook_call *call, struct xd_now now);
bool xd_hub_webhooks_check(const struct xd_hub *hub);

/* ---- the API's writes (subscriptions.c) ---- */

/* A channel acts on its own tenant's only.
 * POST /v1/subscriptions {url, types?, tenant?, secret?}: 201, with the secret */
XD_CHECKED enum xd_result xd_hub_subscription_add(struct xd_hub *hub, const struct xd_api_request *request,
                                                  struct xd_now now, struct xd_effects *effects);
/* DELETE /v1/subscriptions/{id} */
XD_CHECKED enum xd_result xd_hub_subscription_remove(struct xd_hub *hub, const struct xd_api_request *request,
                                                     struct xd_now now, struct xd_effects *effects);
/* POST /v1/subscriptions/{id}/enable */
XD_CHECKED enum xd_result xd_hub_subscription_enable(struct xd_hub *hub, const struct xd_api_request *request,
                                                     struct xd_now now, struct xd_effects *effects);
/* POST /v1/subscriptions/{id}/replay {from: n or time} */
XD_CHECKED enum xd_result xd_hub_subscription_replay(struct xd_hub *hub, const struct xd_api_request *request,
                                                     struct xd_now now, struct xd_effects *effects);
struct xd_webhook *xd_hub_webhook_find(struct xd_hub *hub, const char *id); /* NULL: none */

#endif
