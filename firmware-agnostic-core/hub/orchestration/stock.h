/* What sites have, as far as the hub knows: a SKU's base quantity on hand and reserved.
 *
 * A site none of whose SKUs was ever listed is not checked: its WMS decides, and `known`
 * is false. From its first list on a SKU of it that is in no list counts as 0.
 *   on_hand   set by a list (of the ERP, a CSV file or the API), then moved by adjustments
 *             and shipments; below 0 when more was shipped than was known of, for a
 *             shipment is a fact
 *   reserved  what orders were promised and was not shipped yet; a list leaves it alone. It
 *             is kept for sites that are not listed, too, so that the first list finds it
 *   available = on_hand - reserved
 * Whose list counts is written down in stock_load.h.
 * Quantities are base units, and never below 0 but where it says so. All on the turn's
 * thread, inside its transaction: a failure wants the event undone. XD_INVALID: more
 * digits than there are. */
#ifndef XD_HUB_ORCHESTRATION_STOCK_H
#define XD_HUB_ORCHESTRATION_STOCK_H

#include "hub/hub.h"

/* *qty: available, may be below 0; 0 when it is not known. */
XD_CHECKED enum xd_result xd_stock_available(struct xd_hub *hub, const char *site, const char *sku,
                                             bool *known, struct xd_decimal *qty);
/* Also more than there is: whoever asks has looked. */
XD_CHECKED enum xd_result xd_stock_reserve(struct xd_hub *hub, const char *site, const char *sku,
                                           struct xd_decimal qty);
/* Of more than is reserved: all of it. */
XD_CHECKED enum xd_result xd_stock_unreserve(struct xd_hub *hub, const char *site, const char *sku,
                                             struct xd_decimal qty);
/* qty left the site, and that ends the reservation of from_reserved of it (or of more: a substitute
 * ships another SKU; of more than is reserved: all of it). qty < 0: a shipment is reversed. */
XD_CHECKED enum xd_result xd_stock_ship(struct xd_hub *hub, const char *site, const char *sku,
                                        struct xd_decimal qty, struct xd_decimal from_reserved);
/* An inventory DELTA that was accepted; delta has a sign. */
XD_CHECKED enum xd_result xd_stock_adjust(struct xd_hub *hub, const char *site, const char *sku,
                                          struct xd_decimal delta);
/* A list says: qty on hand as of now (below 0 is possible). source: "erp", "csv", "api". */
XD_CHECKED enum xd_result xd_stock_listed(struct xd_hub *hub, const char *site, const char *sku,
                                          struct xd_decimal qty, const char *source, struct xd_now now);
/* Whether each row adds up (on_hand = listed + adjusted - shipped, reserved >= 0). Reads all rows: for tests
 * and the simulator. */
bool xd_stock_check(struct xd_hub *hub);

/* What a customer (the ERP's code) has on order in a currency; 0 when nothing was ever added. */
XD_CHECKED enum xd_result xd_exposure_get(struct xd_hub *hub, const char *customer, const char *currency,
                                          struct xd_decimal *amount);
/* amount has a sign. */
XD_CHECKED enum xd_result xd_exposure_add(struct xd_hub *hub, const char *customer, const char *currency,
                                          struct xd_decimal amount);

#endif
