/* The routing decision's question, gathered from what the hub knows. The turn's thread.
 *
 * Beside what route.h says:
 *   - a site is offline when it was not heard of for its offline_minutes while the hub could
 *     hear it: the time before the hub's connection came up does not count, and without one
 *     nobody is offline, but who was never heard of at all
 *   - the ship date is that of the site's calendar, now, and not before the order's
 *     ship_not_before; requested_ship is a wish and decides nothing
 *   - the tenant's no_split counts
 *   - a hub of more than 32 sites considers 32: those that nothing speaks against and that
 *     have something of the order's first 32 lines (or whose stock is not known), in order,
 *     then others that nothing speaks against, then the rest */
#ifndef XD_HUB_ORCHESTRATION_ROUTING_H
#define XD_HUB_ORCHESTRATION_ROUTING_H

#include "documents/order.h"
#include "hub/hub.h"
#include "hub/orchestration/route.h"

/* A site that has refused a line, or let its release time out. */
struct xd_routing_refusal {
    const char *site;
    size_t line; /* index in lines */
};

/* All borrowed for the call. */
struct xd_routing {
    const char *tenant;
    const struct xd_order *order;      /* preferred site, ship_to, dates, policies */
    const struct xd_route_line *lines; /* what is to be placed, in base units */
    size_t line_count;                 /* 1..XD_ORDER_LINES_MAX */
    const struct xd_routing_refusal *refusals;
    size_t refusal_count;
    bool known_only;       /* a site whose stock is not known has nothing */
    const char *only_site; /* no other is considered; NULL: any is */
};

/* Reads only: reserves nothing. Free plan with xd_route_plan_free. As xd_route, and what the store says. */
XD_CHECKED enum xd_result xd_hub_route(struct xd_hub *hub, const struct xd_routing *routing,
                                       struct xd_now now, struct xd_route_plan *plan);

#endif
