/* Orders, their lines, bodies and timelines. An order's rows hang on a number of
 * ours that rises, so that they lie together and new ones are appended; that
 * number also is the order of arrival, which lists page by. */
#include "sqlite/hub_store.h"

#include "base/memory.h"

#include <string.h>

enum {
    ORDER_ADD,
    ORDER_GET,
    ORDER_FIND,
    ORDER_PLACE,
    ORDER_SET_STATUS,
    ORDER_SAVE,
    BODY_ADD,
    BODY_SET,
    BODY_GET,
    LINE_ADD,
    LINES,
    LINE_SAVE,
    BACKORDERED,
    LIST,
    LIST_STATUS,
    LIST_EXTERNAL,
    TIMELINE_ADD,
    TIMELINE_EACH
};

#define COLUMNS                                                                                              \
    "order_id, tenant, client, channel_type, channel_account, external_order_id, customer_ref, "             \
    "customer_po, currency,"                                                                                 \
    " site, correlation_id, sale_reference, customer_code, status, revision, steps, holds, cancelled,"       \
    " releases, changes, changing, total, erp, ship_by, hash, received_at, updated_at"
#define QUANTITIES                                                                                           \
    "ordered, open, allocated, released, shipped, cancelled, backordered, overshipped, pending, invoiced"
#define NUMBER "(SELECT n FROM orders WHERE order_id = ?)"
#define ANY_TENANT "(?1 IS NULL OR tenant = ?1)"

static const char *const sql[] = {
    [ORDER_ADD] =
        "INSERT INTO orders(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [ORDER_GET] = "SELECT " COLUMNS ", n FROM orders WHERE order_id = ?",
    [ORDER_FIND] =
        "SELECT " COLUMNS " FROM orders WHERE tenant = ? AND channel_account = ? AND external_order_id = ?",
    [ORDER_PLACE] = "SELECT n FROM orders WHERE order_id = ?",
    [ORDER_SET_STATUS] = "UPDATE orders SET status = ?, updated_at = ? WHERE n = ?",
    [ORDER_SAVE] = "UPDATE orders SET client = ?, customer_ref = ?, customer_po = ?, currency = ?, site = ?,"
                   " customer_code = ?, status = ?, revision = ?, steps = ?, holds = ?, cancelled = ?,"
                   " releases = ?, changes = ?, changing = ?, total = ?, erp = ?, ship_by = ?, hash = ?, "
                   "updated_at = ? WHERE n = ?",
    [BODY_SET] = "UPDATE order_body SET checksum = ?, body = ? WHERE n = ?",
    [BODY_ADD] = "INSERT INTO order_body(n, checksum, body) VALUES(?, ?, ?)",
    [BODY_GET] = "SELECT checksum, body FROM order_body WHERE n = ?",
    [LINE_ADD] =
        "INSERT INTO order_line(n, number, line_id, external_line_id, sku, uom, unit_price, factor_num,"
        " factor_den, ordered_uom, ordered_num, ordered_den, serials, " QUANTITIES
        ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [LINES] = "SELECT number, line_id, external_line_id, sku, uom, unit_price, factor_num, factor_den, "
              "ordered_uom, ordered_num, ordered_den, serials, " QUANTITIES " FROM order_line"
              " WHERE n = ? ORDER BY number",
    [LINE_SAVE] = "UPDATE order_line SET uom = ?, factor_num = ?, factor_den = ?, ordered_uom = ?,"
                  " ordered_num = ?, ordered_den = ?, serials = ?, unit_price = ?, ordered = ?, open = ?, "
                  "allocated = ?,"
                  " released = ?, shipped = ?, cancelled = ?, backordered = ?, overshipped = ?, pending = ?, "
                  "invoiced = ? "
                  "WHERE n = ? AND number = ?",
    [BACKORDERED] = "SELECT n, (SELECT order_id FROM orders o WHERE o.n = l.n) FROM order_line l"
                    " WHERE backordered <> '0' AND n > ? GROUP BY n ORDER BY n LIMIT ?",
    [LIST] = "SELECT " COLUMNS " FROM orders WHERE " ANY_TENANT " AND n < ?2 ORDER BY n DESC LIMIT ?3",
    [LIST_STATUS] = "SELECT " COLUMNS " FROM orders WHERE " ANY_TENANT " AND n < ?2 AND status = ?4"
                    " ORDER BY n DESC LIMIT ?3",
    [LIST_EXTERNAL] =
        "SELECT " COLUMNS " FROM orders WHERE " ANY_TENANT " AND n < ?2 AND external_order_id = ?5"
        " AND (?4 < 0 OR status = ?4) ORDER BY n DESC LIMIT ?3",
    /* No INSERT ... SELECT: one that reads its own table makes a temporary one first, for three times the
       cost. */
    [TIMELINE_ADD] =
        "INSERT INTO timeline(n, step_number, at, step, correlation_id, detail) VALUES(?1,"
        " 1 + coalesce((SELECT max(step_number) FROM timeline WHERE n = ?1), 0), ?2, ?3, ?4, ?5)",
    [TIMELINE_EACH] =
        "SELECT at, step, correlation_id, detail FROM timeline WHERE n = " NUMBER " ORDER BY step_number",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_ORDERS, sql, which);
}

