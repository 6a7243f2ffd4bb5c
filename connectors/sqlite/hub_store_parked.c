/* Lines of confirmations that are parked, and what confirmations did to remainders. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    PARK,
    PARKED,
    PARKED_BY,
    PARKED_FOR,
    UNPARK,
    UNPARK_ALL,
    ADD,
    EACH,
    DROP,
    AWAITING,
    SERVED,
    EDIT_ADD,
    EDITS
};

#define COLUMNS "site, confirmation_id, version, line, code, exception, waits_for"
#define KEY "site = ? AND confirmation_id = ? AND version = ?"

static const char *const sql[] = {
    [PARK] = "INSERT INTO parked_line(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [PARKED] = "SELECT " COLUMNS " FROM parked_line WHERE " KEY " ORDER BY line",
    [PARKED_BY] = "SELECT " COLUMNS " FROM parked_line WHERE exception = ?",
    [PARKED_FOR] = "SELECT " COLUMNS " FROM parked_line WHERE waits_for = ? AND waits_for <> ''"
                   " ORDER BY site, confirmation_id, version, line LIMIT ?",
    [UNPARK] = "DELETE FROM parked_line WHERE " KEY " AND line = ?",
    [UNPARK_ALL] = "DELETE FROM parked_line WHERE " KEY,
    [ADD] = "INSERT INTO remainder(site, confirmation_id, version, release_id, line_id, opened, cancelled,"
            " factor_num, factor_den, awaits) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [EACH] = "SELECT release_id, line_id, opened, cancelled, factor_num, factor_den, awaits FROM remainder"
             " WHERE " KEY " ORDER BY n",
    [DROP] = "DELETE FROM remainder WHERE " KEY,
    [AWAITING] = "SELECT site, confirmation_id, version, release_id, line_id, awaits FROM remainder"
                 " WHERE release_id = ? AND awaits <> 0 ORDER BY n",
    [SERVED] = "DELETE FROM remainder WHERE " KEY " AND release_id = ? AND line_id = ? AND awaits <> 0",
    [EDIT_ADD] = "INSERT INTO edit(exception, at, by, reason, before_checksum, before, after_checksum, after)"
                 " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [EDITS] = "SELECT at, by, reason, before_checksum, before, after_checksum, after FROM edit"
              " WHERE exception = ? ORDER BY n",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_PARKED, sql, which);
}

static void bind_key(struct xd_query *query, const char *site, const char *confirmation_id, int64_t version) {
    xd_bind_text(query, site);
    xd_bind_text(query, confirmation_id);
    xd_bind_int(query, version);
}

/* ---- parked lines ---- */

static void take_line(struct xd_query *query, struct xd_parked_line_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->confirmation_id, sizeof row->confirmation_id);
    row->version = xd_take_int(query);
    row->line = xd_take_int(query);
    xd_take_text(query, row->code, sizeof row->code);
    xd_take_text(query, row->exception, sizeof row->exception);
    xd_take_text(query, row->waits_for, sizeof row->waits_for);
}

