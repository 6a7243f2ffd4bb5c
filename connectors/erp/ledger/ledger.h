/* The embedded default ERP: customers, products, stock per warehouse, sales and
 * shipments in an SQLite file of its own, with a unique external reference
 * (grade A). Reached through hub/erp.h only. */
#ifndef XD_ERP_LEDGER_H
#define XD_ERP_LEDGER_H

#include "hub/erp.h"

#include "base/result.h"

struct xd_ledger_config {
    const char *path; /* the SQLite file; shared by all workers, each with its own connection */
    const char
        *data; /* folder of customers.csv, products.csv, stock.csv, periods.csv, sales.csv; NULL: none */
};

/* Creates the file, loads the CSV files (rows added or updated; stock only where
 * there is none yet; sales.csv: what people type into this ERP). Once, before workers open. XD_INVALID: why
 * is "file:line: what is wrong". */
XD_CHECKED enum xd_result xd_ledger_prepare(const struct xd_ledger_config *config, char *why,
                                            size_t why_size);
/* Reads the files as xd_ledger_prepare would and says what it would say; creates and changes nothing. */
XD_CHECKED enum xd_result xd_ledger_check(const struct xd_ledger_config *config, char *why, size_t why_size);
/* One per worker. */
XD_CHECKED enum xd_result xd_ledger_open(const struct xd_ledger_config *config, struct xd_erp *out, char *why,
                                         size_t why_size);

#endif
