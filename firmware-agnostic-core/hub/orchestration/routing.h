/* Asks xd_route for an order in hand: which sites there are, what they have, when they
 * ship, and which of them have given this order back before. */
#ifndef XD_HUB_ORCHESTRATION_ROUTING_H
#define XD_HUB_ORCHESTRATION_ROUTING_H

#include "hub/orchestration/conduct.h"
#include "hub/orchestration/route.h"

struct xd_routing {
    struct xd_order_line_row **lines; /* owned; of the conduct: those of which something is to be placed */
    size_t line_count;
    struct xd_route_plan plan;
};

/* For what is in the pot `from` of each line. line_count 0: there is nothing to place, and no plan. Free with
 * xd_routing_free in every case. conduct must be parsed. */
XD_CHECKED enum xd_result xd_hub_route(struct xd_conduct *conduct, enum xd_pot from, struct xd_routing *out);
/* The date on which the site ships what reaches it now; "" never. */
XD_CHECKED enum xd_result xd_hub_ship_date(struct xd_hub *hub, const struct xd_site_profile *profile,
                                           xd_ms now, char out[XD_ROUTE_DATE_SIZE]);
void xd_routing_free(struct xd_routing *routing);

#endif
