/* What the API shows, as JSON, read from the store's R functions only: callable
 * on any thread that has a read-only store of its own. Nothing here parses JSON. */
#ifndef XD_HUB_VIEW_H
#define XD_HUB_VIEW_H

#include "hub/reference/reference.h"
#include "hub/store.h"

struct xd_writer;

#define XD_VIEW_ORDER_EXCEPTIONS_MAX ((size_t)100) /* open ones, the oldest: an order shows no more */
#define XD_VIEW_SHIPPERS_MAX ((size_t)16)          /* sites that ship some of an order: it names no more */

/* Each appends one JSON text. XD_NOT_FOUND: no such thing. */
XD_CHECKED enum xd_result xd_view_order(const struct xd_hub_store *store, const char *order_id,
                                        struct xd_buffer *out);
/* As it is after a revision. warnings: what validation warned of: a JSON array, or nothing. */
XD_CHECKED enum xd_result xd_view_order_revised(const struct xd_hub_store *store, const char *order_id,
                                                struct xd_bytes warnings, struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_timeline(const struct xd_hub_store *store, const char *order_id,
                                           struct xd_buffer *out);

/* The site that an order is about: where it ships from, else the preferred one. Of several the preferred one,
 * if it is among them, else the first that it was released to. */
XD_CHECKED enum xd_result xd_view_site_of(const struct xd_hub_store *store, const struct xd_order_row *order,
                                          char out[XD_SITE_SIZE]);

struct xd_view_orders {
    const char *tenant;            /* NULL: any */
    const char *external_order_id; /* NULL: any */
    int status;                    /* enum xd_order_status; -1: any */
    const char *cursor;            /* "" from the start */
    size_t max;                    /* 1..200 */
};
XD_CHECKED enum xd_result xd_view_order_list(const struct xd_hub_store *store,
                                             const struct xd_view_orders *query, struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_release(const struct xd_hub_store *store, const char *release_id,
                                          struct xd_buffer *out);
/* site NULL: all of them. now_wall tells ages. */
XD_CHECKED enum xd_result xd_view_sites(const struct xd_hub_store *store, const char *site, xd_ms now_wall,
                                        struct xd_buffer *out);
/* Who resolved it, how and why; nothing when nobody did. */
void xd_view_resolution(const struct xd_exception_row *row, struct xd_writer *writer);
XD_CHECKED enum xd_result xd_view_exceptions(const struct xd_hub_store *store,
                                             const struct xd_exception_filter *filter, const char *cursor,
                                             size_t max, struct xd_buffer *out);
XD_CHECKED enum xd_result xd_view_exception(const struct xd_hub_store *store, const char *id,
                                            struct xd_buffer *out);
/* site NULL: all of them. */
XD_CHECKED enum xd_result xd_view_reconciliation(const struct xd_hub_store *store, const char *site,
                                                 struct xd_buffer *out);
/* Totals for `crossdock status`: orders and jobs by state, exceptions, sites. */
XD_CHECKED enum xd_result xd_view_status(const struct xd_hub_store *store, xd_ms now_wall,
                                         struct xd_buffer *out);
/* ---- view_reference.c ---- */

/* Current versions by key, after the key `cursor`. */
XD_CHECKED enum xd_result xd_view_references(const struct xd_reference_store *store,
                                             enum xd_reference_kind kind, const char *cursor, size_t max,
                                             struct xd_buffer *out);
/* *version 0: the current one; it becomes the number of the one that is shown. */
XD_CHECKED enum xd_result xd_view_reference(const struct xd_reference_store *store,
                                            enum xd_reference_kind kind, const char *key, int64_t *version,
                                            struct xd_buffer *out);

#endif