static enum xd_result each_line(struct xd_query *query, xd_parked_line_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_parked_line_row row;
        take_line(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result park(void *context, const struct xd_parked_line_row *row) {
    struct xd_query query;
    open_query(&query, context, PARK);
    bind_key(&query, row->site, row->confirmation_id, row->version);
    xd_bind_int(&query, row->line);
    xd_bind_text(&query, row->code);
    xd_bind_text(&query, row->exception);
    xd_bind_text(&query, row->waits_for);
    return xd_query_change(&query, XD_CONFLICT);
}

static enum xd_result parked(void *context, const char *site, const char *confirmation_id, int64_t version,
                             xd_parked_line_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, PARKED);
    bind_key(&query, site, confirmation_id, version);
    return each_line(&query, each, each_context);
}

static enum xd_result parked_by(void *context, const char *exception, struct xd_parked_line_row *out) {
    struct xd_query query;
    open_query(&query, context, PARKED_BY);
    xd_bind_text(&query, exception);
    if (xd_query_next(&query)) {
        take_line(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result parked_for(void *context, const char *waits_for, size_t max, xd_parked_line_fn each,
                                 void *each_context) {
    struct xd_query query;
    open_query(&query, context, PARKED_FOR);
    xd_bind_text(&query, waits_for);
    xd_bind_int(&query, (int64_t)max);
    return each_line(&query, each, each_context);
}

static enum xd_result unpark(void *context, const char *site, const char *confirmation_id, int64_t version,
                             int64_t line) {
    struct xd_query query;
    open_query(&query, context, line < 0 ? UNPARK_ALL : UNPARK);
    bind_key(&query, site, confirmation_id, version);
    if (line >= 0) {
        xd_bind_int(&query, line);
    }
    return xd_query_run(&query);
}

/* ---- remainders ---- */

static enum xd_result remainder_add(void *context, const char *site, const char *confirmation_id,
                                    int64_t version, const struct xd_remainder_row *row) {
    struct xd_query query;
    open_query(&query, context, ADD);
    bind_key(&query, site, confirmation_id, version);
    xd_bind_text(&query, row->release_id);
    xd_bind_text(&query, row->line_id);
    xd_bind_decimal(&query, row->opened);
    xd_bind_decimal(&query, row->cancelled);
    xd_bind_int(&query, row->factor_num);
    xd_bind_int(&query, row->factor_den);
    xd_bind_int(&query, row->awaits);
    return xd_query_run(&query);
}

static enum xd_result remainder_each(void *context, const char *site, const char *confirmation_id,
                                     int64_t version, xd_remainder_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, EACH);
    bind_key(&query, site, confirmation_id, version);
    while (xd_query_next(&query)) {
        struct xd_remainder_row row = {.release_id = ""};
        xd_take_text(&query, row.release_id, sizeof row.release_id);
        xd_take_text(&query, row.line_id, sizeof row.line_id);
        xd_take_decimal(&query, &row.opened);
        xd_take_decimal(&query, &row.cancelled);
        row.factor_num = xd_take_int(&query);
        row.factor_den = xd_take_int(&query);
        row.awaits = (int)xd_take_int(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result remainder_drop(void *context, const char *site, const char *confirmation_id,
                                     int64_t version) {
    struct xd_query query;
    open_query(&query, context, DROP);
    bind_key(&query, site, confirmation_id, version);
    return xd_query_run(&query);
}

static enum xd_result remainder_awaiting(void *context, const char *release_id, xd_awaiting_fn each,
                                         void *each_context) {
    struct xd_query query;
    open_query(&query, context, AWAITING);
    xd_bind_text(&query, release_id);
    while (xd_query_next(&query)) {
        struct xd_awaiting_row row = {.site = ""};
        xd_take_text(&query, row.site, sizeof row.site);
        xd_take_text(&query, row.confirmation_id, sizeof row.confirmation_id);
        row.version = xd_take_int(&query);
        xd_take_text(&query, row.release_id, sizeof row.release_id);
        xd_take_text(&query, row.line_id, sizeof row.line_id);
        row.awaits = (int)xd_take_int(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result remainder_served(void *context, const struct xd_awaiting_row *row) {
    struct xd_query query;
    open_query(&query, context, SERVED);
    bind_key(&query, row->site, row->confirmation_id, row->version);
    xd_bind_text(&query, row->release_id);
    xd_bind_text(&query, row->line_id);
    return xd_query_run(&query);
}

/* ---- edits ---- */

static enum xd_result edit_add(void *context, const struct xd_edit_row *row) {
    struct xd_query query;
    open_query(&query, context, EDIT_ADD);
    xd_bind_text(&query, row->exception);
    xd_bind_int(&query, row->at);
    xd_bind_text(&query, row->by);
    xd_bind_text(&query, row->reason);
    xd_bind_body(&query, row->before);
    xd_bind_body(&query, row->after);
    return xd_query_run(&query);
}

static enum xd_result edit_each(void *context, const char *exception, xd_edit_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, EDITS);
    xd_bind_text(&query, exception);
    while (xd_query_next(&query)) {
        struct xd_edit_row row = {.exception = exception};
        row.at = xd_take_int(&query);
        row.by = xd_take_view(&query);
        row.reason = xd_take_view(&query);
        row.before = xd_take_body(&query);
        row.after = xd_take_body(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

void xd_hub_parked_fill(struct xd_hub_store *out) {
    out->confirmations = (struct xd_confirmation_store){.park = park,
                                                        .parked = parked,
                                                        .parked_by = parked_by,
                                                        .parked_for = parked_for,
                                                        .unpark = unpark,
                                                        .remainder_add = remainder_add,
                                                        .remainder_each = remainder_each,
                                                        .edit_add = edit_add,
                                                        .edit_each = edit_each,
                                                        .remainder_awaiting = remainder_awaiting,
                                                        .remainder_served = remainder_served,
                                                        .remainder_drop = remainder_drop};
}
