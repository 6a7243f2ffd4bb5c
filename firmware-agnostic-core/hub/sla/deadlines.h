/* The deadlines of the hub's orders: set when an order is taken, gone when it gets there, and
 * told of before and after in the meantime.
 *
 *   before  event sla_warned, step sla.warned, exception SLA_WARNING, which stays open until the
 *           deadline or until the order gets there, or is no more
 *   after   event sla_breached, step sla.breached, exception SLA_BREACH, which stays open until
 *           the order gets there, or is no more
 *
 * Shipped by the sites' calendar is due once the order has gone to its sites: at the end of the day
 * on which, by its zone, cut-off, open days and holidays, the last of them ships what it gets now, and
 * not before the date that the order names (requested_ship, ship_not_before). Sites without an
 * entry have no calendar. It stays as it is when the order is routed anew.
 *
 * A promise counts for the orders that are taken while it stands. An order of a tenant that
 * is promised nothing has no rows, and while no order has any nothing is looked up. All on the
 * turn's thread, within its transaction. */
#ifndef XD_HUB_SLA_DEADLINES_H
#define XD_HUB_SLA_DEADLINES_H

#include "hub/sla/sla.h"

/* The order was taken. */
XD_CHECKED enum xd_result xd_deadlines_start(struct xd_hub *hub, const struct xd_order_row *order);
/* The order, as it is stored now, has changed. */
XD_CHECKED enum xd_result xd_deadlines_look(struct xd_hub *hub, const struct xd_order_row *order,
                                            struct xd_now now);
/* Tells what is due, a bounded number of orders each time; for xd_hub_tick. */
XD_CHECKED enum xd_result xd_hub_sla_run(struct xd_hub *hub, struct xd_now now);
/* Whether there are any; for xd_hub_open. */
XD_CHECKED enum xd_result xd_deadlines_open(struct xd_hub *hub);

#endif