/* ---- the order that was looked at last ----
 *
 * The events of a turn ask for one order many times, and few of them have several orders. Only a connection
 * that writes remembers: nobody else changes what it knows. A number is an order's for good. */

struct xd_order_memo {
    int64_t n;    /* 0: nothing is remembered */
    bool has_row; /* more than its id */
    struct xd_order_row row;
};

void xd_order_memo_forget(struct xd_order_memo *memo) {
    if (memo != NULL) {
        memo->n = 0;
    }
}

/* NULL: another one, or none, is remembered. */
static struct xd_order_memo *remembered(const struct xd_database *database, const char *order_id) {
    struct xd_order_memo *memo = database->order;
    bool same = memo != NULL && memo->n != 0 && strcmp(memo->row.order_id, order_id) == 0;
    return same ? memo : NULL;
}

/* row NULL: only its number is known. Not being able to remember costs time only. */
static void remember(struct xd_database *database, const char *order_id, int64_t n,
                     const struct xd_order_row *row) {
    if (database->read_only || strlen(order_id) >= XD_ID_SIZE) {
        return;
    }
    if (database->order == NULL) {
        database->order = xd_alloc(sizeof *database->order);
    }
    if (database->order == NULL) {
        return;
    }
    database->order->n = n;
    database->order->has_row = row != NULL;
    if (row != NULL) {
        database->order->row = *row;
    } else {
        memcpy(database->order->row.order_id, order_id, strlen(order_id) + 1);
    }
}

static void take_order(struct xd_query *query, struct xd_order_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->order_id, sizeof row->order_id);
    xd_take_text(query, row->tenant, sizeof row->tenant);
    xd_take_text(query, row->client, sizeof row->client);
    xd_take_text(query, row->channel_type, sizeof row->channel_type);
    xd_take_text(query, row->channel_account, sizeof row->channel_account);
    xd_take_text(query, row->external_order_id, sizeof row->external_order_id);
    xd_take_text(query, row->customer_ref, sizeof row->customer_ref);
    xd_take_text(query, row->customer_po, sizeof row->customer_po);
    xd_take_text(query, row->currency, sizeof row->currency);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->correlation_id, sizeof row->correlation_id);
    xd_take_text(query, row->sale_reference, sizeof row->sale_reference);
    xd_take_text(query, row->customer_code, sizeof row->customer_code);
    row->status = (int)xd_take_int(query);
    row->revision = xd_take_int(query);
    row->steps = (unsigned)xd_take_int(query);
    row->holds = (unsigned)xd_take_int(query);
    row->cancelled = xd_take_int(query) != 0;
    row->releases = xd_take_int(query);
    row->changes = xd_take_int(query);
    row->changing = xd_take_int(query) != 0;
    xd_take_decimal(query, &row->total);
    xd_take_text(query, row->erp, sizeof row->erp);
    row->ship_by = xd_take_int(query);
    xd_take_hash(query, &row->hash);
    row->received_at = xd_take_int(query);
    row->updated_at = xd_take_int(query);
}

/* ---- adding ---- */

