/* Exceptions: what a person has to look at. Partial indexes hold the open ones
 * only, and the work with orders uses no others; closed ones stay for good. They are
 * found by their order, code or site for people who look back. */
#include "sqlite/hub_store.h"

#include <string.h>

enum {
    ADD,
    GET,
    CLOSE,
    CLOSE_ORDER,
    CLOSE_ONE,
    OF_DOCUMENT,
    OF_ORDER,
    PLACE,
    OPEN,
    OPEN_OF_ORDER,
    ALL,
    ALL_OF_ORDER,
    ALL_OF_CODE,
    ALL_OF_SITE
};

#define COLUMNS                                                                                              \
    "id, code, open, site, order_id, release_id, line_id, kind, document_id, version, qty, detail, "         \
    "raised_at,"                                                                                             \
    " resolved_at, resolved_by, action, reason"

#define CLOSES                                                                                               \
    "UPDATE exception SET open = 0, resolved_at = ?1, resolved_by = ?2, action = ?3, reason = ?4 WHERE "     \
    "open = 1"

#define LIST(index, condition)                                                                               \
    "SELECT " COLUMNS " FROM exception " index " WHERE " condition                                           \
    " AND n > ?1 AND (?2 IS NULL OR order_id = ?2) AND (?3 IS NULL OR code = ?3)"                            \
    " AND (?4 IS NULL OR site = ?4) ORDER BY n LIMIT ?5"

static const char *const sql[] = {
    [ADD] = "INSERT INTO exception(" COLUMNS
            ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [CLOSE] = CLOSES " AND document_id = ?5 AND site = ?6 AND kind = ?7 AND version = ?8"
                     " AND (?9 IS NULL OR code = ?9)",
    [GET] = "SELECT " COLUMNS " FROM exception WHERE id = ?",
    [CLOSE_ORDER] = CLOSES " AND order_id = ?5 AND code = ?6",
    [CLOSE_ONE] = CLOSES " AND id = ?5",
    [OF_DOCUMENT] = "SELECT " COLUMNS " FROM exception WHERE open = 1 AND document_id = ?1 AND site = ?2"
                    " AND kind = ?3 AND version = ?4 AND (?5 IS NULL OR code = ?5) ORDER BY n",
    [OF_ORDER] =
        "SELECT " COLUMNS " FROM exception WHERE open = 1 AND order_id = ?1 AND code = ?2 ORDER BY n",
    [PLACE] = "SELECT n FROM exception WHERE id = ?",
    [OPEN] = LIST("INDEXED BY exception_open", "open = 1"),
    [OPEN_OF_ORDER] = LIST("INDEXED BY exception_order", "open = 1 AND order_id = ?2"),
    [ALL] = LIST("NOT INDEXED", "1"),
    [ALL_OF_ORDER] = LIST("INDEXED BY exception_of_order", "order_id = ?2"),
    [ALL_OF_CODE] = LIST("INDEXED BY exception_of_code", "code = ?3"),
    [ALL_OF_SITE] = LIST("INDEXED BY exception_of_site", "site = ?4"),
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_EXCEPTIONS, sql, which);
}

static enum xd_result exception_add(void *context, const struct xd_exception_row *row) {
    struct xd_query query;
    open_query(&query, context, ADD);
    xd_bind_text(&query, row->id);
    xd_bind_text(&query, row->code);
    xd_bind_int(&query, row->open);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->release_id);
    xd_bind_text(&query, row->line_id);
    xd_bind_int(&query, row->kind);
    xd_bind_text(&query, row->document_id);
    xd_bind_int(&query, row->version);
    xd_bind_decimal(&query, row->qty);
    xd_bind_text(&query, row->detail);
    xd_bind_int(&query, row->raised_at);
    xd_bind_int(&query, row->resolved_at);
    xd_bind_text(&query, row->by);
    xd_bind_text(&query, row->action);
    xd_bind_text(&query, row->reason);
    enum xd_result result = xd_query_change(&query, XD_CONFLICT);
    if (result == XD_OK && row->open) {
        result = xd_counter_add(context, XD_COUNTER_EXCEPTIONS, 0, "", 1);
    }
    return result;
}

static enum xd_result close_and_count(struct xd_query *query) {
    struct xd_database *database = query->database;
    enum xd_result result = xd_query_run(query);
    int64_t closed = result == XD_OK ? sqlite3_changes(database->handle) : 0;
    return closed > 0 ? xd_counter_add(database, XD_COUNTER_EXCEPTIONS, 0, "", -closed) : result;
}

static void open_closing(struct xd_query *query, void *context, int which, const struct xd_word *word,
                         xd_ms at) {
    open_query(query, context, which);
    xd_bind_int(query, at);
    xd_bind_text(query, word->by != NULL ? word->by : "");
    xd_bind_text(query, word->action != NULL ? word->action : "");
    xd_bind_text(query, word->reason != NULL ? word->reason : "");
}

