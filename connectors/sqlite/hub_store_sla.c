/* Deadlines of orders. The partial index holds only those of which something is still to be
 * told, in the order in which that is due. */
#include "sqlite/hub_store.h"

#include <string.h>

enum { PUT, DROP, OF_ORDER, DUE, ANY };

#define COLUMNS "order_id, promise, stage, at, due"

static const char *const sql[] = {
    [PUT] = "INSERT INTO deadline(" COLUMNS ") VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " stage = excluded.stage, at = excluded.at, due = excluded.due",
    [DROP] = "DELETE FROM deadline WHERE order_id = ? AND promise = ?",
    [OF_ORDER] = "SELECT " COLUMNS " FROM deadline WHERE order_id = ? ORDER BY promise",
    [DUE] = "SELECT " COLUMNS " FROM deadline WHERE at > 0 AND at <= ? ORDER BY at LIMIT ?",
    [ANY] = "SELECT 1 FROM deadline LIMIT 1",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_SLA, sql, which);
}

static enum xd_result each_row(struct xd_query *query, xd_deadline_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_deadline_row row = {.order_id = ""};
        xd_take_text(query, row.order_id, sizeof row.order_id);
        row.promise = (int)xd_take_int(query);
        row.stage = (int)xd_take_int(query);
        row.at = xd_take_int(query);
        row.due = xd_take_int(query);
        if (query->result == XD_OK && (row.promise < 0 || row.promise >= XD_PROMISE_COUNT || row.stage < 0 ||
                                       row.stage >= XD_DEADLINE_STAGE_COUNT)) {
            query->result = xd_database_say(query->database, XD_CORRUPT, "a deadline of no promise");
        }
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result put(void *context, const struct xd_deadline_row *row) {
    struct xd_query query;
    open_query(&query, context, PUT);
    xd_bind_text(&query, row->order_id);
    xd_bind_int(&query, row->promise);
    xd_bind_int(&query, row->stage);
    xd_bind_int(&query, row->at);
    xd_bind_int(&query, row->due);
    return xd_query_run(&query);
}

static enum xd_result drop(void *context, const char *order_id, int promise) {
    struct xd_query query;
    open_query(&query, context, DROP);
    xd_bind_text(&query, order_id);
    xd_bind_int(&query, promise);
    return xd_query_run(&query);
}

static enum xd_result of_order(void *context, const char *order_id, xd_deadline_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, OF_ORDER);
    xd_bind_text(&query, order_id);
    return each_row(&query, each, each_context);
}

static enum xd_result due(void *context, xd_ms now, size_t max, xd_deadline_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, DUE);
    xd_bind_int(&query, now);
    xd_bind_int(&query, (int64_t)max);
    return each_row(&query, each, each_context);
}

static enum xd_result any(void *context, bool *found) {
    struct xd_query query;
    open_query(&query, context, ANY);
    *found = xd_query_next(&query);
    return xd_query_close(&query);
}

void xd_hub_sla_fill(struct xd_hub_store *out) {
    out->sla = (struct xd_sla_store){
        .put = put,
        .drop = drop,
        .of_order = of_order,
        .due = due,
        .any = any,
    };
}
