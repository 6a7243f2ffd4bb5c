/* The running quantities of an order's line, and how they move.
 *
 *   ordered = open + allocated + released + shipped + cancelled      (DOMAIN, section 2)
 *   pending + backordered <= open
 *
 * Every move keeps both, or changes nothing and says XD_INVALID (a sum that no decimal
 * holds, or more than is there). Pure; any thread. */
#ifndef XD_HUB_ORCHESTRATION_QUANTITIES_H
#define XD_HUB_ORCHESTRATION_QUANTITIES_H

#include "hub/store.h"

enum xd_pot {
    XD_POT_OPEN, /* neither pending nor backordered */
    XD_POT_BACKORDERED,
    XD_POT_PENDING,
    XD_POT_ALLOCATED,
    XD_POT_RELEASED,
    XD_POT_SHIPPED,
    XD_POT_CANCELLED
};

XD_CHECKED enum xd_result xd_line_move(struct xd_order_line_row *line, enum xd_pot from, enum xd_pot to,
                                       struct xd_decimal qty);
/* What is in it; never negative for a line that adds up. */
struct xd_decimal xd_line_pot(const struct xd_order_line_row *line, enum xd_pot pot);
/* Ordered and not shipped, cancelled or given to a site: open without pending. */
struct xd_decimal xd_line_unplaced(const struct xd_order_line_row *line);
enum xd_pot xd_pot_of_stage(int stage);
/* More is ordered: it is open. */
XD_CHECKED enum xd_result xd_line_increase(struct xd_order_line_row *line, struct xd_decimal qty);
/* The unit in which it was ordered, and in which its price is; its uom while it counts in that. */
struct xd_ordered_unit {
    const char *uom;
    int64_t num, den; /* base units per uom */
};
struct xd_ordered_unit xd_line_ordered_unit(const struct xd_order_line_row *line);
/* What qty of the line costs at its price; exact while the line counts in what was ordered, else to six
 * digits behind the point. */
XD_CHECKED enum xd_result xd_line_amount(const struct xd_order_line_row *line, struct xd_decimal qty,
                                         struct xd_decimal *out);
/* All of the line counts in base units, of that name, from now on. Changes nothing when it does already. */
XD_CHECKED enum xd_result xd_line_to_base(struct xd_order_line_row *line, const char *base_uom);
XD_CHECKED enum xd_result xd_release_line_to_base(struct xd_release_line_row *line, const char *base_uom);
/* Both rules, and nothing is negative. */
bool xd_order_line_check(const struct xd_order_line_row *line);

/* An order's state as a fold over its lines: whether any of them has a quantity there.
 * Never a sum, which might not fit and would say nothing across units. */
struct xd_fold {
    bool open, allocated, released, shipped, cancelled, backordered;
    bool unbilled; /* more was shipped than is invoiced */
};
void xd_fold_add(struct xd_fold *fold, const struct xd_order_line_row *line);
enum xd_order_status xd_fold_order(const struct xd_fold *fold);

/* qty - shipped - closed of a release's line; 0 when that is negative. */
struct xd_decimal xd_release_line_rest(const struct xd_release_line_row *line);

#endif
