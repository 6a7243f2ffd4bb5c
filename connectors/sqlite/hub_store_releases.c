/* Releases and their lines. Lines are kept in the order in which they were added
 * and found by their id. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    RELEASE_ADD,
    RELEASE_GET,
    RELEASE_SAVE,
    RELEASE_LATE,
    RELEASE_OF_ORDER,
    LINE_ADD,
    LINES,
    LINE_SAVE,
    LINE_LAST
};

#define COLUMNS                                                                                              \
    "release_id, order_id, site, number, created_at, revision, status, cancel, stage, reroutes, whole,"      \
    " ack_by, updated_at"
#define NUMBER "(SELECT n FROM release WHERE release_id = ?)"

static const char *const sql[] = {
    [RELEASE_ADD] = "INSERT INTO release(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
    [RELEASE_GET] = "SELECT " COLUMNS " FROM release WHERE release_id = ?",
    [RELEASE_SAVE] =
        "UPDATE release SET revision = ?, status = ?, cancel = ?, stage = ?, reroutes = ?, whole = ?,"
        " ack_by = ?, updated_at = ? WHERE release_id = ?",
    [RELEASE_LATE] =
        "SELECT " COLUMNS " FROM release WHERE ack_by > 0 AND ack_by <= ? ORDER BY ack_by LIMIT ?",
    [RELEASE_OF_ORDER] = "SELECT " COLUMNS " FROM release WHERE order_id = ? ORDER BY n",
    [LINE_ADD] =
        "INSERT INTO release_line(n, number, line_id, sku, uom, factor_num, factor_den, qty, shipped, over,"
        " closed, asked, unwanted, answer, refused, told_num, told_den, claimed_open, claimed_cancelled,"
        " left_out) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [LINES] = "SELECT line_id, sku, uom, factor_num, factor_den, qty, shipped, over, closed, asked, unwanted,"
              " answer, refused, told_num, told_den, claimed_open, claimed_cancelled, left_out"
              " FROM release_line WHERE n = " NUMBER " ORDER BY number",
    [LINE_SAVE] =
        "UPDATE release_line SET sku = ?, uom = ?, factor_num = ?, factor_den = ?, qty = ?, shipped = ?,"
        " over = ?, closed = ?, asked = ?, unwanted = ?, answer = ?, refused = ?, told_num = ?, told_den = ?,"
        " claimed_open = ?, claimed_cancelled = ?, left_out = ?"
        " WHERE n = " NUMBER " AND line_id = ?",
    [LINE_LAST] = "SELECT n, (SELECT coalesce(max(number), 0) FROM release_line WHERE n = release.n)"
                  " FROM release WHERE release_id = ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_RELEASES, sql, which);
}

static void take_release(struct xd_query *query, struct xd_release_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->release_id, sizeof row->release_id);
    xd_take_text(query, row->order_id, sizeof row->order_id);
    xd_take_text(query, row->site, sizeof row->site);
    row->number = xd_take_int(query);
    row->created_at = xd_take_int(query);
    row->revision = xd_take_int(query);
    row->status = (int)xd_take_int(query);
    row->cancel = (int)xd_take_int(query);
    row->stage = (int)xd_take_int(query);
    row->reroutes = xd_take_int(query) != 0;
    row->whole = xd_take_int(query) != 0;
    row->ack_by = xd_take_int(query);
    row->updated_at = xd_take_int(query);
}

static void bind_progress(struct xd_query *query, const struct xd_release_row *row) {
    xd_bind_int(query, row->revision);
    xd_bind_int(query, row->status);
    xd_bind_int(query, row->cancel);
    xd_bind_int(query, row->stage);
    xd_bind_int(query, row->reroutes);
    xd_bind_int(query, row->whole);
    xd_bind_int(query, row->ack_by);
    xd_due_comes(query->database, XD_DUE_RELEASE, row->ack_by);
    xd_bind_int(query, row->updated_at);
}

static enum xd_result insert_release(struct xd_database *database, const struct xd_release_row *row,
                                     int64_t *n) {
    struct xd_query query;
    open_query(&query, database, RELEASE_ADD);
    xd_bind_text(&query, row->release_id);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->site);
    xd_bind_int(&query, row->number);
    xd_bind_int(&query, row->created_at);
    bind_progress(&query, row);
    enum xd_result result = xd_query_change(&query, XD_CONFLICT);
    *n = sqlite3_last_insert_rowid(database->handle);
    return result;
}

static void bind_line(struct xd_query *query, const struct xd_release_line_row *row) {
    xd_bind_text(query, row->sku);
    xd_bind_text(query, row->uom);
    xd_bind_int(query, row->factor_num);
    xd_bind_int(query, row->factor_den);
    xd_bind_decimal(query, row->qty);
    xd_bind_decimal(query, row->shipped);
    xd_bind_decimal(query, row->over);
    xd_bind_decimal(query, row->closed);
    xd_bind_decimal(query, row->asked);
    xd_bind_decimal(query, row->unwanted);
    xd_bind_int(query, row->answer);
    xd_bind_int(query, row->refused);
    xd_bind_int(query, row->told_num);
    xd_bind_int(query, row->told_den);
    xd_bind_decimal(query, row->claimed_open);
    xd_bind_decimal(query, row->claimed_cancelled);
    xd_bind_decimal(query, row->left_out);
}

static enum xd_result insert_line(void *context, int64_t n, int64_t number, const char *release_id,
                                  const struct xd_release_line_row *line) {
    struct xd_query query;
    open_query(&query, context, LINE_ADD);
    xd_bind_int(&query, n);
    xd_bind_int(&query, number);
    xd_bind_text(&query, line->line_id);
    bind_line(&query, line);
    enum xd_result result = xd_query_run(&query);
    return result == XD_CONFLICT /* that word is for the release itself */
               ? xd_database_say(context, XD_INVALID, "two lines of release %s have the id %s", release_id,
                                 line->line_id)
               : result;
}

