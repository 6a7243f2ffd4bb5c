#include "hub/events/events.h"

#include "hub/hub_internal.h"

const char *const xd_order_event_names[] = {
    "accepted",         "rejected",           "held",       "changed",      "allocated",
    "backordered",      "released",           "shipped",    "invoiced",     "cancelled",
    "exception_raised", "exception_resolved", "sla_warned", "sla_breached", NULL};

enum xd_result xd_hub_event(struct xd_hub *hub, const struct xd_order_row *order, enum xd_order_event event,
                            struct xd_now now, const char *members_format, ...) {
    (void)hub;
    (void)order;
    (void)event;
    (void)now;
    (void)members_format;
    return XD_OK;
}
