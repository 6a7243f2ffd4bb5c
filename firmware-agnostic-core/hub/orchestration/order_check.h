/* Whether the books of one order add up, as they are in the store at a commit:
 *
 *   - each line keeps what orchestration/quantities.h says
 *   - what its releases have left is what the line says is pending, allocated and released
 *   - the order's status is the one that follows from its steps, holds and lines
 *
 * For tests and the simulator: reads all lines and releases of the order. The turn's thread, between turns.
 */
#ifndef XD_HUB_ORCHESTRATION_ORDER_CHECK_H
#define XD_HUB_ORCHESTRATION_ORDER_CHECK_H

#include "hub/hub.h"

/* *fine: they do. XD_NOT_FOUND; what the store says. */
XD_CHECKED enum xd_result xd_hub_order_check(struct xd_hub *hub, const char *order_id, struct xd_now now,
                                             bool *fine);

#endif