static enum xd_result release_add(void *context, const struct xd_release_row *row,
                                  const struct xd_release_line_row *lines, size_t count) {
    int64_t n = 0;
    enum xd_result result = insert_release(context, row, &n);
    for (size_t i = 0; i < count && result == XD_OK; i++) {
        result = insert_line(context, n, (int64_t)i + 1, row->release_id, &lines[i]);
    }
    return result;
}

static enum xd_result release_get(void *context, const char *release_id, struct xd_release_row *out) {
    struct xd_query query;
    open_query(&query, context, RELEASE_GET);
    xd_bind_text(&query, release_id);
    if (xd_query_next(&query)) {
        take_release(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result release_save(void *context, const struct xd_release_row *row) {
    struct xd_query query;
    open_query(&query, context, RELEASE_SAVE);
    bind_progress(&query, row);
    xd_bind_text(&query, row->release_id);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result give_releases(struct xd_query *query, xd_release_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_release_row row;
        take_release(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result release_late(void *context, xd_ms before, size_t max, xd_release_fn each,
                                   void *each_context) {
    struct xd_query query;
    if (xd_due_is_none(context, XD_DUE_RELEASE, before)) {
        return XD_OK;
    }
    open_query(&query, context, RELEASE_LATE);
    xd_bind_int(&query, before);
    xd_bind_int(&query, (int64_t)max);
    enum xd_result result = give_releases(&query, each, each_context);
    return result == XD_OK && query.rows == 0 ? xd_due_look(context, XD_DUE_RELEASE) : result;
}

static enum xd_result release_lines(void *context, const char *release_id, xd_release_line_fn each,
                                    void *each_context) {
    struct xd_query query;
    open_query(&query, context, LINES);
    xd_bind_text(&query, release_id);
    while (xd_query_next(&query)) {
        struct xd_release_line_row row = {.line_id = ""};
        xd_take_text(&query, row.line_id, sizeof row.line_id);
        xd_take_text(&query, row.sku, sizeof row.sku);
        xd_take_text(&query, row.uom, sizeof row.uom);
        row.factor_num = xd_take_int(&query);
        row.factor_den = xd_take_int(&query);
        xd_take_decimal(&query, &row.qty);
        xd_take_decimal(&query, &row.shipped);
        xd_take_decimal(&query, &row.over);
        xd_take_decimal(&query, &row.closed);
        xd_take_decimal(&query, &row.asked);
        xd_take_decimal(&query, &row.unwanted);
        row.answer = (int)xd_take_int(&query);
        row.refused = xd_take_int(&query) != 0;
        row.told_num = xd_take_int(&query);
        row.told_den = xd_take_int(&query);
        xd_take_decimal(&query, &row.claimed_open);
        xd_take_decimal(&query, &row.claimed_cancelled);
        xd_take_decimal(&query, &row.left_out);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result release_line_save(void *context, const char *release_id,
                                        const struct xd_release_line_row *row) {
    struct xd_query query;
    open_query(&query, context, LINE_SAVE);
    bind_line(&query, row);
    xd_bind_text(&query, release_id);
    xd_bind_text(&query, row->line_id);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result release_line_add(void *context, const char *release_id,
                                       const struct xd_release_line_row *row) {
    struct xd_query query;
    int64_t n = 0, last = 0;
    open_query(&query, context, LINE_LAST);
    xd_bind_text(&query, release_id);
    if (xd_query_next(&query)) {
        n = xd_take_int(&query);
        last = xd_take_int(&query);
    }
    enum xd_result result = xd_query_close_one(&query);
    return result == XD_OK ? insert_line(context, n, last + 1, release_id, row) : result;
}

static enum xd_result release_of_order(void *context, const char *order_id, xd_release_fn each,
                                       void *each_context) {
    struct xd_query query;
    open_query(&query, context, RELEASE_OF_ORDER);
    xd_bind_text(&query, order_id);
    return give_releases(&query, each, each_context);
}

void xd_hub_releases_fill(struct xd_hub_store *out) {
    out->release_add = release_add;
    out->release_get = release_get;
    out->release_save = release_save;
    out->release_late = release_late;
    out->release_lines = release_lines;
    out->release_line_save = release_line_save;
    out->release_line_add = release_line_add;
    out->release_of_order = release_of_order;
}
