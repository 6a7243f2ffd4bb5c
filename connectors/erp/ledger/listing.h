/* Private to the ledger: pages of what it knows. */
#ifndef XD_ERP_LEDGER_LISTING_H
#define XD_ERP_LEDGER_LISTING_H

#include "erp/ledger/book.h"
#include "hub/erp.h"

/* As xd_erp.list, from an open book. */
XD_CHECKED enum xd_result xd_ledger_list(struct xd_book *book, enum xd_erp_list what, const char *cursor,
                                         size_t max, struct xd_buffer *entries,
                                         char next[XD_ERP_CURSOR_SIZE]);
/* The same for documents, in the order in which they changed. */
XD_CHECKED enum xd_result xd_ledger_list_documents(struct xd_book *book, enum xd_erp_list what,
                                                   const char *cursor, size_t max, struct xd_buffer *entries,
                                                   char next[XD_ERP_CURSOR_SIZE]);

#endif
