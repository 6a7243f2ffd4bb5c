/* Reference data: a row for each version, appended; which one is current, by
 * (kind, key); and the names that entries have beside their keys. Every version stays,
 * so that what a decision named can be read. */
#include "sqlite/hub_store.h"

#include <string.h>

enum { ADD, CURRENT, SET_CURRENT, GET, GET_CURRENT, LIST, ALIAS_DROP, ALIAS_ADD, FIND, OWNER };

#define COLUMNS "r.version, r.previous, r.source, r.client, r.hash, r.at, r.checksum, r.body"

static const char *const sql[] = {
    [ADD] = "INSERT INTO reference(kind, key, previous, source, client, hash, at, checksum, body)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [CURRENT] = "SELECT version FROM reference_current WHERE kind = ? AND key = ?",
    [SET_CURRENT] = "INSERT INTO reference_current(kind, key, version) VALUES(?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET version = excluded.version",
    [GET] = "SELECT " COLUMNS " FROM reference AS r WHERE r.version = ?3 AND r.kind = ?1 AND r.key = ?2",
    [GET_CURRENT] = "SELECT " COLUMNS " FROM reference_current AS c JOIN reference AS r USING(version)"
                    " WHERE c.kind = ?1 AND c.key = ?2",
    [LIST] = "SELECT c.key, " COLUMNS " FROM reference_current AS c JOIN reference AS r USING(version)"
             " WHERE c.kind = ? AND c.key > ? ORDER BY c.key LIMIT ?",
    [ALIAS_DROP] = "DELETE FROM reference_alias WHERE kind = ? AND key = ?",
    [ALIAS_ADD] = "INSERT INTO reference_alias(kind, alias, tenant, account, key) VALUES(?, ?, ?, ?, ?)"
                  " ON CONFLICT DO NOTHING",
    [FIND] = "SELECT key FROM reference_alias WHERE kind = ?1 AND alias = ?2 AND tenant IN (?3, '')"
             " AND account IN (?4, '') AND (tenant <> '' OR account <> '')"
             " ORDER BY (tenant <> '') * 2 + (account <> '') DESC LIMIT 1",
    [OWNER] = "SELECT key FROM reference_alias WHERE kind = ? AND alias = ? AND tenant = ? AND account = ?",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_REFERENCE, sql, which);
}

static enum xd_result current_of(void *context, int kind, const char *key, int64_t *version) {
    struct xd_query query;
    *version = 0;
    open_query(&query, context, CURRENT);
    xd_bind_int(&query, kind);
    xd_bind_text(&query, key);
    if (xd_query_next(&query)) {
        *version = xd_take_int(&query);
    }
    return xd_query_close(&query);
}

static enum xd_result insert(void *context, struct xd_reference_row *row) {
    struct xd_database *database = context;
    struct xd_query query;
    open_query(&query, context, ADD);
    xd_bind_int(&query, row->kind);
    xd_bind_text(&query, row->key);
    xd_bind_int(&query, row->previous);
    xd_bind_text(&query, row->source);
    xd_bind_text(&query, row->client);
    xd_bind_hash(&query, &row->hash);
    xd_bind_int(&query, row->at);
    xd_bind_body(&query, row->body);
    enum xd_result result = xd_query_run(&query);
    row->version = result == XD_OK ? sqlite3_last_insert_rowid(database->handle) : 0;
    return result;
}

static enum xd_result set_current(void *context, const struct xd_reference_row *row) {
    struct xd_query query;
    open_query(&query, context, SET_CURRENT);
    xd_bind_int(&query, row->kind);
    xd_bind_text(&query, row->key);
    xd_bind_int(&query, row->version);
    enum xd_result result = xd_query_run(&query);
    return result == XD_OK && row->previous == 0
               ? xd_counter_add(context, XD_COUNTER_REFERENCE, row->kind, "", 1)
               : result;
}

static enum xd_result set_aliases(void *context, const struct xd_reference_row *row,
                                  const struct xd_reference_alias *aliases, size_t count) {
    struct xd_query query;
    enum xd_result result = XD_OK;
    if (row->previous != 0) {
        open_query(&query, context, ALIAS_DROP);
        xd_bind_int(&query, row->kind);
        xd_bind_text(&query, row->key);
        result = xd_query_run(&query);
    }
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        open_query(&query, context, ALIAS_ADD);
        xd_bind_int(&query, row->kind);
        xd_bind_text(&query, aliases[index].alias);
        xd_bind_text(&query, aliases[index].tenant);
        xd_bind_text(&query, aliases[index].account);
        xd_bind_text(&query, row->key);
        result = xd_query_change(&query, XD_CONFLICT);
    }
    return result;
}

