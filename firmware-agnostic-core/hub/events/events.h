/* Lifecycle events: what happened to orders, for whoever listens (DOMAIN, OrderEvent).
 *
 * An event is a row written in the transaction that made it happen, so that it is
 * told exactly when that is true: exactly once by its id, in order for each order. The
 * turn's thread. */
#ifndef XD_HUB_EVENTS_EVENTS_H
#define XD_HUB_EVENTS_EVENTS_H

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

/* order: of which; NULL: of none (a site's exception). members_format: further members of
 * the event's data, the inside of a JSON object, or NULL. */
XD_CHECKED enum xd_result xd_hub_event(struct xd_hub *hub, const struct xd_order_row *order,
                                       enum xd_order_event event, struct xd_now now,
                                       const char *members_format, ...) __attribute__((format(printf, 5, 6)));

#endif
