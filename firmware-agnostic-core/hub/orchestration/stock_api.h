/* Stock as the API takes it and shows it. */
#ifndef XD_HUB_ORCHESTRATION_STOCK_API_H
#define XD_HUB_ORCHESTRATION_STOCK_API_H

#include "hub/hub.h"

#define XD_STOCK_ENTRIES_MAX 1000u

/* PUT /v1/stock {"source": "api" | "csv", "entries": [{"site", "sku", "qty"}]}: what is on hand now, in base
 * units. All entries are taken or, with a problem that names each wrong one, none; of a site and SKU that is
 * there twice the last stands. A SKU may be an alias of a product: its own is kept. Answered 200 with how
 * many were taken. As the API's other writes (hub.h). */
XD_CHECKED enum xd_result xd_hub_stock_put(struct xd_hub *hub, const struct xd_api_request *request,
                                           struct xd_now now, struct xd_effects *effects);

struct xd_view_stock {
    const char *site, *sku; /* NULL: any */
    const char *cursor;     /* "" from the start */
    size_t max;             /* 1..200 */
};
/* Appends {"stock": [...], "next_cursor"}; by the store's R functions only, as hub/view.h. A row of a site
 * that was never listed says what is reserved, and that nothing else is known. XD_NOT_FOUND: that is no
 * cursor. */
XD_CHECKED enum xd_result xd_view_stock(const struct xd_hub_store *store, const struct xd_view_stock *query,
                                        struct xd_buffer *out);

#endif
