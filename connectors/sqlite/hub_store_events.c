/* The log of lifecycle events, and who subscribed to it. The log is a tree by n:
 * appended at its right edge, cut at its left one in batches. */
#include "sqlite/hub_store.h"

#include <string.h>

enum { ADD, LAST, FIRST, LIST, COUNT_AFTER, FROM, OLD, DROP, PUT, EACH, REMOVE };

#define SUBSCRIPTION                                                                                         \
    "id, tenant, url, types, secret, enabled, position, created_at, delivered_at, failing_since, failures, " \
    "detail"

static const char *const sql[] = {
    [ADD] = "INSERT INTO event(n, id, order_id, tenant, channel, type, at, checksum, body)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [LAST] = "SELECT max(n) FROM event",
    [FIRST] = "SELECT min(n) FROM event",
    [LIST] = "SELECT n, id, order_id, tenant, channel, type, at, checksum, body FROM event WHERE n > ?"
             " ORDER BY n LIMIT ?",
    [COUNT_AFTER] = "SELECT count(*) FROM (SELECT n FROM event WHERE n > ? LIMIT ?)",
    [FROM] = "SELECT n, at FROM event WHERE n >= ? ORDER BY n LIMIT 1",
    /* Most of the time the first is not old yet, and then no other is looked at. */
    [OLD] =
        "SELECT CASE WHEN (SELECT at FROM event ORDER BY n LIMIT 1) < ?2 THEN"
        " (SELECT max(n) FROM (SELECT n, at FROM event ORDER BY n LIMIT ?3) WHERE n <= ?1 AND at < ?2) END",
    [DROP] = "DELETE FROM event WHERE n <= ?",
    [PUT] =
        "INSERT INTO subscription(" SUBSCRIPTION ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(id) DO UPDATE SET tenant = excluded.tenant, url = excluded.url, types = excluded.types,"
        " secret = excluded.secret, enabled = excluded.enabled, position = excluded.position,"
        " created_at = excluded.created_at, delivered_at = excluded.delivered_at,"
        " failing_since = excluded.failing_since, failures = excluded.failures, detail = excluded.detail",
    [EACH] = "SELECT " SUBSCRIPTION " FROM subscription ORDER BY id",
    [REMOVE] = "DELETE FROM subscription WHERE id = ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_EVENTS, sql, which);
}

/* ---- events ---- */

static enum xd_result event_add(void *context, const struct xd_event_row *row) {
    struct xd_query query;
    open_query(&query, context, ADD);
    xd_bind_int(&query, row->n);
    xd_bind_text(&query, row->id);
    xd_bind_text(&query, row->order_id);
    xd_bind_text(&query, row->tenant);
    xd_bind_text(&query, row->channel);
    xd_bind_text(&query, row->type);
    xd_bind_int(&query, row->at);
    xd_bind_body(&query, row->body);
    return xd_query_change(&query, XD_CONFLICT);
}

/* The first column, 0 for NULL. */
static enum xd_result number_of(struct xd_query *query, int64_t *out) {
    *out = xd_query_next(query) ? xd_take_int(query) : 0;
    return xd_query_close(query);
}

static enum xd_result event_last(void *context, int64_t *n) {
    struct xd_query query;
    open_query(&query, context, LAST);
    return number_of(&query, n);
}

