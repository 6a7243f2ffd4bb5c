/* The hub's store: clients of the API, and what proves to be one. */
#include "sqlite/hub_store.h"

enum {
    CLIENT_PUT,
    CLIENT_GET,
    CLIENT_LIST,
    CLIENT_BY_TOKEN,
    TOKEN_PUT,
    TOKEN_EACH,
    TOKEN_DROP,
};

#define COLUMNS                                                                                              \
    "client.tenant, client.client, role, added_at, revoked_at, rate_per_s, burst, channels, schema_versions"

static const char *const sql[] = {
    [CLIENT_PUT] =
        "INSERT INTO client(tenant, client, role, added_at, revoked_at, rate_per_s, burst, channels,"
        " schema_versions) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(tenant, client) DO UPDATE SET"
        " role = excluded.role, added_at = excluded.added_at, revoked_at = excluded.revoked_at,"
        " rate_per_s = excluded.rate_per_s, burst = excluded.burst, channels = excluded.channels,"
        " schema_versions = excluded.schema_versions",
    [CLIENT_GET] = "SELECT " COLUMNS " FROM client WHERE tenant = ? AND client = ?",
    [CLIENT_LIST] = "SELECT " COLUMNS " FROM client WHERE (tenant, client) > (?, ?)"
                    " ORDER BY tenant, client LIMIT ?",
    [CLIENT_BY_TOKEN] = "SELECT " COLUMNS ", hash, client_token.tenant, client_token.client, made_at,"
                        " expires_at FROM client_token JOIN client ON client.tenant = client_token.tenant"
                        " AND client.client = client_token.client WHERE hash = ?",
    [TOKEN_PUT] = "INSERT INTO client_token(hash, tenant, client, made_at, expires_at) VALUES(?, ?, ?, ?, ?)"
                  " ON CONFLICT(hash) DO UPDATE SET made_at = excluded.made_at,"
                  " expires_at = excluded.expires_at",
    [TOKEN_EACH] = ("SELECT hash, tenant, client, made_at, expires_at FROM client_token"
                    " WHERE tenant = ? AND client = ? ORDER BY number DESC"),
    [TOKEN_DROP] = "DELETE FROM client_token WHERE tenant = ? AND client = ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_CLIENTS, sql, which);
}

static void take_client(struct xd_query *query, struct xd_client_row *out) {
    *out = (struct xd_client_row){.client = ""};
    xd_take_text(query, out->tenant, sizeof out->tenant);
    xd_take_text(query, out->client, sizeof out->client);
    xd_take_text(query, out->role, sizeof out->role);
    out->added_at = xd_take_int(query);
    out->revoked_at = xd_take_int(query);
    out->rate_per_s = xd_take_int(query);
    out->burst = xd_take_int(query);
    xd_take_text(query, out->channels, sizeof out->channels);
    out->schema_versions = xd_take_int(query);
}

static void take_token(struct xd_query *query, struct xd_token_row *out) {
    *out = (struct xd_token_row){.client = ""};
    xd_take_hash(query, &out->hash);
    xd_take_text(query, out->tenant, sizeof out->tenant);
    xd_take_text(query, out->client, sizeof out->client);
    out->made_at = xd_take_int(query);
    out->expires_at = xd_take_int(query);
}

/* ---- clients ---- */

static enum xd_result client_put(void *context, const struct xd_client_row *row) {
    struct xd_query query;
    open_query(&query, context, CLIENT_PUT);
    xd_bind_text(&query, row->tenant);
    xd_bind_text(&query, row->client);
    xd_bind_text(&query, row->role);
    xd_bind_int(&query, row->added_at);
    xd_bind_int(&query, row->revoked_at);
    xd_bind_int(&query, row->rate_per_s);
    xd_bind_int(&query, row->burst);
    xd_bind_text(&query, row->channels);
    xd_bind_int(&query, row->schema_versions);
    return xd_query_run(&query);
}

static enum xd_result client_get(void *context, const char *tenant, const char *client,
                                 struct xd_client_row *out) {
    struct xd_query query;
    open_query(&query, context, CLIENT_GET);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, client);
    if (xd_query_next(&query)) {
        take_client(&query, out);
    }
    return xd_query_close_one(&query);
}

static enum xd_result client_list(void *context, const char *after_tenant, const char *after_client,
                                  size_t max, xd_client_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, CLIENT_LIST);
    xd_bind_text(&query, after_tenant);
    xd_bind_text(&query, after_client);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_client_row row;
        take_client(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result client_by_token(void *context, const struct xd_hash *token_hash,
                                      struct xd_client_row *out, struct xd_token_row *token) {
    struct xd_query query;
    open_query(&query, context, CLIENT_BY_TOKEN);
    xd_bind_hash(&query, token_hash);
    if (xd_query_next(&query)) {
        take_client(&query, out);
        take_token(&query, token);
    }
    return xd_query_close_one(&query);
}

/* ---- tokens ---- */

static enum xd_result token_put(void *context, const struct xd_token_row *row) {
    struct xd_query query;
    open_query(&query, context, TOKEN_PUT);
    xd_bind_hash(&query, &row->hash);
    xd_bind_text(&query, row->tenant);
    xd_bind_text(&query, row->client);
    xd_bind_int(&query, row->made_at);
    xd_bind_int(&query, row->expires_at);
    return xd_query_run(&query);
}

static enum xd_result token_each(void *context, const char *tenant, const char *client, xd_token_fn each,
                                 void *each_context) {
    struct xd_query query;
    open_query(&query, context, TOKEN_EACH);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, client);
    while (xd_query_next(&query)) {
        struct xd_token_row row;
        take_token(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result token_drop(void *context, const char *tenant, const char *client) {
    struct xd_query query;
    open_query(&query, context, TOKEN_DROP);
    xd_bind_text(&query, tenant);
    xd_bind_text(&query, client);
    return xd_query_run(&query);
}

void xd_hub_clients_fill(struct xd_hub_store *out) {
    out->client_put = client_put;
    out->client_get = client_get;
    out->client_list = client_list;
    out->client_by_token = client_by_token;
    out->token_put = token_put;
    out->token_each = token_each;
    out->token_drop = token_drop;
}