static void bind_process(struct xd_query *query, const struct xd_order_row *row) {
    xd_bind_text(query, row->customer_code);
    xd_bind_int(query, row->status);
    xd_bind_int(query, row->revision);
    xd_bind_int(query, row->steps);
    xd_bind_int(query, row->holds);
    xd_bind_int(query, row->cancelled);
    xd_bind_int(query, row->releases);
    xd_bind_int(query, row->changes);
    xd_bind_int(query, row->changing);
    xd_bind_decimal(query, row->total);
    xd_bind_text(query, row->erp);
    xd_bind_int(query, row->ship_by);
    xd_bind_hash(query, &row->hash);
}

static enum xd_result insert_order(struct xd_database *database, const struct xd_order_row *row, int64_t *n) {
    struct xd_query query;
    open_query(&query, database, ORDER_ADD);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->tenant);
    xd_bind_text(&query, row->client);
    xd_bind_text(&query, row->channel_type);
    xd_bind_text(&query, row->channel_account);
    xd_bind_text(&query, row->external_order_id);
    xd_bind_text(&query, row->customer_ref);
    xd_bind_text(&query, row->customer_po);
    xd_bind_text(&query, row->currency);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->correlation_id);
    xd_bind_text(&query, row->sale_reference);
    bind_process(&query, row);
    xd_bind_int(&query, row->received_at);
    xd_bind_int(&query, row->updated_at);
    enum xd_result result = xd_query_change(&query, XD_CONFLICT);
    *n = sqlite3_last_insert_rowid(database->handle);
    return result;
}

static enum xd_result insert_body(void *context, int64_t n, struct xd_bytes body) {
    struct xd_query query;
    open_query(&query, context, BODY_ADD);
    xd_bind_int(&query, n);
    xd_bind_body(&query, body);
    return xd_query_run(&query);
}

static void bind_price(struct xd_query *query, const struct xd_order_line_row *row) {
    if (row->has_unit_price) {
        xd_bind_decimal(query, row->unit_price);
    } else {
        xd_bind_null(query);
    }
}

static void bind_quantities(struct xd_query *query, const struct xd_order_line_row *row) {
    xd_bind_decimal(query, row->ordered);
    xd_bind_decimal(query, row->open);
    xd_bind_decimal(query, row->allocated);
    xd_bind_decimal(query, row->released);
    xd_bind_decimal(query, row->shipped);
    xd_bind_decimal(query, row->cancelled);
    xd_bind_decimal(query, row->backordered);
    xd_bind_decimal(query, row->overshipped);
    xd_bind_decimal(query, row->pending);
    xd_bind_decimal(query, row->invoiced);
}

static void bind_ordered_unit(struct xd_query *query, const struct xd_order_line_row *row) {
    xd_bind_text(query, row->ordered_uom);
    xd_bind_int(query, row->ordered_num);
    xd_bind_int(query, row->ordered_den);
}

static enum xd_result insert_line(void *context, int64_t n, const struct xd_order_line_row *row) {
    struct xd_query query;
    open_query(&query, context, LINE_ADD);
    xd_bind_int(&query, n);
    xd_bind_int(&query, row->number);
    xd_bind_text(&query, row->line_id);
    xd_bind_text(&query, row->external_line_id);
    xd_bind_text(&query, row->sku);
    xd_bind_text(&query, row->uom);
    bind_price(&query, row);
    xd_bind_int(&query, row->factor_num);
    xd_bind_int(&query, row->factor_den);
    bind_ordered_unit(&query, row);
    xd_bind_int(&query, row->serials);
    bind_quantities(&query, row);
    return xd_query_run(&query);
}

static enum xd_result order_add(void *context, const struct xd_order_row *row,
                                const struct xd_order_line_row *lines, size_t count) {
    int64_t n = 0;
    enum xd_result result = insert_order(context, row, &n);
    if (result == XD_OK) {
        result = insert_body(context, n, row->body);
    }
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        result = insert_line(context, n, &lines[i]);
        if (result == XD_CONFLICT) { /* that word is for the order itself */
            result = xd_database_say(context, XD_INVALID, "two lines of an order have one number");
        }
    }
    if (result == XD_OK) {
        remember(context, row->order_id, n, NULL);
        result = xd_counter_add(context, XD_COUNTER_ORDERS, row->status, "", 1);
    }
    return result;
}

