/* The books: what waits of the ERP's documents, invoices, runs of the comparison, what they note for
 * themselves, and the differences that they find. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    WAITING_PUT,
    WAITING_GET,
    WAITING_DROP,
    WAITING_LIST,
    INVOICE_GET,
    INVOICE_PUT,
    LINE_ADD,
    LINES_DROP,
    LINES,
    RUN_ADD,
    RUN_SAVE,
    RUN_GET,
    RUN_NEXT,
    RUN_QUEUED,
    RUN_LIST,
    SEEN_ADD,
    SEEN_HAS,
    BUSY,
    STOCK_GET,
    STOCK_PUT,
    STOCK_LIST,
    SEEN_CLEAR,
    STOCK_CLEAR
};
enum { PUT, GET, LIST, COUNT, STALE };

#define RUN                                                                                                  \
    "n, id, erp, state, by, queued_at, started_at, ended_at, sales, shipments, invoices, stock, "            \
    "differences, detail"
#define DIFFERENCE                                                                                           \
    "id, erp, kind, state, repair, order_id, site, sku, line_id, hub_document, erp_document, hub_value,"     \
    " erp_value, first_seen, last_seen, decided_at, by, run"
#define STOCK "site, sku, has_erp, has_site, erp, site_qty, since, unposted, busy"

_Static_assert(XD_DIFFERENCE_APPROVED == 1,
               "the partial index book_difference_open and statements here say 1");
_Static_assert(XD_RUN_QUEUED == 0 && XD_RUN_RUNNING == 1, "statements here say 0 and 1");
_Static_assert(XD_JOB_DONE == 3, "statements here say 3");

static const char *const sql[] = {
    [WAITING_PUT] = "INSERT INTO erp_waiting(erp, what, number, proposed, code, detail, body)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET proposed = excluded.proposed,"
                    " code = excluded.code, detail = excluded.detail, body = excluded.body",
    [WAITING_GET] = "SELECT erp, what, number, proposed, code, detail, body FROM erp_waiting"
                    " WHERE erp = ? AND what = ? AND number = ?",
    [WAITING_DROP] = "DELETE FROM erp_waiting WHERE erp = ? AND what = ? AND number = ?",
    [WAITING_LIST] =
        "SELECT erp, what, number, proposed, code, detail FROM erp_waiting"
        " WHERE erp = ? AND (what, number) > (?, ?) AND proposed = 0 ORDER BY what, number LIMIT ?",
    [INVOICE_GET] = "SELECT erp, number, order_id, state, told FROM erp_invoice WHERE erp = ? AND number = ?",
    [INVOICE_PUT] = "INSERT INTO erp_invoice(erp, number, order_id, state, told) VALUES(?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET order_id = excluded.order_id, state = excluded.state,"
                    " told = excluded.told",
    [LINE_ADD] = "INSERT INTO erp_invoice_line(erp, number, line, line_id, base_qty) VALUES(?, ?, ?, ?, ?)",
    [LINES_DROP] = "DELETE FROM erp_invoice_line WHERE erp = ? AND number = ?",
    [LINES] = "SELECT line_id, base_qty FROM erp_invoice_line WHERE erp = ? AND number = ? ORDER BY line",
    [RUN_ADD] = "INSERT INTO book_run(id, erp, state, by, queued_at, started_at, ended_at, sales, shipments,"
                " invoices, stock, differences, detail) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [RUN_SAVE] =
        "UPDATE book_run SET id = ?, erp = ?, state = ?, by = ?, queued_at = ?, started_at = ?,"
        " ended_at = ?, sales = ?, shipments = ?, invoices = ?, stock = ?, differences = ?, detail = ?"
        " WHERE n = ?",
    [RUN_GET] = "SELECT " RUN " FROM book_run WHERE id = ?",
    [RUN_NEXT] = "SELECT " RUN " FROM book_run WHERE state <= 1 ORDER BY n LIMIT 1",
    [RUN_QUEUED] =
        "SELECT " RUN " FROM book_run WHERE state <= 1 AND state = 0 AND erp = ? ORDER BY n LIMIT 1",
    [RUN_LIST] = "SELECT " RUN " FROM book_run WHERE n < coalesce((SELECT n FROM book_run WHERE id = ?),"
                 " 9223372036854775807) ORDER BY n DESC LIMIT ?",
    [SEEN_ADD] = "INSERT INTO book_seen(erp, what, reference, run) VALUES(?, ?, ?, ?)"
                 " ON CONFLICT DO UPDATE SET run = excluded.run",
    [SEEN_HAS] = "SELECT 1 FROM book_seen WHERE erp = ? AND what = ? AND reference = ? AND run = ?",
    [BUSY] = "SELECT 1 FROM job WHERE order_id = ? AND (state < 3 OR sent_at >= ?) LIMIT 1",
    [STOCK_GET] = "SELECT " STOCK " FROM book_stock WHERE site = ? AND sku = ?",
    [STOCK_PUT] =
        "INSERT INTO book_stock(" STOCK ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " has_erp = excluded.has_erp, has_site = excluded.has_site, erp = excluded.erp,"
        " site_qty = excluded.site_qty, since = excluded.since, unposted = excluded.unposted,"
        " busy = excluded.busy",
    [STOCK_LIST] = "SELECT " STOCK " FROM book_stock WHERE (site, sku) > (?, ?) ORDER BY site, sku LIMIT ?",
    [SEEN_CLEAR] = "DELETE FROM book_seen WHERE (erp, what, reference) IN"
                   " (SELECT erp, what, reference FROM book_seen LIMIT ?)",
    [STOCK_CLEAR] = "DELETE FROM book_stock WHERE (site, sku) IN (SELECT site, sku FROM book_stock LIMIT ?)",
};

static const char *const difference_sql[] = {
    [PUT] =
        "INSERT INTO book_difference(" DIFFERENCE ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, repair = excluded.repair,"
        " order_id = excluded.order_id, hub_document = excluded.hub_document,"
        " erp_document = excluded.erp_document, hub_value = excluded.hub_value,"
        " erp_value = excluded.erp_value, first_seen = excluded.first_seen,"
        " last_seen = excluded.last_seen, decided_at = excluded.decided_at, by = excluded.by,"
        " run = excluded.run",
    [GET] = "SELECT " DIFFERENCE " FROM book_difference WHERE id = ?",
    [LIST] = "SELECT " DIFFERENCE " FROM book_difference WHERE id > ?1 AND (?2 IS NULL OR erp = ?2)"
             " AND (?3 < 0 OR kind = ?3) AND (?4 < 0 OR state = ?4) AND (?5 = 0 OR state <= 1)"
             " ORDER BY id LIMIT ?6",
    [COUNT] = "SELECT count(*) FROM book_difference WHERE state <= 1 AND (?1 IS NULL OR erp = ?1)",
    [STALE] = "SELECT " DIFFERENCE " FROM book_difference WHERE state <= 1 AND erp = ? AND run < ? LIMIT ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_BOOKS, sql, which);
}

static void open_difference(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_DIFFERENCES, difference_sql, which);
}

/* ---- what waits ---- */

