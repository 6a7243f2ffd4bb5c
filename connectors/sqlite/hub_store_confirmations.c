/* Confirmations as business: what became of each version of each. Bodies lie in a
 * table of their own, so that saving a state does not write them again and
 * reconciling does not read them. */
#include "sqlite/hub_store.h"

#include <string.h>

enum { PUT, PUT_BODY, SAVE, GET, BODY, LATEST, VERSIONS, SHIPMENT, WAITING, ALERT };

#define COLUMNS                                                                                              \
    "site, confirmation_id, version, hash, state, shipment_id, waits_for, lines_in, lines_applied, "         \
    "lines_parked,"                                                                                          \
    " lines_rejected, jobs_open, fate_version, base, alert_at, kind, received_at"
#define KEY "site = ? AND confirmation_id = ? AND version = ?"

static const char *const sql[] = {
    [PUT] =
        "INSERT INTO confirmation(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(site, confirmation_id, version) DO UPDATE SET hash = excluded.hash, state = "
        "excluded.state,"
        " shipment_id = excluded.shipment_id, waits_for = excluded.waits_for, lines_in = excluded.lines_in,"
        " lines_applied = excluded.lines_applied, lines_parked = excluded.lines_parked,"
        " lines_rejected = excluded.lines_rejected, jobs_open = excluded.jobs_open,"
        " fate_version = excluded.fate_version, base = excluded.base, alert_at = excluded.alert_at,"
        " kind = excluded.kind, received_at = excluded.received_at RETURNING n",
    [PUT_BODY] = "INSERT OR REPLACE INTO confirmation_body(n, checksum, body) VALUES(?, ?, ?)",
    [SAVE] =
        "UPDATE confirmation SET state = ?, shipment_id = ?, waits_for = ?, lines_in = ?, lines_applied = ?,"
        " lines_parked = ?, lines_rejected = ?, jobs_open = ?, fate_version = ?, base = ?, alert_at = ? "
        "WHERE " KEY,
    [GET] = "SELECT " COLUMNS " FROM confirmation WHERE " KEY,
    [BODY] =
        "SELECT checksum, body FROM confirmation_body WHERE n = (SELECT n FROM confirmation WHERE " KEY ")",
    [LATEST] = "SELECT version FROM confirmation WHERE site = ? AND confirmation_id = ? ORDER BY version "
               "DESC LIMIT 1",
    [VERSIONS] =
        "SELECT " COLUMNS " FROM confirmation WHERE site = ? AND confirmation_id = ? ORDER BY version",
    [SHIPMENT] = "SELECT " COLUMNS " FROM confirmation WHERE site = ? AND shipment_id = ? ORDER BY n LIMIT ?",
    [ALERT] =
        "SELECT " COLUMNS " FROM confirmation WHERE alert_at > 0 AND alert_at <= ? ORDER BY alert_at LIMIT ?",
    [WAITING] = "SELECT " COLUMNS
                " FROM confirmation WHERE waits_for = ? AND waits_for <> '' ORDER BY version, n LIMIT ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_CONFIRMATIONS, sql, which);
}

static void bind_key(struct xd_query *query, const char *site, const char *confirmation_id, int64_t version) {
    xd_bind_text(query, site);
    xd_bind_text(query, confirmation_id);
    xd_bind_int(query, version);
}

static void bind_state(struct xd_query *query, const struct xd_confirmation_row *row) {
    xd_bind_int(query, row->state);
    xd_bind_text(query, row->shipment_id);
    xd_bind_text(query, row->waits_for);
    xd_bind_int(query, row->lines_in);
    xd_bind_int(query, row->lines_applied);
    xd_bind_int(query, row->lines_parked);
    xd_bind_int(query, row->lines_rejected);
    xd_bind_int(query, row->jobs_open);
    xd_bind_int(query, row->fate_version);
    xd_bind_int(query, row->base != 0 ? row->base : row->version);
    xd_bind_int(query, row->alert_at);
    xd_due_comes(query->database, XD_DUE_CONFIRMATION, row->alert_at);
}

static void take_confirmation(struct xd_query *query, struct xd_confirmation_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_text(query, row->site, sizeof row->site);
    xd_take_text(query, row->confirmation_id, sizeof row->confirmation_id);
    row->version = xd_take_int(query);
    xd_take_hash(query, &row->hash);
    row->state = (int)xd_take_int(query);
    xd_take_text(query, row->shipment_id, sizeof row->shipment_id);
    xd_take_text(query, row->waits_for, sizeof row->waits_for);
    row->lines_in = xd_take_int(query);
    row->lines_applied = xd_take_int(query);
    row->lines_parked = xd_take_int(query);
    row->lines_rejected = xd_take_int(query);
    row->jobs_open = xd_take_int(query);
    row->fate_version = xd_take_int(query);
    row->base = xd_take_int(query);
    row->alert_at = xd_take_int(query);
    row->kind = (int)xd_take_int(query);
    row->received_at = xd_take_int(query);
}

