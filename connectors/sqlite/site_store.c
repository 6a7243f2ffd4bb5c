/* The releases that a site holds for its WMS. Open ones are found by a partial index,
 * so that what is done slows nothing. */
#include "sqlite/statements.h"

#include "site/store.h"

#include <string.h>

enum {
    RELEASE_ADD,
    RELEASE_GET,
    RELEASE_SET,
    RELEASE_OPEN,
    RELEASE_SINCE,
    RELEASE_BEFORE,
    RELEASE_COUNT_OPEN,
    RELEASE_LAST,
    RELEASE_OLD,
    RELEASE_DROP
};

#define COLUMNS "number, release_id, revision, purpose, state, published, epoch, sequence, hash, received_at"

static const char *const sql[] = {
    [RELEASE_ADD] =
        "INSERT INTO held_release(release_id, revision, purpose, state, published, epoch, sequence, hash,"
        " received_at, checksum, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [RELEASE_GET] =
        "SELECT " COLUMNS " FROM held_release WHERE release_id = ? ORDER BY revision DESC LIMIT 1",
    [RELEASE_SET] = "UPDATE held_release SET state = ?, published = ? WHERE number = ?",
    [RELEASE_OPEN] = "SELECT " COLUMNS ", checksum, body FROM held_release WHERE state = 0 AND number > ?"
                     " ORDER BY number LIMIT ?",
    [RELEASE_SINCE] = "SELECT " COLUMNS ", checksum, body FROM held_release WHERE number > ?"
                      " ORDER BY number LIMIT ?",
    [RELEASE_BEFORE] = "SELECT " COLUMNS ", checksum, body FROM held_release WHERE release_id = ?"
                       " AND revision < ? ORDER BY revision DESC LIMIT 1",
    [RELEASE_COUNT_OPEN] = "SELECT count(*) FROM held_release WHERE state = 0",
    [RELEASE_LAST] = "SELECT coalesce(max(number), 0) FROM held_release",
    [RELEASE_OLD] = "SELECT 1 FROM held_release WHERE state <> 0 AND number <= ? LIMIT 1",
    [RELEASE_DROP] = "DELETE FROM held_release WHERE number IN (SELECT number FROM held_release"
                     " WHERE state <> 0 AND number <= ? ORDER BY number LIMIT ?)",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_SITE, sql, which);
}

static void take_release(struct xd_query *query, struct xd_held_release *row) {
    memset(row, 0, sizeof *row);
    row->number = xd_take_int(query);
    xd_take_text(query, row->release_id, sizeof row->release_id);
    row->revision = xd_take_int(query);
    row->purpose = (int)xd_take_int(query);
    row->state = (int)xd_take_int(query);
    row->published = xd_take_int(query) != 0;
    xd_take_text(query, row->epoch, sizeof row->epoch);
    row->sequence = (uint64_t)xd_take_int(query);
    xd_take_hash(query, &row->hash);
    row->received_at = xd_take_int(query);
}

static enum xd_result walk(struct xd_query *query, xd_held_fn each, void *each_context) {
    while (xd_query_next(query)) {
        struct xd_held_release row;
        take_release(query, &row);
        row.body = xd_take_body(query);
        if (query->result == XD_OK) {
            query->result = each(each_context, &row);
        }
    }
    return xd_query_close(query);
}

static enum xd_result release_add(void *context, struct xd_held_release *row) {
    struct xd_database *database = context;
    struct xd_query query;
    open_query(&query, context, RELEASE_ADD);
    xd_bind_text(&query, row->release_id);
    xd_bind_int(&query, row->revision);
    xd_bind_int(&query, row->purpose);
    xd_bind_int(&query, row->state);
    xd_bind_int(&query, row->published);
    xd_bind_text(&query, row->epoch);
    xd_bind_int(&query, (int64_t)row->sequence);
    xd_bind_hash(&query, &row->hash);
    xd_bind_int(&query, row->received_at);
    xd_bind_body(&query, row->body);
    enum xd_result result = xd_query_change(&query, XD_DUPLICATE);
    if (result == XD_OK) {
        row->number = sqlite3_last_insert_rowid(database->handle);
    }
    return result;
}

static enum xd_result release_get(void *context, const char *release_id, struct xd_held_release *row) {
    struct xd_query query;
    open_query(&query, context, RELEASE_GET);
    xd_bind_text(&query, release_id);
    if (xd_query_next(&query)) {
        take_release(&query, row);
    }
    return xd_query_close_one(&query);
}

static enum xd_result release_set(void *context, int64_t number, int state, bool published) {
    struct xd_query query;
    open_query(&query, context, RELEASE_SET);
    xd_bind_int(&query, state);
    xd_bind_int(&query, published);
    xd_bind_int(&query, number);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result release_open(void *context, int64_t after, size_t max, xd_held_fn each,
                                   void *each_context) {
    struct xd_query query;
    open_query(&query, context, RELEASE_OPEN);
    xd_bind_int(&query, after);
    xd_bind_int(&query, (int64_t)max);
    return walk(&query, each, each_context);
}

static enum xd_result release_since(void *context, int64_t after, size_t max, xd_held_fn each,
                                    void *each_context) {
    struct xd_query query;
    open_query(&query, context, RELEASE_SINCE);
    xd_bind_int(&query, after);
    xd_bind_int(&query, (int64_t)max);
    return walk(&query, each, each_context);
}

static enum xd_result release_before(void *context, const char *release_id, int64_t revision,
                                     struct xd_held_release *row, struct xd_buffer *body) {
    struct xd_query query;
    open_query(&query, context, RELEASE_BEFORE);
    xd_bind_text(&query, release_id);
    xd_bind_int(&query, revision);
    if (xd_query_next(&query)) {
        take_release(&query, row);
        struct xd_bytes bytes = xd_take_body(&query);
        if (query.result == XD_OK) {
            xd_buffer_add(body, bytes.data, bytes.size);
            query.result = xd_buffer_result(body);
        }
    }
    return xd_query_close_one(&query);
}

static enum xd_result release_count_open(void *context, int64_t *count) {
    struct xd_query query;
    open_query(&query, context, RELEASE_COUNT_OPEN);
    if (xd_query_next(&query)) {
        *count = xd_take_int(&query);
    }
    return xd_query_close(&query);
}

static enum xd_result release_last(void *context, int64_t *number) {
    struct xd_query query;
    open_query(&query, context, RELEASE_LAST);
    if (xd_query_next(&query)) {
        *number = xd_take_int(&query);
    }
    return xd_query_close(&query);
}

static enum xd_result release_drop(void *context, int64_t upto, size_t max) {
    struct xd_query query;
    /* There mostly is none, and the statement that drops makes a temporary table to know it. */
    open_query(&query, context, RELEASE_OLD);
    xd_bind_int(&query, upto);
    bool old = xd_query_next(&query);
    enum xd_result result = xd_query_close(&query);
    if (result != XD_OK || !old) {
        return result;
    }
    open_query(&query, context, RELEASE_DROP);
    xd_bind_int(&query, upto);
    xd_bind_int(&query, (int64_t)max);
    return xd_query_run(&query);
}

void xd_database_site_store(struct xd_database *database, struct xd_site_store *out) {
    *out = (struct xd_site_store){
        .context = database,
        .release_add = release_add,
        .release_get = release_get,
        .release_set = release_set,
        .release_open = release_open,
        .release_since = release_since,
        .release_before = release_before,
        .release_count_open = release_count_open,
        .release_last = release_last,
        .release_drop = release_drop,
    };
    xd_delivery_store_fill(database, &out->delivery);
}