static void bind_place(struct xd_query *query, const char *erp, int what, const char *number) {
    xd_bind_text(query, erp);
    xd_bind_int(query, what);
    xd_bind_text(query, number);
}

static void take_waiting(struct xd_query *query, struct xd_waiting_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->erp, sizeof row->erp);
    row->what = (int)xd_take_int(query);
    xd_take_text(query, row->number, sizeof row->number);
    row->proposed = xd_take_int(query) != 0;
    xd_take_text(query, row->code, sizeof row->code);
    xd_take_text(query, row->detail, sizeof row->detail);
}

static enum xd_result waiting_put(void *context, const struct xd_waiting_row *row) {
    struct xd_query query;
    open_query(&query, context, WAITING_PUT);
    bind_place(&query, row->erp, row->what, row->number);
    xd_bind_int(&query, row->proposed);
    xd_bind_text(&query, row->code);
    xd_bind_text(&query, row->detail);
    xd_bind_bytes(&query, row->body);
    return xd_query_run(&query);
}

static enum xd_result waiting_get(void *context, const char *erp, int what, const char *number,
                                  struct xd_waiting_row *out, struct xd_buffer *body) {
    struct xd_query query;
    open_query(&query, context, WAITING_GET);
    bind_place(&query, erp, what, number);
    if (xd_query_next(&query)) {
        take_waiting(&query, out);
        struct xd_bytes entry = xd_take_bytes(&query);
        if (body != NULL) {
            xd_buffer_add(body, entry.data, entry.size);
        }
    }
    return xd_query_close_one(&query);
}

static enum xd_result waiting_drop(void *context, const char *erp, int what, const char *number) {
    struct xd_query query;
    open_query(&query, context, WAITING_DROP);
    bind_place(&query, erp, what, number);
    return xd_query_run(&query);
}

