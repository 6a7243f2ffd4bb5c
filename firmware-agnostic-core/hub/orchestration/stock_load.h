/* The ERP's list of stock, page by page: where the stock of a site begins whose people say
 * nothing of it. On the turn's thread, inside its transaction.
 *
 * Whose word counts. What is on hand is known best where it lies:
 *   - a site that ever sent a snapshot, or of which ever a list was given by CSV or by the API,
 *     speaks for itself: the ERP's list is passed over, for all of the site's SKUs. Such a
 *     list is what the hub goes by (stock.h); a snapshot is kept to compare with, so the
 *     stock stays as it is and is moved by shipments and DELTA advices only;
 *   - for every other site the ERP's list says what is on hand, each time that it is read,
 *     less the shipments that the ERP has not been told yet (or has refused): for the hub
 *     they have left. Shipments and accepted DELTA advices move it between two lists;
 *   - what the ERP takes in while its list is read may count twice or not at all until the
 *     next list.
 * A site's first list of the ERP makes it known: SKUs of it that are in no list count as 0. */
#ifndef XD_HUB_ORCHESTRATION_STOCK_LOAD_H
#define XD_HUB_ORCHESTRATION_STOCK_LOAD_H

#include "documents/schema.h"
#include "hub/hub.h"

#define XD_STOCK_LOAD_JOBS_MAX ((size_t)1000)

struct xd_stock_loaded {
    int64_t seen, changed, refused; /* entries; refused: cannot be read, the log says why */
};

/* Takes the entries {"site", "sku", "qty"} of a page of that ERP, a part of document. Adds to loaded what
 * became of them. Entries of sites that this hub does not have, and those of sites that speak for themselves,
 * change nothing. XD_AGAIN: more than XD_STOCK_LOAD_JOBS_MAX postings wait for the ERP, whose list therefore
 * says nothing that is still true; nothing was taken. */
XD_CHECKED enum xd_result xd_stock_load(struct xd_hub *hub, const char *erp, struct xd_document *document,
                                        const cJSON *entries, struct xd_now now,
                                        struct xd_stock_loaded *loaded);

#endif