static enum xd_result reference_add(void *context, struct xd_reference_row *row,
                                    const struct xd_reference_alias *aliases, size_t count) {
    enum xd_result result = current_of(context, row->kind, row->key, &row->previous);
    if (result == XD_OK) {
        result = insert(context, row);
    }
    if (result == XD_OK) {
        result = set_current(context, row);
    }
    return result == XD_OK ? set_aliases(context, row, aliases, count) : result;
}

static struct xd_bytes take_row(struct xd_query *query, struct xd_reference_row *row) {
    row->version = xd_take_int(query);
    row->previous = xd_take_int(query);
    xd_take_text(query, row->source, sizeof row->source);
    xd_take_text(query, row->client, sizeof row->client);
    xd_take_hash(query, &row->hash);
    row->at = xd_take_int(query);
    return xd_take_body(query);
}

static enum xd_result reference_get(void *context, int kind, const char *key, int64_t version,
                                    struct xd_reference_row *out, struct xd_buffer *body) {
    struct xd_query query;
    memset(out, 0, sizeof *out);
    open_query(&query, context, version == 0 ? GET_CURRENT : GET);
    xd_bind_int(&query, kind);
    xd_bind_text(&query, key);
    if (version != 0) {
        xd_bind_int(&query, version);
    }
    if (xd_query_next(&query)) {
        struct xd_bytes bytes = take_row(&query, out);
        if (body != NULL && query.result == XD_OK) {
            xd_buffer_add(body, bytes.data, bytes.size);
            query.result = xd_buffer_result(body);
        }
    }
    enum xd_result result = xd_query_close_one(&query);
    if (result == XD_OK) {
        out->kind = kind;
        memcpy(out->key, key, strlen(key) + 1); /* the row is there, so the key fits */
    }
    return result;
}

static enum xd_result reference_list(void *context, int kind, const char *after, size_t max,
                                     xd_reference_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, LIST);
    xd_bind_int(&query, kind);
    xd_bind_text(&query, after);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_reference_row row = {.kind = kind};
        xd_take_text(&query, row.key, sizeof row.key);
        row.body = take_row(&query, &row);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result take_key(struct xd_query *query, char key[XD_REFERENCE_KEY_SIZE]) {
    if (xd_query_next(query)) {
        xd_take_text(query, key, XD_REFERENCE_KEY_SIZE);
    }
    return xd_query_close_one(query);
}

static void open_alias(struct xd_query *query, void *context, int which, int kind,
                       const struct xd_reference_alias *alias) {
    open_query(query, context, which);
    xd_bind_int(query, kind);
    xd_bind_text(query, alias->alias);
    xd_bind_text(query, alias->tenant);
    xd_bind_text(query, alias->account);
}

static enum xd_result reference_find(void *context, int kind, const char *tenant, const char *account,
                                     const char *alias, char key[XD_REFERENCE_KEY_SIZE]) {
    const struct xd_reference_alias wanted = {tenant, account, alias};
    struct xd_query query;
    open_alias(&query, context, FIND, kind, &wanted);
    return take_key(&query, key);
}

static enum xd_result reference_owner(void *context, int kind, const struct xd_reference_alias *alias,
                                      char key[XD_REFERENCE_KEY_SIZE]) {
    struct xd_query query;
    open_alias(&query, context, OWNER, kind, alias);
    return take_key(&query, key);
}

static enum xd_result reference_count(void *context, int kind, int64_t *count) {
    return xd_counter_get(context, XD_COUNTER_REFERENCE, kind, NULL, count);
}

void xd_hub_reference_fill(struct xd_database *database, struct xd_reference_store *out) {
    *out = (struct xd_reference_store){.context = database,
                                       .add = reference_add,
                                       .get = reference_get,
                                       .list = reference_list,
                                       .find = reference_find,
                                       .owner = reference_owner,
                                       .count = reference_count};
}
