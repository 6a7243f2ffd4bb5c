/* Lifecycle events: what happened to orders, for whoever listens (DOMAIN, OrderEvent).
 *
 * An event is a row written in the transaction that made it happen, so that it is
 * told exactly when that is true: exactly once by its id, in order for each order.
 * From the log of these rows it goes to the exchange crossdock.events (here), to
 * webhooks (webhooks.h) and to streams (the port). The turn's thread.
 *
 * n, the place in the log, rises and never comes again: not after an undone event
 * (there are holes), and not in a hub that was restored from a backup, for it begins
 * above the wall clock in microseconds. So who has read up to n can go on from there. */
#ifndef XD_HUB_EVENTS_EVENTS_H
#define XD_HUB_EVENTS_EVENTS_H

#include "base/effects.h"
#include "hub/store.h"

struct xd_hub;

enum xd_order_event {
    XD_EVENT_ACCEPTED,
    XD_EVENT_REJECTED,
    XD_EVENT_HELD,
    XD_EVENT_CHANGED,
    XD_EVENT_ALLOCATED,
    XD_EVENT_BACKORDERED,
    XD_EVENT_RELEASED,
    XD_EVENT_SHIPPED,
    XD_EVENT_INVOICED,
    XD_EVENT_CANCELLED,
    XD_EVENT_EXCEPTION_RAISED,
    XD_EVENT_EXCEPTION_RESOLVED,
    XD_EVENT_SLA_WARNED,
    XD_EVENT_SLA_BREACHED,
    XD_EVENT_COUNT
};
/* "accepted", "rejected", ... */
extern const char *const xd_order_event_names[];
/* The same in the routing key and in filters: "order.accepted", "exception.raised", ... */
extern const char *const xd_event_keys[];

/* ---- what happened ---- */

/* order: of which, as it is now; NULL: of none (a site's exception). members_format: further members of
 * the event's data, the inside of a JSON object, or NULL. */
XD_CHECKED enum xd_result xd_hub_event(struct xd_hub *hub, const struct xd_order_row *order,
                                       enum xd_order_event event, struct xd_now now,
                                       const char *members_format, ...) __attribute__((format(printf, 5, 6)));
/* An order's status was `before` and is another now: tells what that means, if anything (acceptance, holds,
 * releases, shipments, cancellation and invoices are told where they happen). */
XD_CHECKED enum xd_result xd_hub_event_status(struct xd_hub *hub, const struct xd_order_row *order,
                                              int before, struct xd_now now);
XD_CHECKED enum xd_result xd_hub_event_released(struct xd_hub *hub, const struct xd_order_row *order,
                                                const struct xd_release_row *release, struct xd_now now);
/* Whether any of these lines leaves the house. */
bool xd_hub_event_ships(const struct xd_job_line_row *lines, size_t count);
/* A confirmation was applied to a release of that order: its lines that left the house. None: no event. */
XD_CHECKED enum xd_result xd_hub_event_shipped(struct xd_hub *hub, const struct xd_release_row *release,
                                               const struct xd_confirmation_row *confirmation,
                                               const struct xd_job_line_row *lines, size_t count,
                                               struct xd_now now);
XD_CHECKED enum xd_result xd_hub_event_exception(struct xd_hub *hub, const struct xd_exception_row *row,
                                                 enum xd_order_event event, struct xd_now now);
/* Closes the open exceptions of a document (code NULL: of any code) by hub->word, and tells each.
 * None: that is fine. */
XD_CHECKED enum xd_result xd_hub_exceptions_close(struct xd_hub *hub, const char *site, enum xd_kind kind,
                                                  const char *document_id, int64_t version, const char *code,
                                                  struct xd_now now);
/* The same with the open ones of an order that have that code; and with that one. */
XD_CHECKED enum xd_result xd_hub_exceptions_close_order(struct xd_hub *hub, const char *order_id,
                                                        const char *code, struct xd_now now);
XD_CHECKED enum xd_result xd_hub_exception_close_one(struct xd_hub *hub, const struct xd_exception_row *row,
                                                     struct xd_now now);

/* ---- the log, and its way to the exchange ----
 *
 * A window of events in the order of n; of one order at most one is on its way, so
 * that none overtakes another, whatever the broker refuses. What is not confirmed is
 * sent again with the same id. */

#define XD_EVENTS_WINDOW 256u
#define XD_EVENTS_EXCHANGE "crossdock.events"
/* A routing key: tenant (where it is not "default"), event, channel; each part of [A-Za-z0-9_-]. */
#define XD_EVENT_KEY_SIZE 256

struct xd_event_slot {
    int64_t n;
    char order_id[XD_ID_SIZE];
    bool sent, done;
};

/* A part of struct xd_hub. */
struct xd_event_log {
    int64_t last;      /* the last n that was given */
    int64_t loaded;    /* up to here events are in the window, or done */
    int64_t confirmed; /* all up to here are with the broker */
    int64_t stored;    /* ... as the store has it */
    int64_t floor;     /* the highest n that was dropped */
    size_t unstored;   /* confirmed since then */
    xd_ms stored_at;   /* monotonic */
    xd_ms trim_at;     /* monotonic: no look for old ones before */
    xd_ms resend_at;   /* monotonic: the broker refused one; nothing is sent before */
    struct xd_event_slot slots[XD_EVENTS_WINDOW];
    size_t count;
};

XD_CHECKED enum xd_result xd_hub_events_open(struct xd_hub *hub, struct xd_now now);
/* A batch failed: what it would have sent was not. */
void xd_hub_events_restart(struct xd_hub *hub);
/* The connection is gone. */
void xd_hub_events_lost(struct xd_hub *hub);
void xd_hub_events_confirmed(struct xd_hub *hub, int64_t n, bool taken, struct xd_now now);
/* Hands out at most room events; *taken: how many. */
XD_CHECKED enum xd_result xd_hub_events_pump(struct xd_hub *hub, size_t room, struct xd_now now,
                                             struct xd_effects *effects, size_t *taken);
/* Drops what is old and published, now and then. */
XD_CHECKED enum xd_result xd_hub_events_trim(struct xd_hub *hub, struct xd_now now);
bool xd_hub_events_check(const struct xd_hub *hub);

/* ---- for readers: any thread ---- */

/* The names of the store's small values: up to which n events were dropped, and are published. */
#define XD_EVENTS_FLOOR "event.floor"
#define XD_EVENTS_PUBLISHED "event.published"

/* Makes types of what a person wrote: names, keys or whole types, with commas. out gets keys with commas, in
 * the order of the list, each once. XD_INVALID: one that there is not. */
XD_CHECKED enum xd_result xd_event_types_read(const char *text, char out[XD_WEBHOOK_TYPES_SIZE]);
/* Whether a filter (types "": all; tenant NULL or "": any) lets an event pass. */
bool xd_event_passes(const struct xd_event_row *row, const char *tenant, const char *types);
/* The place in the log that text, a number or a time (RFC 3339), stands for: readers go on behind *after.
 * XD_INVALID: it is neither. */
XD_CHECKED enum xd_result xd_events_from(const struct xd_hub_store *store, const char *text, int64_t *after);

#endif