static enum xd_result exception_close(void *context, const char *site, enum xd_kind kind,
                                      const char *document_id, int64_t version, const char *code,
                                      const struct xd_word *word, xd_ms at) {
    struct xd_query query;
    open_closing(&query, context, CLOSE, word, at);
    xd_bind_text(&query, document_id);
    xd_bind_text(&query, site);
    xd_bind_int(&query, kind);
    xd_bind_int(&query, version);
    xd_bind_text(&query, code);
    return close_and_count(&query);
}

static enum xd_result exception_close_order(void *context, const char *order_id, const char *code,
                                            const struct xd_word *word, xd_ms at) {
    struct xd_query query;
    open_closing(&query, context, CLOSE_ORDER, word, at);
    xd_bind_text(&query, order_id);
    xd_bind_text(&query, code);
    return close_and_count(&query);
}

static enum xd_result exception_close_one(void *context, const char *id, const struct xd_word *word,
                                          xd_ms at) {
    struct xd_query query;
    open_closing(&query, context, CLOSE_ONE, word, at);
    xd_bind_text(&query, id);
    return close_and_count(&query);
}

static enum xd_result place_of(void *context, const char *id, int64_t *n) {
    *n = 0;
    if (id[0] == '\0') {
        return XD_OK;
    }
    struct xd_query query;
    open_query(&query, context, PLACE);
    xd_bind_text(&query, id);
    if (xd_query_next(&query)) {
        *n = xd_take_int(&query);
    }
    return xd_query_close_one(&query);
}

static void take_exception(struct xd_query *query, struct xd_exception_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->id, sizeof row->id);
    xd_take_text(query, row->code, sizeof row->code);
    row->open = xd_take_int(query) != 0;
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->order_id, sizeof row->order_id);
    xd_take_text(query, row->release_id, sizeof row->release_id);
    xd_take_text(query, row->line_id, sizeof row->line_id);
    row->kind = (enum xd_kind)xd_take_int(query);
    xd_take_text(query, row->document_id, sizeof row->document_id);
    row->version = xd_take_int(query);
    xd_take_decimal(query, &row->qty);
    xd_take_text(query, row->detail, sizeof row->detail);
    row->raised_at = xd_take_int(query);
    row->resolved_at = xd_take_int(query);
    xd_take_text(query, row->by, sizeof row->by);
    xd_take_text(query, row->action, sizeof row->action);
    xd_take_text(query, row->reason, sizeof row->reason);
}

static enum xd_result exception_get(void *context, const char *id, struct xd_exception_row *out) {
    struct xd_query query;
    open_query(&query, context, GET);
    xd_bind_text(&query, id);
    if (xd_query_next(&query)) {
        take_exception(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result list(struct xd_query *query, xd_exception_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_exception_row row;
        take_exception(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result exception_of_document(void *context, const char *site, enum xd_kind kind,
                                            const char *document_id, int64_t version, const char *code,
                                            xd_exception_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, OF_DOCUMENT);
    xd_bind_text(&query, document_id);
    xd_bind_text(&query, site);
    xd_bind_int(&query, kind);
    xd_bind_int(&query, version);
    xd_bind_text(&query, code);
    return list(&query, each, each_context);
}

static enum xd_result exception_of_order(void *context, const char *order_id, const char *code,
                                         xd_exception_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, OF_ORDER);
    xd_bind_text(&query, order_id);
    xd_bind_text(&query, code);
    return list(&query, each, each_context);
}

static int list_for(const struct xd_exception_filter *filter) {
    if (filter->open_only) {
        return filter->order_id != NULL ? OPEN_OF_ORDER : OPEN;
    }
    return filter->order_id != NULL ? ALL_OF_ORDER
           : filter->code != NULL   ? ALL_OF_CODE
           : filter->site != NULL   ? ALL_OF_SITE
                                    : ALL;
}

static enum xd_result exception_list(void *context, const struct xd_exception_filter *filter,
                                     const char *after, size_t max, xd_exception_fn each,
                                     void *each_context) {
    int64_t n = 0;
    enum xd_result result = place_of(context, after, &n);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, list_for(filter));
    xd_bind_int(&query, n);
    xd_bind_text(&query, filter->order_id);
    xd_bind_text(&query, filter->code);
    xd_bind_text(&query, filter->site);
    xd_bind_int(&query, (int64_t)max);
    return list(&query, each, each_context);
}

static enum xd_result exception_count(void *context, int64_t *open) {
    return xd_counter_get(context, XD_COUNTER_EXCEPTIONS, 0, NULL, open);
}

void xd_hub_exceptions_fill(struct xd_hub_store *out) {
    out->exception_add = exception_add;
    out->exception_get = exception_get;
    out->exception_close = exception_close;
    out->exception_close_order = exception_close_order;
    out->exception_close_one = exception_close_one;
    out->exception_of_document = exception_of_document;
    out->exception_of_order = exception_of_order;
    out->exception_list = exception_list;
    out->exception_count = exception_count;
}
