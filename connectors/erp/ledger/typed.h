/* Private to the ledger: sales that were typed into it, for an ERP has users of its own.
 *
 * sales.csv, read at each start: number, line_id, customer, site, sku, qty, uom, unit_price, currency,
 * customer_po, ship_to_name, ship_to_address, ship_to_city, ship_to_postal_code, ship_to_country. The rows of
 * a number are one sale and stand together. A number that is new is a new sale; of one that is there the
 * quantities are changed to what the file says (0: none of that line, never less than has shipped), and so is
 * a line that is new; what is not in the file stays as it is. */
#ifndef XD_ERP_LEDGER_TYPED_H
#define XD_ERP_LEDGER_TYPED_H

#include "base/bytes.h"
#include "erp/ledger/book.h"

/* Within a transaction of the book; a folder without the file has no sales. XD_INVALID: why is
 * "file:line: what is wrong". */
XD_CHECKED enum xd_result xd_ledger_load_typed(struct xd_book *book, const char *folder, char *why,
                                               size_t why_size);
/* Appends the file. XD_NOT_FOUND: there is none. Of data.c. */
XD_CHECKED enum xd_result xd_ledger_read_file(const char *path, struct xd_buffer *out);

#endif
