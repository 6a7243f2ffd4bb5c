/* The hub's store: sites and idempotency keys, and the putting together
 * of the parts in hub_store_*.c.
 *
 * A function that writes several rows does not undo the first when a later one
 * fails: each event of a turn has its savepoint, and that undoes them all. */
#include "sqlite/hub_store.h"

#include <string.h>

enum { SITE_PUT, SITE_EACH, SITE_SEEN, KEY_ADD, KEY_GET, KEY_OLD, KEY_DROP };

static const char *const sql[] = {
    [SITE_PUT] = "INSERT INTO site(site, kind, user, password_hash, kid, secret, added_at, last_seen, status)"
                 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind,"
                 " user = excluded.user, password_hash = excluded.password_hash, kid = excluded.kid,"
                 " secret = excluded.secret, added_at = excluded.added_at, last_seen = excluded.last_seen,"
                 " status = excluded.status",
    [SITE_EACH] = "SELECT site, kind, user, password_hash, kid, secret, added_at, last_seen, status FROM site"
                  " ORDER BY site",
    [SITE_SEEN] = "UPDATE site SET last_seen = ?, status = coalesce(?, status) WHERE site = ?",
    [KEY_ADD] =
        "INSERT INTO idempotency(tenant, client, key, fingerprint, order_id, at) VALUES(?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
    [KEY_GET] = "SELECT fingerprint, order_id FROM idempotency WHERE tenant = ? AND client = ? AND key = ?",
    [KEY_OLD] = "SELECT 1 FROM idempotency WHERE at < ? LIMIT 1",
    [KEY_DROP] =
        "DELETE FROM idempotency WHERE (tenant, client, key) IN (SELECT tenant, client, key FROM idempotency"
        " WHERE at < ? ORDER BY at LIMIT ?)",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_HUB, sql, which);
}

/* ---- sites ---- */

static enum xd_result site_put(void *context, const struct xd_site_row *row) {
    struct xd_query query;
    open_query(&query, context, SITE_PUT);
    xd_bind_text(&query, row->site);
    xd_bind_text(&query, row->kind);
    xd_bind_text(&query, row->user);
    xd_bind_text(&query, row->password_hash);
    xd_bind_text(&query, row->key.kid);
    xd_bind_bytes(&query, xd_bytes_of(row->key.secret, row->key.secret_size));
    xd_bind_int(&query, row->added_at);
    xd_bind_int(&query, row->last_seen);
    xd_bind_text(&query, row->status);
    return xd_query_run(&query);
}

static void take_key(struct xd_query *query, struct xd_key *key) {
    xd_take_text(query, key->kid, sizeof key->kid);
    struct xd_bytes secret = xd_take_bytes(query);
    if (secret.size > sizeof key->secret) {
        query->result =
            xd_database_say(query->database, XD_CORRUPT, "a site's key of %zu bytes", secret.size);
    } else if (secret.size > 0) {
        memcpy(key->secret, secret.data, secret.size);
        key->secret_size = secret.size;
    }
}

static enum xd_result site_each(void *context, xd_site_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, SITE_EACH);
    while (xd_query_next(&query)) {
        struct xd_site_row row = {.site = ""};
        xd_take_text(&query, row.site, sizeof row.site);
        xd_take_text(&query, row.kind, sizeof row.kind);
        xd_take_text(&query, row.user, sizeof row.user);
        xd_take_text(&query, row.password_hash, sizeof row.password_hash);
        take_key(&query, &row.key);
        row.added_at = xd_take_int(&query);
        row.last_seen = xd_take_int(&query);
        xd_take_text(&query, row.status, sizeof row.status);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result site_seen(void *context, const char *site, xd_ms at, const char *status) {
    struct xd_query query;
    open_query(&query, context, SITE_SEEN);
    xd_bind_int(&query, at);
    xd_bind_text(&query, status);
    xd_bind_text(&query, site);
    return xd_query_change(&query, XD_NOT_FOUND);
}

/* ---- idempotency keys ---- */

static enum xd_result key_add(void *context, const char *tenant, const char *client, const char *key,
                              const struct xd_hash *fingerprint, const char *order_id, xd_ms at) {
    struct xd_query query;
    open_query(&query, context, KEY_ADD);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, client);
    xd_bind_text(&query, key);
    xd_bind_hash(&query, fingerprint);
    xd_bind_text(&query, order_id);
    xd_bind_int(&query, at);
    return xd_query_change(&query, XD_CONFLICT);
}

static enum xd_result key_get(void *context, const char *tenant, const char *client, const char *key,
                              struct xd_hash *fingerprint, char order_id[XD_ID_SIZE]) {
    struct xd_query query;
    open_query(&query, context, KEY_GET);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, client);
    xd_bind_text(&query, key);
    if (xd_query_next(&query)) {
        xd_take_hash(&query, fingerprint);
        xd_take_text(&query, order_id, XD_ID_SIZE);
    }
    return xd_query_close_one(&query);
}

static enum xd_result key_drop(void *context, xd_ms before, size_t max) {
    struct xd_query query;
    /* There mostly is none, and the statement that drops makes a temporary table to know it. */
    open_query(&query, context, KEY_OLD);
    xd_bind_int(&query, before);
    bool old = xd_query_next(&query);
    enum xd_result result = xd_query_close(&query);
    if (result != XD_OK || !old) {
        return result;
    }
    open_query(&query, context, KEY_DROP);
    xd_bind_int(&query, before);
    xd_bind_int(&query, (int64_t)max);
    return xd_query_run(&query);
}

void xd_database_hub_store(struct xd_database *database, struct xd_hub_store *out) {
    *out = (struct xd_hub_store){
        .context = database,
        .site_put = site_put,
        .site_each = site_each,
        .site_seen = site_seen,
        .key_add = key_add,
        .key_get = key_get,
        .key_drop = key_drop,
    };
    xd_delivery_store_fill(database, &out->delivery);
    xd_hub_clients_fill(out);
    xd_hub_orders_fill(out);
    xd_hub_releases_fill(out);
    xd_hub_confirmations_fill(out);
    xd_hub_parked_fill(out);
    xd_hub_exceptions_fill(out);
    xd_hub_jobs_fill(out);
    xd_hub_reconcile_fill(out);
    xd_hub_stock_fill(out);
    xd_hub_sla_fill(out);
    xd_hub_books_fill(out);
    xd_hub_reference_fill(database, &out->reference);
    xd_hub_events_fill(out);
}
