/* What sites have, and customers' exposure. A row of stock is found by site and SKU;
 * a second index finds the sites of a SKU, partial ones whether a site was listed, and by whom. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    STOCK_GET,
    STOCK_PUT,
    STOCK_DROP,
    SITE_LISTED,
    SITE_TOLD,
    LIST,
    LIST_SITE,
    LIST_SKU,
    LIST_BOTH,
    EXPOSURE_GET,
    EXPOSURE_PUT
};

#define COLUMNS "site, sku, on_hand, reserved, listed, adjusted, shipped, listed_at, source"
#define SELECT_AFTER "SELECT " COLUMNS " FROM stock WHERE (site, sku) > (?, ?)"

static const char *const sql[] = {
    [STOCK_GET] = "SELECT " COLUMNS " FROM stock WHERE site = ? AND sku = ?",
    [STOCK_PUT] = "INSERT INTO stock(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                  " on_hand = excluded.on_hand, reserved = excluded.reserved, listed = excluded.listed,"
                  " adjusted = excluded.adjusted, shipped = excluded.shipped, listed_at = excluded.listed_at,"
                  " source = excluded.source",
    [STOCK_DROP] = "DELETE FROM stock WHERE site = ? AND sku = ?",
    /* Left alone, SQLite goes through all of the site's rows by the primary key to find that none is listed.
     */
    [SITE_LISTED] = "SELECT 1 FROM stock INDEXED BY stock_listed WHERE site = ? AND listed_at > 0 LIMIT 1",
    [SITE_TOLD] =
        "SELECT 1 FROM stock INDEXED BY stock_told WHERE site = ? AND listed_at > 0 AND source <> 'erp'"
        " LIMIT 1",
    [LIST] = SELECT_AFTER " ORDER BY site, sku LIMIT ?",
    [LIST_SITE] = SELECT_AFTER " AND site = ? ORDER BY site, sku LIMIT ?",
    [LIST_SKU] = SELECT_AFTER " AND sku = ? ORDER BY site, sku LIMIT ?",
    [LIST_BOTH] = SELECT_AFTER " AND site = ? AND sku = ? ORDER BY site, sku LIMIT ?",
    [EXPOSURE_GET] = "SELECT amount FROM exposure WHERE customer = ? AND currency = ?",
    [EXPOSURE_PUT] = "INSERT OR REPLACE INTO exposure(customer, currency, amount) VALUES(?, ?, ?)",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_STOCK, sql, which);
}

static void take_row(struct xd_query *query, struct xd_stock_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->sku, sizeof row->sku);
    xd_take_decimal(query, &row->on_hand);
    xd_take_decimal(query, &row->reserved);
    xd_take_decimal(query, &row->listed);
    xd_take_decimal(query, &row->adjusted);
    xd_take_decimal(query, &row->shipped);
    row->listed_at = xd_take_int(query);
    xd_take_text(query, row->source, sizeof row->source);
}

static enum xd_result each_row(struct xd_query *query, xd_stock_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_stock_row row;
        take_row(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result stock_get(void *context, const char *site, const char *sku, struct xd_stock_row *out) {
    struct xd_query query;
    open_query(&query, context, STOCK_GET);
    xd_bind_text(&query, site);
    xd_bind_text(&query, sku);
    if (xd_query_next(&query)) {
        take_row(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result stock_put(void *context, const struct xd_stock_row *row) {
    struct xd_query query;
    open_query(&query, context, STOCK_PUT);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->sku);
    xd_bind_decimal(&query, row->on_hand);
    xd_bind_decimal(&query, row->reserved);
    xd_bind_decimal(&query, row->listed);
    xd_bind_decimal(&query, row->adjusted);
    xd_bind_decimal(&query, row->shipped);
    xd_bind_int(&query, row->listed_at);
    xd_bind_text(&query, row->source);
    return xd_query_run(&query);
}

static enum xd_result stock_drop(void *context, const char *site, const char *sku) {
    struct xd_query query;
    open_query(&query, context, STOCK_DROP);
    xd_bind_text(&query, site);
    xd_bind_text(&query, sku);
    return xd_query_run(&query);
}

static enum xd_result stock_site_listed(void *context, const char *site, bool *listed) {
    struct xd_query query;
    open_query(&query, context, SITE_LISTED);
    xd_bind_text(&query, site);
    *listed = xd_query_next(&query);
    return xd_query_close(&query);
}

static enum xd_result stock_site_told(void *context, const char *site, bool *told) {
    struct xd_query query;
    open_query(&query, context, SITE_TOLD);
    xd_bind_text(&query, site);
    *told = xd_query_next(&query);
    return xd_query_close(&query);
}

static enum xd_result stock_list(void *context, const char *site, const char *sku, const char *after_site,
                                 const char *after_sku, size_t max, xd_stock_fn each, void *each_context) {
    struct xd_query query;
    int which = site == NULL ? (sku == NULL ? LIST : LIST_SKU) : (sku == NULL ? LIST_SITE : LIST_BOTH);
    open_query(&query, context, which);
    xd_bind_text(&query, after_site);
    xd_bind_text(&query, after_sku);
    if (site != NULL) {
        xd_bind_text(&query, site);
    }
    if (sku != NULL) {
        xd_bind_text(&query, sku);
    }
    xd_bind_int(&query, (int64_t)max);
    return each_row(&query, each, each_context);
}

static enum xd_result exposure_get(void *context, const char *customer, const char *currency,
                                   struct xd_decimal *amount) {
    struct xd_query query;
    open_query(&query, context, EXPOSURE_GET);
    xd_bind_text(&query, customer);
    xd_bind_text(&query, currency);
    if (xd_query_next(&query)) {
        xd_take_decimal(&query, amount);
    }
    return xd_query_close_one(&query);
}

static enum xd_result exposure_put(void *context, const char *customer, const char *currency,
                                   struct xd_decimal amount) {
    struct xd_query query;
    open_query(&query, context, EXPOSURE_PUT);
    xd_bind_text(&query, customer);
    xd_bind_text(&query, currency);
    xd_bind_decimal(&query, amount);
    return xd_query_run(&query);
}

void xd_hub_stock_fill(struct xd_hub_store *out) {
    out->stock = (struct xd_stock_store){
        .get = stock_get,
        .put = stock_put,
        .drop = stock_drop,
        .site_listed = stock_site_listed,
        .site_told = stock_site_told,
        .list = stock_list,
        .exposure_get = exposure_get,
        .exposure_put = exposure_put,
    };
}