static enum xd_result confirmation_put(void *context, const struct xd_confirmation_row *row) {
    int64_t n = 0;
    struct xd_query query;
    open_query(&query, context, PUT);
    bind_key(&query, row->site, row->confirmation_id, row->version);
    xd_bind_hash(&query, &row->hash);
    bind_state(&query, row);
    xd_bind_int(&query, row->kind);
    xd_bind_int(&query, row->received_at);
    if (xd_query_next(&query)) {
        n = xd_take_int(&query);
        (void)xd_query_next(&query); /* to its end, or nothing of it would last */
    }
    enum xd_result result = xd_query_close(&query);
    if (result != XD_OK) {
        return result;
    }
    open_query(&query, context, PUT_BODY);
    xd_bind_int(&query, n);
    xd_bind_body(&query, row->body);
    return xd_query_run(&query);
}

static enum xd_result confirmation_save(void *context, const struct xd_confirmation_row *row) {
    struct xd_query query;
    open_query(&query, context, SAVE);
    bind_state(&query, row);
    bind_key(&query, row->site, row->confirmation_id, row->version);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result confirmation_get(void *context, const char *site, const char *confirmation_id,
                                       int64_t version, struct xd_confirmation_row *out) {
    struct xd_query query;
    open_query(&query, context, GET);
    bind_key(&query, site, confirmation_id, version);
    if (xd_query_next(&query)) {
        take_confirmation(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result confirmation_body(void *context, const char *site, const char *confirmation_id,
                                        int64_t version, struct xd_buffer *out) {
    struct xd_query query;
    open_query(&query, context, BODY);
    bind_key(&query, site, confirmation_id, version);
    if (xd_query_next(&query)) {
        struct xd_bytes body = xd_take_body(&query);
        if (query.result == XD_OK) {
            xd_buffer_add(out, body.data, body.size);
            query.result = xd_buffer_result(out);
        }
    }
    return xd_query_close_one(&query);
}

static enum xd_result confirmation_latest(void *context, const char *site, const char *confirmation_id,
                                          int64_t *version) {
    struct xd_query query;
    open_query(&query, context, LATEST);
    xd_bind_text(&query, site);
    xd_bind_text(&query, confirmation_id);
    if (xd_query_next(&query)) {
        *version = xd_take_int(&query);
    }
    return xd_query_close_one(&query);
}

static enum xd_result each_row(struct xd_query *query, xd_confirmation_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_confirmation_row row;
        take_confirmation(query, &row);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result confirmation_waiting(void *context, const char *release_id, size_t max,
                                           xd_confirmation_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, WAITING);
    xd_bind_text(&query, release_id);
    xd_bind_int(&query, (int64_t)max);
    return each_row(&query, each, each_context);
}

static enum xd_result confirmation_versions(void *context, const char *site, const char *confirmation_id,
                                            xd_confirmation_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, VERSIONS);
    xd_bind_text(&query, site);
    xd_bind_text(&query, confirmation_id);
    return each_row(&query, each, each_context);
}

static enum xd_result confirmation_of_shipment(void *context, const char *site, const char *shipment_id,
                                               size_t max, xd_confirmation_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, SHIPMENT);
    xd_bind_text(&query, site);
    xd_bind_text(&query, shipment_id);
    xd_bind_int(&query, (int64_t)max);
    return each_row(&query, each, each_context);
}

static enum xd_result confirmation_alert(void *context, xd_ms before, size_t max, xd_confirmation_fn each,
                                         void *each_context) {
    struct xd_query query;
    if (xd_due_is_none(context, XD_DUE_CONFIRMATION, before)) {
        return XD_OK;
    }
    open_query(&query, context, ALERT);
    xd_bind_int(&query, before);
    xd_bind_int(&query, (int64_t)max);
    enum xd_result result = each_row(&query, each, each_context);
    return result == XD_OK && query.rows == 0 ? xd_due_look(context, XD_DUE_CONFIRMATION) : result;
}

void xd_hub_confirmations_fill(struct xd_hub_store *out) {
    out->confirmation_put = confirmation_put;
    out->confirmation_save = confirmation_save;
    out->confirmation_get = confirmation_get;
    out->confirmation_body = confirmation_body;
    out->confirmation_latest = confirmation_latest;
    out->confirmation_waiting = confirmation_waiting;
    out->confirmation_versions = confirmation_versions;
    out->confirmation_of_shipment = confirmation_of_shipment;
    out->confirmation_alert = confirmation_alert;
}