static enum xd_result waiting_list(void *context, const char *erp, int what, const char *number, size_t max,
                                   xd_waiting_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, WAITING_LIST);
    bind_place(&query, erp, what, number);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_waiting_row row;
        take_waiting(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

/* ---- invoices ---- */

static enum xd_result invoice_get(void *context, const char *erp, const char *number,
                                  struct xd_invoice_row *out) {
    struct xd_query query;
    open_query(&query, context, INVOICE_GET);
    xd_bind_text(&query, erp);
    xd_bind_text(&query, number);
    if (xd_query_next(&query)) {
        memset(out, 0, sizeof *out);
        xd_take_text(&query, out->erp, sizeof out->erp);
        xd_take_text(&query, out->number, sizeof out->number);
        xd_take_text(&query, out->order_id, sizeof out->order_id);
        xd_take_text(&query, out->state, sizeof out->state);
        out->told = xd_take_int(&query) != 0;
    }
    return xd_query_close_one(&query);
}

static enum xd_result invoice_put(void *context, const struct xd_invoice_row *row,
                                  const struct xd_invoice_line_row *lines, size_t count) {
    struct xd_query query;
    open_query(&query, context, INVOICE_PUT);
    xd_bind_text(&query, row->erp);
    xd_bind_text(&query, row->number);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->state);
    xd_bind_int(&query, row->told);
    enum xd_result result = xd_query_run(&query);
    if (result == XD_OK) {
        open_query(&query, context, LINES_DROP);
        xd_bind_text(&query, row->erp);
        xd_bind_text(&query, row->number);
        result = xd_query_run(&query);
    }
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        open_query(&query, context, LINE_ADD);
        xd_bind_text(&query, row->erp);
        xd_bind_text(&query, row->number);
        xd_bind_int(&query, (int64_t)index + 1);
        xd_bind_text(&query, lines[index].line_id);
        xd_bind_decimal(&query, lines[index].base_qty);
        result = xd_query_run(&query);
    }
    return result;
}

static enum xd_result invoice_lines(void *context, const char *erp, const char *number,
                                    xd_invoice_line_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, LINES);
    xd_bind_text(&query, erp);
    xd_bind_text(&query, number);
    while (xd_query_next(&query)) {
        struct xd_invoice_line_row row;
        xd_take_text(&query, row.line_id, sizeof row.line_id);
        xd_take_decimal(&query, &row.base_qty);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

/* ---- runs ---- */

static void bind_run(struct xd_query *query, const struct xd_books_run_row *row) {
    xd_bind_text(query, row->id);
    xd_bind_text(query, row->erp);
    xd_bind_int(query, row->state);
    xd_bind_text(query, row->by);
    xd_bind_int(query, row->queued_at);
    xd_bind_int(query, row->started_at);
    xd_bind_int(query, row->ended_at);
    xd_bind_int(query, row->sales);
    xd_bind_int(query, row->shipments);
    xd_bind_int(query, row->invoices);
    xd_bind_int(query, row->stock);
    xd_bind_int(query, row->differences);
    xd_bind_text(query, row->detail);
}

static void take_run(struct xd_query *query, struct xd_books_run_row *row) {
    memset(row, 0, sizeof *row);
    row->n = xd_take_int(query);
    xd_take_text(query, row->id, sizeof row->id);
    xd_take_text(query, row->erp, sizeof row->erp);
    row->state = (int)xd_take_int(query);
    xd_take_text(query, row->by, sizeof row->by);
    row->queued_at = xd_take_int(query);
    row->started_at = xd_take_int(query);
    row->ended_at = xd_take_int(query);
    row->sales = xd_take_int(query);
    row->shipments = xd_take_int(query);
    row->invoices = xd_take_int(query);
    row->stock = xd_take_int(query);
    row->differences = xd_take_int(query);
    xd_take_text(query, row->detail, sizeof row->detail);
    if (query->result == XD_OK && (row->state < 0 || row->state >= XD_RUN_STATE_COUNT)) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "a run of the books in no state");
    }
}

static enum xd_result run_add(void *context, struct xd_books_run_row *row) {
    struct xd_database *database = context;
    struct xd_query query;
    open_query(&query, context, RUN_ADD);
    bind_run(&query, row);
    enum xd_result result = xd_query_run(&query);
    row->n = sqlite3_last_insert_rowid(database->handle);
    return result;
}