static enum xd_result event_list(void *context, int64_t after, size_t max, xd_event_fn each,
                                 void *each_context) {
    struct xd_query query;
    open_query(&query, context, LIST);
    xd_bind_int(&query, after);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_event_row row;
        row.n = xd_take_int(&query);
        xd_take_text(&query, row.id, sizeof row.id);
        xd_take_text(&query, row.order_id, sizeof row.order_id);
        xd_take_text(&query, row.tenant, sizeof row.tenant);
        xd_take_text(&query, row.channel, sizeof row.channel);
        xd_take_text(&query, row.type, sizeof row.type);
        row.at = xd_take_int(&query);
        row.body = xd_take_body(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result event_count_after(void *context, int64_t after, int64_t max, int64_t *count) {
    struct xd_query query;
    open_query(&query, context, COUNT_AFTER);
    xd_bind_int(&query, after);
    xd_bind_int(&query, max);
    return number_of(&query, count);
}

/* The first event with n or more. XD_NOT_FOUND. */
static enum xd_result event_from(void *context, int64_t n, int64_t *found, xd_ms *at) {
    struct xd_query query;
    open_query(&query, context, FROM);
    xd_bind_int(&query, n);
    if (xd_query_next(&query)) {
        *found = xd_take_int(&query);
        *at = xd_take_int(&query);
    }
    return xd_query_close_one(&query);
}

/* By halves over n, for times have no index: at most 63 looks. low is before the event, high at or behind it.
 */
static enum xd_result event_since(void *context, xd_ms at, int64_t *n) {
    struct xd_query query;
    int64_t low = 0, high = 0, found = 0;
    xd_ms found_at = 0;
    open_query(&query, context, FIRST);
    enum xd_result result = number_of(&query, &low);
    if (result == XD_OK) {
        result = event_last(context, &high);
    }
    if (result != XD_OK || high == 0) {
        return result != XD_OK ? result : XD_NOT_FOUND;
    }
    result = event_from(context, high, &found, &found_at);
    if (result != XD_OK || found_at < at) {
        return result != XD_OK ? result : XD_NOT_FOUND;
    }
    while (low < high && result == XD_OK) {
        int64_t middle = low + (high - low) / 2;
        result = event_from(context, middle, &found, &found_at);
        if (found_at < at) {
            low = found + 1;
        } else {
            high = middle;
        }
    }
    if (result == XD_OK) {
        result = event_from(context, high, n, &found_at);
    }
    return result;
}

static enum xd_result event_drop(void *context, int64_t upto, xd_ms before, size_t max, int64_t *floor) {
    struct xd_query query;
    open_query(&query, context, OLD);
    xd_bind_int(&query, upto);
    xd_bind_int(&query, before);
    xd_bind_int(&query, (int64_t)max);
    enum xd_result result = number_of(&query, floor);
    if (result != XD_OK || *floor == 0) {
        return result;
    }
    open_query(&query, context, DROP);
    xd_bind_int(&query, *floor);
    return xd_query_run(&query);
}

/* ---- subscriptions ---- */

static enum xd_result subscription_put(void *context, const struct xd_subscription_row *row) {
    struct xd_query query;
    open_query(&query, context, PUT);
    xd_bind_text(&query, row->id);
    xd_bind_text(&query, row->tenant);
    xd_bind_text(&query, row->url);
    xd_bind_text(&query, row->types);
    xd_bind_bytes(&query, xd_bytes_of(row->secret, row->secret_size));
    xd_bind_int(&query, row->enabled);
    xd_bind_int(&query, row->position);
    xd_bind_int(&query, row->created_at);
    xd_bind_int(&query, row->delivered_at);
    xd_bind_int(&query, row->failing_since);
    xd_bind_int(&query, row->failures);
    xd_bind_text(&query, row->detail);
    return xd_query_run(&query);
}

static void take_secret(struct xd_query *query, struct xd_subscription_row *row) {
    struct xd_bytes secret = xd_take_bytes(query);
    if (secret.size > sizeof row->secret) {
        query->result =
            xd_database_say(query->database, XD_CORRUPT, "a subscription's secret of %zu bytes", secret.size);
    } else if (secret.size > 0) {
        memcpy(row->secret, secret.data, secret.size);
        row->secret_size = secret.size;
    }
}

static enum xd_result subscription_each(void *context, xd_subscription_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, EACH);
    while (xd_query_next(&query)) {
        struct xd_subscription_row row = {.id = ""};
        xd_take_text(&query, row.id, sizeof row.id);
        xd_take_text(&query, row.tenant, sizeof row.tenant);
        xd_take_text(&query, row.url, sizeof row.url);
        xd_take_text(&query, row.types, sizeof row.types);
        take_secret(&query, &row);
        row.enabled = xd_take_int(&query) != 0;
        row.position = xd_take_int(&query);
        row.created_at = xd_take_int(&query);
        row.delivered_at = xd_take_int(&query);
        row.failing_since = xd_take_int(&query);
        row.failures = xd_take_int(&query);
        xd_take_text(&query, row.detail, sizeof row.detail);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result subscription_remove(void *context, const char *id) {
    struct xd_query query;
    open_query(&query, context, REMOVE);
    xd_bind_text(&query, id);
    return xd_query_change(&query, XD_NOT_FOUND);
}

void xd_hub_events_fill(struct xd_hub_store *out) {
    out->events = (struct xd_event_store){.context = out->context,
                                          .add = event_add,
                                          .last = event_last,
                                          .list = event_list,
                                          .count_after = event_count_after,
                                          .since = event_since,
                                          .drop = event_drop,
                                          .subscription_put = subscription_put,
                                          .subscription_each = subscription_each,
                                          .subscription_remove = subscription_remove};
}
