/* What the hub decides: takes orders, posts them to the ERP, releases them to
 * sites, takes what sites send, reconciles it and posts it.
 *
 * The program hands in events, one at a time, inside the turn's transaction and
 * savepoint, and lets the effects out after the commit. A function that returns
 * anything but XD_OK wants its event undone: the turn goes back to the savepoint,
 * calls xd_hub_reload(hub, false) and then the event's `refuse`, which must not
 * need the store. All calls on the turn's thread. */
#ifndef XD_HUB_HUB_H
#define XD_HUB_HUB_H

#include "base/effects.h"
#include "delivery/line.h"
#include "hub/books/books.h"
#include "hub/confirmations/reconcile.h"
#include "hub/events/events.h"
#include "hub/events/webhooks.h"
#include "hub/orchestration/zones.h"
#include "hub/store.h"
#include "hub/waiters.h"

struct xd_reference;
struct xd_erp_lane;

#define XD_ERPS_MAX 16u

/* One of the ERPs. What an order makes there is called for by the ERP of its tenant, and stays there. */
struct xd_erp_settings {
    const char *name;
    const char *const *tenants; /* whose orders go there; none: of all tenants that no other ERP names */
    size_t tenant_count;
    enum xd_erp_grade grade;
    bool shadow;         /* is compared, and never posted to: no tenant's orders go there */
    bool stock;          /* its list of stock is read, too: hub/orchestration/stock_load.h */
    const char *country; /* of an address in a sale that was born there and names none; NULL: it is refused */
    unsigned concurrency; /* calls at the same time */
    xd_ms life_ms;        /* the longest life of a request: after it, "not there" is final */
    xd_ms retry_ms_min, retry_ms_max;
    int64_t rate_per_minute, burst; /* postings and look-ups; rate_per_minute 0: no limit */
    unsigned breaker_failures;      /* in a row, then nothing is called for a while; 0: never */
    xd_ms open_ms_min, open_ms_max; /* for how long (delivery/breaker.h) */
};

struct xd_hub_config {
    const struct xd_env *env;
    const struct xd_hub_store *store;
    const struct xd_zones *zones; /* of sites; NULL: there is UTC only */
    struct xd_policies policies;
    xd_ms retention_ms;       /* what is covered is kept so long (delivery/aging.h) */
    xd_ms idempotency_ms;     /* idempotency keys are kept so long */
    xd_ms unknown_release_ms; /* a confirmation may wait so long for its release before somebody is told */
    xd_ms event_ms;           /* events are kept so long, and until they are published */
    struct xd_webhook_config webhooks;
    struct xd_books_config books;
    /* 1..XD_ERPS_MAX. Exactly one that is no shadow names no tenants; no tenant is named by two that are
     * none. Kept by whoever gives them. */
    const struct xd_erp_settings *erps;
    size_t erp_count;
    bool checks;                       /* somebody outside is asked about each order first */
    unsigned check_concurrency;        /* ... about so many at the same time */
    xd_ms reference_ms;                /* each ERP is asked so often for its reference data; 0: never */
    const char *line_url, *line_vhost; /* what enrolment files name; NULL: left out */
    /* The broker's salted hash of a site's password. */
    void (*hash_password)(const char *password, const unsigned char salt[4], char out[64]);
};

/* One call to the ERP, made by a worker. Owned by the effect, then by the port,
 * which gives it back with the answer and frees it with xd_erp_call_free. */
struct xd_erp_call {
    uint64_t id; /* of this call, in this process: an answer counts for the call that it was made for */
    size_t lane; /* which ERP, by its place in the configuration; erp_count: who checks orders */
    int64_t job;
    int64_t attempt;
    bool find;  /* look the reference up; else post ... */
    bool list;  /* ... or list a page of `what` from the cursor: xd_hub_reference_answer takes it */
    bool books; /* the page is the books' */
    size_t max; /* entries in it; 0: XD_ERP_PAGE_MAX */
    enum xd_erp_list what;
    char cursor[XD_ERP_CURSOR_SIZE];
    struct xd_erp_request request;
    void *memory; /* holds what request points to */
};
void xd_erp_call_free(void *call);

