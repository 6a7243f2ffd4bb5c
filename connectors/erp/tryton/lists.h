/* Private to the Tryton connector: what the lists have in common. */
#ifndef XD_ERP_TRYTON_LISTS_H
#define XD_ERP_TRYTON_LISTS_H

#include "documents/writer.h"
#include "erp/tryton/internal.h"

struct xd_tryton_page {
    struct xd_tryton *erp;
    const char *cursor;
    size_t max, count, start; /* count: entries so far; start: of the page in the buffer */
    struct xd_writer writer;
    char *next;
};

/* Whether another entry has room. */
bool xd_tryton_page_open(const struct xd_tryton_page *page);

void xd_tryton_write_null(struct xd_tryton_page *page, const char *name);
void xd_tryton_write_text(struct xd_tryton_page *page, const char *name,
                          const char *text); /* NULL, "": null */
/* For people: cut and made printable; never null. */
void xd_tryton_write_words(struct xd_tryton_page *page, const char *name, const char *text);
void xd_tryton_write_number(struct xd_tryton_page *page, const char *name, const struct xd_node *node);
/* "sku" and the like of a list, by the id of a row; NULL: none. */
const struct xd_node *xd_tryton_row(const struct xd_node *rows, int64_t id);

/* ---- changed documents ---- */

struct xd_tryton_source {
    const char *model;
    const char *domain; /* more of it, behind a comma; "" */
};
struct xd_tryton_change {
    int64_t at; /* microseconds since 1970 */
    size_t source;
    int64_t id;
};

/* What changed behind the page's cursor, in its order: at most `limit`, into *out, in the arena. Sets next.
 */
XD_CHECKED enum xd_result xd_tryton_changes(struct xd_tryton_page *page,
                                            const struct xd_tryton_source *sources, size_t source_count,
                                            size_t limit, const struct xd_tryton_change **out, size_t *count);
/* The next page starts behind this one. */
void xd_tryton_changes_next(struct xd_tryton_page *page, const struct xd_tryton_change *last);

/* ---- the lists ---- */

XD_CHECKED enum xd_result xd_tryton_list_customers(struct xd_tryton_page *page);
XD_CHECKED enum xd_result xd_tryton_list_products(struct xd_tryton_page *page);
XD_CHECKED enum xd_result xd_tryton_list_stock(struct xd_tryton_page *page);
XD_CHECKED enum xd_result xd_tryton_list_sales(struct xd_tryton_page *page);
XD_CHECKED enum xd_result xd_tryton_list_shipments(struct xd_tryton_page *page);
XD_CHECKED enum xd_result xd_tryton_list_invoices(struct xd_tryton_page *page);

#endif