/* ---- one order ---- */

static enum xd_result one_order(struct xd_query *query, struct xd_order_row *out) {
    if (xd_query_next(query)) {
        take_order(query, out);
    }
    return xd_query_close_one(query);
}

/* Reads it, unless it is remembered. A transaction that has failed answers nothing. */
static enum xd_result known_order(struct xd_database *database, const char *order_id,
                                  struct xd_order_row *out, int64_t *n) {
    const struct xd_order_memo *memo = remembered(database, order_id);
    if (memo != NULL && memo->has_row && database->failed == XD_OK) {
        *out = memo->row;
        *n = memo->n;
        return XD_OK;
    }
    struct xd_query query;
    open_query(&query, database, ORDER_GET);
    xd_bind_text(&query, order_id);
    if (xd_query_next(&query)) {
        take_order(&query, out);
        *n = xd_take_int(&query);
    }
    enum xd_result result = xd_query_close_one(&query);
    if (result == XD_OK) {
        remember(database, order_id, *n, out);
    }
    return result;
}

static enum xd_result order_get(void *context, const char *order_id, struct xd_order_row *out) {
    int64_t n = 0;
    return known_order(context, order_id, out, &n);
}

static enum xd_result number_of(struct xd_database *database, const char *order_id, int64_t *n) {
    const struct xd_order_memo *memo = remembered(database, order_id);
    if (memo != NULL && database->failed == XD_OK) {
        *n = memo->n;
        return XD_OK;
    }
    struct xd_query query;
    open_query(&query, database, ORDER_PLACE);
    xd_bind_text(&query, order_id);
    if (xd_query_next(&query)) {
        *n = xd_take_int(&query);
    }
    enum xd_result result = xd_query_close_one(&query);
    if (result == XD_OK) {
        remember(database, order_id, *n, NULL);
    }
    return result;
}

static enum xd_result order_find(void *context, const char *tenant, const char *channel_account,
                                 const char *external_order_id, struct xd_order_row *out) {
    struct xd_query query;
    open_query(&query, context, ORDER_FIND);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, channel_account);
    xd_bind_text(&query, external_order_id);
    return one_order(&query, out);
}

static enum xd_result order_body(void *context, const char *order_id, struct xd_buffer *out) {
    struct xd_query query;
    int64_t n = 0;
    enum xd_result result = number_of(context, order_id, &n);
    if (result != XD_OK) {
        return result;
    }
    open_query(&query, context, BODY_GET);
    xd_bind_int(&query, n);
    if (xd_query_next(&query)) {
        struct xd_bytes body = xd_take_body(&query);
        if (query.result == XD_OK) {
            xd_buffer_add(out, body.data, body.size);
            query.result = xd_buffer_result(out);
        }
    }
    return xd_query_close_one(&query);
}

static enum xd_result count_status(void *context, int before, int after) {
    if (before == after) {
        return XD_OK;
    }
    enum xd_result result = xd_counter_add(context, XD_COUNTER_ORDERS, before, "", -1);
    return result == XD_OK ? xd_counter_add(context, XD_COUNTER_ORDERS, after, "", 1) : result;
}

static enum xd_result order_set_status(void *context, const char *order_id, int status, xd_ms updated_at) {
    int64_t n = 0;
    struct xd_order_row row = {.status = 0};
    struct xd_query query;
    enum xd_result result = known_order(context, order_id, &row, &n);
    if (result != XD_OK) {
        return result;
    }
    int before = row.status;
    open_query(&query, context, ORDER_SET_STATUS);
    xd_bind_int(&query, status);
    xd_bind_int(&query, updated_at);
    xd_bind_int(&query, n);
    result = xd_query_run(&query);
    remember(context, order_id, n, NULL);
    return result == XD_OK ? count_status(context, before, status) : result;
}