struct xd_hub_site {
    struct xd_site_row row;
    struct xd_line line;
    char went_back[XD_EPOCH_SIZE]; /* the epoch whose forgotten range was told last; "" none */
};

struct xd_hub_counters {
    uint64_t orders_accepted, orders_repeated, orders_refused;
    uint64_t documents, repeats, forged, unusable;
    uint64_t confirmations_applied, confirmations_parked, lines_parked;
    uint64_t erp_calls, erp_unknown, erp_rejected, erp_unavailable, erp_done;
    uint64_t check_failures;
    uint64_t releases_adopted;
    uint64_t events_published, webhooks_delivered, webhooks_failed;
    uint64_t sla_warned[XD_PROMISE_COUNT], sla_breached[XD_PROMISE_COUNT];
};

struct xd_hub {
    struct xd_hub_config config;
    struct xd_hub_site **sites; /* owned */
    size_t site_count;
    struct xd_flight flight;
    struct xd_problems problems; /* scratch */
    struct xd_key secret;        /* makes ids that a restored hub makes again */
    struct xd_erp_lane
        *lanes; /* one for each ERP, in its order, and one for checks; owned (hub/posting/posting.h) */
    size_t lane_count;
    struct xd_erp_settings check_lane; /* of the last one */
    uint64_t call_id;                  /* of the last call */
    bool up;                           /* the publishing connection */
    xd_ms up_at;                       /* monotonic: since when */
    struct xd_event_log events;
    struct xd_webhooks webhooks;
    struct xd_zone_cache zones;
    struct xd_now now;                          /* of the event under way */
    struct xd_word word;                        /* whose wish that is */
    xd_ms trim_at, late_at, sla_at, waiting_at; /* monotonic */
    xd_ms check_log_at;                         /* monotonic: a check that fails is not logged again before */
    bool deadlines;                             /* some order may have one */
    struct xd_reference *reference;             /* owned */
    struct xd_books *books;                     /* owned */
    struct xd_waiters waiters;
    bool backorders_due;       /* more of something is available */
    bool backorders_going;     /* orders that wait are being asked about ... */
    int64_t backorders_cursor; /* ... up to this one so far */
    struct xd_hub_counters counters;
};

XD_CHECKED enum xd_result xd_hub_open(struct xd_hub *hub, const struct xd_hub_config *config,
                                      struct xd_now now);
void xd_hub_close(struct xd_hub *hub);
XD_CHECKED enum xd_result xd_hub_reload(struct xd_hub *hub, bool restart);

/* ---- the API's writes; each is answered by one effect with this handle ---- */

struct xd_api_request {
    void *handle;
    bool queued; /* it came as a message: answered by an XD_EFFECT_REPLY, else by an XD_EFFECT_HTTP */
    const struct xd_client_row *client;
    const char *tenant;          /* the query's; NULL: absent */
    const char *idempotency_key; /* NULL: absent */
    const char *correlation_id;  /* X-Correlation-Id; NULL: one is made */
    const char *id, *key;        /* what the path names, in its order; NULL: nothing */
    const char *if_match;        /* NULL: absent */
    xd_ms wait_ms;               /* Prefer: wait; 0: absent */
    const char *source;          /* of reference data: "api", "csv", "erp"; NULL: absent */
    struct xd_bytes body;
};
/* POST /v1/orders */
XD_CHECKED enum xd_result xd_hub_order(struct xd_hub *hub, const struct xd_api_request *request,
                                       struct xd_now now, struct xd_effects *effects);
/* POST /v1/orders/validate: what would become of such an order; stores nothing. */
XD_CHECKED enum xd_result xd_hub_order_validate(struct xd_hub *hub, const struct xd_api_request *request,
                                                struct xd_now now, struct xd_effects *effects);
/* POST /v1/orders/{id}/cancel {"reason","lines":[{"line_id" or "external_line_id","qty"}]}: 202. qty: so much
 * of the line in all, with what was cancelled before; absent: all that is left. */
