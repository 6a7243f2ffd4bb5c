/* Tryton 6.0 as an ERP behind hub/erp.h, by JSON-RPC over HTTP: sales with our reference, shipments of any
 * warehouse, closes, lots, changes, adjustments and reversals, and the lists.
 *
 * What it needs in Tryton: the modules sale, stock, account_invoice_stock, stock_lot and sale_amendment, a
 * user in the groups that may sell, ship, force an assignment and amend, and the module crossdock_reference,
 * which keeps references unique (grade A). Without that one, lookup_only says so: grade B.
 *
 * A confirmation tells what has left the house: shipments are done whether Tryton believes in the stock or
 * not. */
#ifndef XD_ERP_TRYTON_H
#define XD_ERP_TRYTON_H

#include "hub/erp.h"

#include "base/result.h"

struct xd_tryton_config {
    const char *url; /* "http://127.0.0.1:8000", without the database */
    const char *database, *username, *password;
    const char *ca_file; /* for https; NULL: the system's */
    unsigned timeout_ms; /* of one call; 0: 30000. A request of the hub takes up to two dozen calls */
    bool lookup_only;    /* references are not unique there: only looked up (grade B) */
};

/* One per worker, each used by one thread at a time; all that use one account share its session. The server
 * need not be up. The configuration is copied. XD_INVALID: why says what cannot be used; XD_NO_MEMORY. */
XD_CHECKED enum xd_result xd_tryton_open(const struct xd_tryton_config *config, struct xd_erp *out, char *why,
                                         size_t why_size);

#endif