static enum xd_result run_save(void *context, const struct xd_books_run_row *row) {
    struct xd_query query;
    open_query(&query, context, RUN_SAVE);
    bind_run(&query, row);
    xd_bind_int(&query, row->n);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result run_get(void *context, const char *id, struct xd_books_run_row *out) {
    struct xd_query query;
    open_query(&query, context, RUN_GET);
    xd_bind_text(&query, id);
    if (xd_query_next(&query)) {
        take_run(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result run_next(void *context, struct xd_books_run_row *out) {
    struct xd_query query;
    open_query(&query, context, RUN_NEXT);
    if (xd_query_next(&query)) {
        take_run(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result run_queued(void *context, const char *erp, struct xd_books_run_row *out) {
    struct xd_query query;
    open_query(&query, context, RUN_QUEUED);
    xd_bind_text(&query, erp);
    if (xd_query_next(&query)) {
        take_run(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result run_list(void *context, const char *after, size_t max, xd_books_run_fn each,
                               void *each_context) {
    struct xd_query query;
    open_query(&query, context, RUN_LIST);
    xd_bind_text(&query, after);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_books_run_row row;
        take_run(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

/* ---- what a run notes for itself ---- */

static enum xd_result seen_add(void *context, const char *erp, int what, const char *reference, int64_t run) {
    struct xd_query query;
    open_query(&query, context, SEEN_ADD);
    bind_place(&query, erp, what, reference);
    xd_bind_int(&query, run);
    return xd_query_run(&query);
}

static enum xd_result seen_has(void *context, const char *erp, int what, const char *reference, int64_t run,
                               bool *has) {
    struct xd_query query;
    open_query(&query, context, SEEN_HAS);
    bind_place(&query, erp, what, reference);
    xd_bind_int(&query, run);
    *has = xd_query_next(&query);
    return xd_query_close(&query);
}

static enum xd_result order_busy(void *context, const char *order_id, xd_ms since, bool *busy) {
    struct xd_query query;
    open_query(&query, context, BUSY);
    xd_bind_text(&query, order_id);
    xd_bind_int(&query, since);
    *busy = xd_query_next(&query);
    return xd_query_close(&query);
}

static void take_stock(struct xd_query *query, struct xd_book_stock_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->sku, sizeof row->sku);
    row->has_erp = xd_take_int(query) != 0;
    row->has_site = xd_take_int(query) != 0;
    xd_take_decimal(query, &row->erp);
    xd_take_decimal(query, &row->site_qty);
    xd_take_decimal(query, &row->since);
    xd_take_decimal(query, &row->unposted);
    row->busy = xd_take_int(query) != 0;
}

static enum xd_result stock_get(void *context, const char *site, const char *sku,
                                struct xd_book_stock_row *out) {
    struct xd_query query;
    memset(out, 0, sizeof *out);
    (void)strncpy(out->site, site, sizeof out->site - 1);
    (void)strncpy(out->sku, sku, sizeof out->sku - 1);
    open_query(&query, context, STOCK_GET);
    xd_bind_text(&query, site);
    xd_bind_text(&query, sku);
    if (xd_query_next(&query)) {
        take_stock(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result stock_put(void *context, const struct xd_book_stock_row *row) {
    struct xd_query query;
    open_query(&query, context, STOCK_PUT);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->sku);
    xd_bind_int(&query, row->has_erp);
    xd_bind_int(&query, row->has_site);
    xd_bind_decimal(&query, row->erp);
    xd_bind_decimal(&query, row->site_qty);
    xd_bind_decimal(&query, row->since);
    xd_bind_decimal(&query, row->unposted);
    xd_bind_int(&query, row->busy);
    return xd_query_run(&query);
}

static enum xd_result stock_list(void *context, const char *after_site, const char *after_sku, size_t max,
                                 xd_book_stock_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, STOCK_LIST);
    xd_bind_text(&query, after_site);
    xd_bind_text(&query, after_sku);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_book_stock_row row;
        take_stock(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result clear(struct xd_database *database, int which, size_t max, bool *more) {
    struct xd_query query;
    open_query(&query, database, which);
    xd_bind_int(&query, (int64_t)max);
    enum xd_result result = xd_query_run(&query);
    *more = *more || sqlite3_changes(database->handle) == (int)max;
    return result;
}

static enum xd_result notes_drop(void *context, size_t max, bool *more) {
    *more = false;
    enum xd_result result = clear(context, SEEN_CLEAR, max, more);
    return result == XD_OK ? clear(context, STOCK_CLEAR, max, more) : result;
}

/* ---- differences ---- */

static void take_difference(struct xd_query *query, struct xd_difference_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->id, sizeof row->id);
    xd_take_text(query, row->erp, sizeof row->erp);
    row->kind = (int)xd_take_int(query);
    row->state = (int)xd_take_int(query);
    row->repair = (int)xd_take_int(query);
    xd_take_text(query, row->order_id, sizeof row->order_id);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->sku, sizeof row->sku);
    xd_take_text(query, row->line_id, sizeof row->line_id);
    xd_take_text(query, row->hub_document, sizeof row->hub_document);
    xd_take_text(query, row->erp_document, sizeof row->erp_document);
    xd_take_text(query, row->hub_value, sizeof row->hub_value);
    xd_take_text(query, row->erp_value, sizeof row->erp_value);
    row->first_seen = xd_take_int(query);
    row->last_seen = xd_take_int(query);
    row->decided_at = xd_take_int(query);
    xd_take_text(query, row->by, sizeof row->by);
    row->run = xd_take_int(query);
    if (query->result == XD_OK &&
        (row->kind < 0 || row->kind >= XD_DIFFERENCE_KIND_COUNT || row->state < 0 ||
         row->state >= XD_DIFFERENCE_STATE_COUNT || row->repair < 0 || row->repair >= XD_REPAIR_COUNT)) {
        query->result = xd_database_say(query->database, XD_CORRUPT, "a difference of no kind");
    }
}

static enum xd_result each_difference(struct xd_query *query, xd_difference_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_difference_row row;
        take_difference(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result difference_put(void *context, const struct xd_difference_row *row) {
    struct xd_query query;
    open_difference(&query, context, PUT);
    xd_bind_text(&query, row->id);
    xd_bind_text(&query, row->erp);
    xd_bind_int(&query, row->kind);
    xd_bind_int(&query, row->state);
    xd_bind_int(&query, row->repair);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->sku);
    xd_bind_text(&query, row->line_id);
    xd_bind_text(&query, row->hub_document);
    xd_bind_text(&query, row->erp_document);
    xd_bind_text(&query, row->hub_value);
    xd_bind_text(&query, row->erp_value);
    xd_bind_int(&query, row->first_seen);
    xd_bind_int(&query, row->last_seen);
    xd_bind_int(&query, row->decided_at);
    xd_bind_text(&query, row->by);
    xd_bind_int(&query, row->run);
    return xd_query_run(&query);
}

static enum xd_result difference_get(void *context, const char *id, struct xd_difference_row *out) {
    struct xd_query query;
    open_difference(&query, context, GET);
    xd_bind_text(&query, id);
    if (xd_query_next(&query)) {
        take_difference(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result difference_list(void *context, const struct xd_difference_filter *filter,
                                      const char *after, size_t max, xd_difference_fn each,
                                      void *each_context) {
    struct xd_query query;
    open_difference(&query, context, LIST);
    xd_bind_text(&query, after);
    xd_bind_text(&query, filter->erp);
    xd_bind_int(&query, filter->kind);
    xd_bind_int(&query, filter->state);
    xd_bind_int(&query, filter->open_only);
    xd_bind_int(&query, (int64_t)max);
    return each_difference(&query, each, each_context);
}

static enum xd_result difference_count(void *context, const char *erp, int64_t *count) {
    struct xd_query query;
    open_difference(&query, context, COUNT);
    xd_bind_text(&query, erp);
    if (xd_query_next(&query)) {
        *count = xd_take_int(&query);
    }
    return xd_query_close_one(&query);
}

static enum xd_result difference_stale(void *context, const char *erp, int64_t run, size_t max,
                                       xd_difference_fn each, void *each_context) {
    struct xd_query query;
    open_difference(&query, context, STALE);
    xd_bind_text(&query, erp);
    xd_bind_int(&query, run);
    xd_bind_int(&query, (int64_t)max);
    return each_difference(&query, each, each_context);
}

void xd_hub_books_fill(struct xd_hub_store *out) {
    out->books = (struct xd_books_store){
        .waiting_put = waiting_put,
        .waiting_get = waiting_get,
        .waiting_drop = waiting_drop,
        .waiting_list = waiting_list,
        .invoice_get = invoice_get,
        .invoice_put = invoice_put,
        .invoice_lines = invoice_lines,
        .run_add = run_add,
        .run_save = run_save,
        .run_get = run_get,
        .run_next = run_next,
        .run_queued = run_queued,
        .run_list = run_list,
        .seen_add = seen_add,
        .seen_has = seen_has,
        .order_busy = order_busy,
        .difference_put = difference_put,
        .difference_get = difference_get,
        .difference_list = difference_list,
        .difference_count = difference_count,
        .difference_stale = difference_stale,
        .stock_get = stock_get,
        .stock_put = stock_put,
        .stock_list = stock_list,
        .notes_drop = notes_drop,
    };
}