/* What saving changes of an order; the rest is what it came with. */
static void as_saved(const struct xd_order_row *saved, struct xd_order_row *known) {
    memcpy(known->client, saved->client, sizeof known->client);
    memcpy(known->customer_ref, saved->customer_ref, sizeof known->customer_ref);
    memcpy(known->customer_po, saved->customer_po, sizeof known->customer_po);
    memcpy(known->currency, saved->currency, sizeof known->currency);
    memcpy(known->site, saved->site, sizeof known->site);
    memcpy(known->customer_code, saved->customer_code, sizeof known->customer_code);
    known->status = saved->status;
    known->revision = saved->revision;
    known->steps = saved->steps;
    known->holds = saved->holds;
    known->cancelled = saved->cancelled;
    known->releases = saved->releases;
    known->changes = saved->changes;
    known->changing = saved->changing;
    known->total = saved->total;
    memcpy(known->erp, saved->erp, sizeof known->erp);
    known->ship_by = saved->ship_by;
    known->hash = saved->hash;
    known->updated_at = saved->updated_at;
}

static enum xd_result order_save(void *context, const struct xd_order_row *row) {
    int64_t n = 0;
    struct xd_order_row known = {.status = 0};
    struct xd_query query;
    enum xd_result result = known_order(context, row->order_id, &known, &n);
    if (result != XD_OK) {
        return result;
    }
    int before = known.status;
    open_query(&query, context, ORDER_SAVE);
    xd_bind_text(&query, row->client);
    xd_bind_text(&query, row->customer_ref);
    xd_bind_text(&query, row->customer_po);
    xd_bind_text(&query, row->currency);
    xd_bind_text(&query, row->site);
    bind_process(&query, row);
    xd_bind_int(&query, row->updated_at);
    xd_bind_int(&query, n);
    result = xd_query_run(&query);
    if (result == XD_OK) {
        as_saved(row, &known);
        remember(context, row->order_id, n, &known);
    } else {
        remember(context, row->order_id, n, NULL);
    }
    if (result == XD_OK && row->body.size > 0) {
        open_query(&query, context, BODY_SET);
        xd_bind_body(&query, row->body);
        xd_bind_int(&query, n);
        result = xd_query_run(&query);
    }
    return result == XD_OK ? count_status(context, before, row->status) : result;
}

static enum xd_result order_line_add(void *context, const char *order_id,
                                     const struct xd_order_line_row *row) {
    int64_t n = 0;
    enum xd_result result = number_of(context, order_id, &n);
    return result == XD_OK ? insert_line(context, n, row) : result;
}

/* ---- lines ---- */

static void take_line(struct xd_query *query, struct xd_order_line_row *row) {
    memset(row, 0, sizeof *row);
    row->number = xd_take_int(query);
    xd_take_text(query, row->line_id, sizeof row->line_id);
    xd_take_text(query, row->external_line_id, sizeof row->external_line_id);
    xd_take_text(query, row->sku, sizeof row->sku);
    xd_take_text(query, row->uom, sizeof row->uom);
    row->has_unit_price = xd_take_optional_decimal(query, &row->unit_price);
    row->factor_num = xd_take_int(query);
    row->factor_den = xd_take_int(query);
    xd_take_text(query, row->ordered_uom, sizeof row->ordered_uom);
    row->ordered_num = xd_take_int(query);
    row->ordered_den = xd_take_int(query);
    row->serials = xd_take_int(query) != 0;
    xd_take_decimal(query, &row->ordered);
    xd_take_decimal(query, &row->open);
    xd_take_decimal(query, &row->allocated);
    xd_take_decimal(query, &row->released);
    xd_take_decimal(query, &row->shipped);
    xd_take_decimal(query, &row->cancelled);
    xd_take_decimal(query, &row->backordered);
    xd_take_decimal(query, &row->overshipped);
    xd_take_decimal(query, &row->pending);
    xd_take_decimal(query, &row->invoiced);
}