XD_CHECKED enum xd_result xd_hub_order_cancel(struct xd_hub *hub, const struct xd_api_request *request,
                                              struct xd_now now, struct xd_effects *effects);
/* POST /v1/orders/{id}/revisions with If-Match: the order as it shall be: 202. */
XD_CHECKED enum xd_result xd_hub_order_revise(struct xd_hub *hub, const struct xd_api_request *request,
                                              struct xd_now now, struct xd_effects *effects);
/* POST /v1/orders/{id}/hold {"reason"}, and /v1/orders/{id}/unhold {"hold","reason"}: 202. */
XD_CHECKED enum xd_result xd_hub_order_hold(struct xd_hub *hub, const struct xd_api_request *request,
                                            struct xd_now now, struct xd_effects *effects);
XD_CHECKED enum xd_result xd_hub_order_unhold(struct xd_hub *hub, const struct xd_api_request *request,
                                              struct xd_now now, struct xd_effects *effects);
/* POST /v1/exceptions/{id}/resolve {"action": accept | reject | retry, "reason"}: 200 or 202. */
XD_CHECKED enum xd_result xd_hub_exception_resolve(struct xd_hub *hub, const struct xd_api_request *request,
                                                   struct xd_now now, struct xd_effects *effects);
/* POST /v1/replay {"exceptions"} or {"code", "site", "order_id", "cursor", "limit"}, {"document", "reason"}:
 * 200. */
XD_CHECKED enum xd_result xd_hub_replay(struct xd_hub *hub, const struct xd_api_request *request,
                                        struct xd_now now, struct xd_effects *effects);
/* POST /v1/sites {"site","kind"}: answered with flag set when the topology must
 * be made first (the port does that, then answers with the body). */
XD_CHECKED enum xd_result xd_hub_site_add(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects);
/* Either was undone, or the commit failed: 503, try again. */
void xd_hub_api_refuse(struct xd_hub *hub, const struct xd_api_request *request, enum xd_result why,
                       struct xd_effects *effects);

/* ---- the line ---- */

struct xd_hub_message {
    uint64_t generation, tag;
    const char *exchange, *user_id, *signature; /* NULL: absent */
    struct xd_bytes body;
};
XD_CHECKED enum xd_result xd_hub_line_message(struct xd_hub *hub, const struct xd_hub_message *message,
                                              struct xd_now now, struct xd_effects *effects);
void xd_hub_line_refuse(struct xd_hub *hub, const struct xd_hub_message *message, enum xd_result why,
                        struct xd_effects *effects);
void xd_hub_line_up(struct xd_hub *hub, struct xd_now now);
void xd_hub_line_down(struct xd_hub *hub);
void xd_hub_line_confirmed(struct xd_hub *hub, uint64_t tag, bool taken, struct xd_now now);

/* ---- the ERPs ---- */

/* POST /v1/erps/{name}/pause and /resume: 200. Nothing is called while it is paused, also after a restart;
 * what is under way ends, and all else queues. */
XD_CHECKED enum xd_result xd_hub_erp_pause(struct xd_hub *hub, const struct xd_api_request *request,
                                           struct xd_now now, struct xd_effects *effects);
XD_CHECKED enum xd_result xd_hub_erp_resume(struct xd_hub *hub, const struct xd_api_request *request,
                                            struct xd_now now, struct xd_effects *effects);
/* Calls under way, of all ERPs and checks. */
unsigned xd_hub_erp_calls(const struct xd_hub *hub);

XD_CHECKED enum xd_result xd_hub_erp_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                            const struct xd_erp_answer *answer, struct xd_now now,
                                            struct xd_effects *effects);
/* Undone: the job stays SENT and is looked up later; a list is asked for again. */
void xd_hub_erp_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now);

/* Every 100 ms or so, and at the end of each batch. */
XD_CHECKED enum xd_result xd_hub_tick(struct xd_hub *hub, size_t room, struct xd_now now,
                                      struct xd_effects *effects);
/* The program ends: requests that wait are answered. */
XD_CHECKED enum xd_result xd_hub_end(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects);
bool xd_hub_check(const struct xd_hub *hub);

#endif