static enum xd_result order_lines(void *context, const char *order_id, xd_order_line_fn each,
                                  void *each_context) {
    struct xd_query query;
    int64_t n = 0;
    enum xd_result result = number_of(context, order_id, &n);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    open_query(&query, context, LINES);
    xd_bind_int(&query, n);
    while (xd_query_next(&query)) {
        struct xd_order_line_row row;
        take_line(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result order_line_save(void *context, const char *order_id,
                                      const struct xd_order_line_row *row) {
    struct xd_query query;
    int64_t n = 0;
    enum xd_result result = number_of(context, order_id, &n);
    if (result != XD_OK) {
        return result;
    }
    open_query(&query, context, LINE_SAVE);
    xd_bind_text(&query, row->uom);
    xd_bind_int(&query, row->factor_num);
    xd_bind_int(&query, row->factor_den);
    bind_ordered_unit(&query, row);
    xd_bind_int(&query, row->serials);
    bind_price(&query, row);
    bind_quantities(&query, row);
    xd_bind_int(&query, n);
    xd_bind_int(&query, row->number);
    return xd_query_change(&query, XD_NOT_FOUND);
}

/* ---- lists ---- */

static enum xd_result place_of(struct xd_database *database, const char *order_id, int64_t *n) {
    *n = INT64_MAX;
    return order_id[0] == '\0' ? XD_OK : number_of(database, order_id, n);
}

static enum xd_result order_list(void *context, const char *tenant, const char *external_order_id, int status,
                                 const char *after, size_t max, xd_order_fn each, void *each_context) {
    int64_t n = 0;
    enum xd_result result = place_of(context, after, &n);
    if (result != XD_OK) {
        return result;
    }
    int which = status < 0 ? LIST : LIST_STATUS;
    struct xd_query query;
    open_query(&query, context, external_order_id != NULL ? LIST_EXTERNAL : which);
    xd_bind_text(&query, tenant);
    xd_bind_int(&query, n);
    xd_bind_int(&query, (int64_t)max);
    if (external_order_id != NULL || status >= 0) {
        xd_bind_int(&query, status);
    }
    if (external_order_id != NULL) {
        xd_bind_text(&query, external_order_id);
    }
    while (xd_query_next(&query)) {
        struct xd_order_row row;
        take_order(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result order_backordered(void *context, int64_t *cursor, size_t max, xd_order_id_fn each,
                                        void *each_context) {
    struct xd_query query;
    open_query(&query, context, BACKORDERED);
    xd_bind_int(&query, *cursor);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        char order_id[XD_ID_SIZE] = "";
        *cursor = xd_take_int(&query);
        xd_take_text(&query, order_id, sizeof order_id);
        if (query.result == XD_OK) {
            query.result = each(each_context, order_id);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result order_count(void *context, int status, int64_t *count) {
    return xd_counter_get(context, XD_COUNTER_ORDERS, status, NULL, count);
}

/* ---- timeline ---- */

static enum xd_result timeline_add(void *context, const char *order_id, const struct xd_timeline_row *row) {
    int64_t n = 0;
    enum xd_result result = number_of(context, order_id, &n);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, TIMELINE_ADD);
    xd_bind_int(&query, n);
    xd_bind_int(&query, row->at);
    xd_bind_text(&query, row->step);
    xd_bind_text(&query, row->correlation_id);
    xd_bind_text(&query, row->detail == NULL ? "{}" : row->detail);
    return xd_query_run(&query);
}

static enum xd_result timeline_each(void *context, const char *order_id, xd_timeline_fn each,
                                    void *each_context) {
    struct xd_query query;
    open_query(&query, context, TIMELINE_EACH);
    xd_bind_text(&query, order_id);
    while (xd_query_next(&query)) {
        struct xd_timeline_row row = {.at = xd_take_int(&query)};
        xd_take_text(&query, row.step, sizeof row.step);
        xd_take_text(&query, row.correlation_id, sizeof row.correlation_id);
        row.detail = xd_take_view(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

void xd_hub_orders_fill(struct xd_hub_store *out) {
    out->order_add = order_add;
    out->order_get = order_get;
    out->order_find = order_find;
    out->order_body = order_body;
    out->order_set_status = order_set_status;
    out->order_save = order_save;
    out->order_line_add = order_line_add;
    out->order_lines = order_lines;
    out->order_line_save = order_line_save;
    out->order_list = order_list;
    out->order_backordered = order_backordered;
    out->order_count = order_count;
    out->timeline_add = timeline_add;
    out->timeline_each = timeline_each;
}
