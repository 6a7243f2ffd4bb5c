/* Streams, outbox, what came above a watermark, quarantine and small values.
 *
 * A stream's rows in outbox and above are the rowids stream << 40 | sequence, so
 * appending, reading and dropping touch one range of one tree, however much is
 * queued.
 *
 * Appending touches nothing else: where a sender's stream ends is read from its last
 * row in the outbox, and from the stream's own row only when there is none behind
 * that (which was saved when rows were dropped or renumbered). */
#include "sqlite/statements.h"

#include "delivery/store.h"

#include <string.h>

#define SEQUENCE_BITS 40
#define SEQUENCE_MAX ((UINT64_C(1) << SEQUENCE_BITS) - 1)

enum {
    STREAM_EACH,
    STREAM_OF,
    STREAM_ADD,
    STREAM_SAVE,
    EPOCH_RETIRE,
    EPOCH_RETIRED,
    OUTBOX_ADD,
    OUTBOX_READ,
    OUTBOX_CHAIN,
    OUTBOX_END,
    OUTBOX_MOVE,
    OUTBOX_OLDEST,
    OUTBOX_DROP,
    ABOVE_ADD,
    ABOVE_GET,
    ABOVE_EACH,
    ABOVE_DROP,
    QUARANTINE_ADD,
    QUARANTINE_EACH,
    META_GET,
    META_SET,
    PAGES_USED
};

#define STREAM_COLUMNS                                                                                       \
    "number, peer, sends, lane, epoch, next, watermark, chain, floor, floor_chain, conflict"

static const char *const sql[] = {
    [STREAM_EACH] = "SELECT " STREAM_COLUMNS " FROM stream ORDER BY number",
    [STREAM_OF] = "SELECT " STREAM_COLUMNS " FROM stream WHERE peer = ? ORDER BY number",
    [STREAM_ADD] =
        "INSERT INTO stream(peer, sends, lane, epoch, next, watermark, chain, floor, floor_chain, conflict)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [STREAM_SAVE] =
        "UPDATE stream SET epoch = ?, next = ?, watermark = ?, chain = ?, floor = ?, floor_chain = ?,"
        " conflict = ? WHERE number = ?",
    [EPOCH_RETIRE] =
        "INSERT INTO retired_epoch(stream, epoch, watermark) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
    [EPOCH_RETIRED] = "SELECT 1 FROM retired_epoch WHERE stream = ? AND epoch = ?",
    [OUTBOX_ADD] =
        "INSERT INTO outbox(key, kind, document_id, version, accepted_at, hash, chain, correlation_id,"
        " causation_id, checksum, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [OUTBOX_READ] =
        "SELECT key, kind, document_id, version, accepted_at, hash, chain, correlation_id, causation_id,"
        " checksum, body FROM outbox WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
    [OUTBOX_CHAIN] = "SELECT chain FROM outbox WHERE key = ?",
    [OUTBOX_END] = "SELECT key, chain FROM outbox WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
    [OUTBOX_MOVE] = "UPDATE OR IGNORE outbox SET key = ?, chain = ? WHERE key = ?",
    [OUTBOX_OLDEST] = "SELECT key, chain FROM outbox WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
    [OUTBOX_DROP] = "DELETE FROM outbox WHERE key BETWEEN ? AND ?",
    [ABOVE_ADD] = "INSERT INTO above(key, hash, chain) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
    [ABOVE_GET] = "SELECT hash, chain FROM above WHERE key = ?",
    [ABOVE_EACH] = "SELECT key, hash, chain FROM above WHERE key BETWEEN ? AND ? ORDER BY key",
    [ABOVE_DROP] = "DELETE FROM above WHERE key BETWEEN ? AND ?",
    [QUARANTINE_ADD] = "INSERT INTO quarantine(at, source, code, detail, sha256, times, checksum, body)"
                       " VALUES(?, ?, ?, ?, ?, 1, ?, ?)"
                       " ON CONFLICT(source, sha256) DO UPDATE SET times = times + 1 RETURNING number, times",
    [QUARANTINE_EACH] =
        "SELECT number, at, source, code, detail, sha256, times, checksum, body FROM quarantine"
        " WHERE number > ? ORDER BY number LIMIT ?",
    [META_GET] = "SELECT value FROM meta WHERE name = ?",
    [META_SET] =
        "INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    [PAGES_USED] = "SELECT p.page_count - f.freelist_count FROM pragma_page_count p, pragma_freelist_count f",
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_DELIVERY, sql, which);
}

static int64_t key_of(uint32_t stream, uint64_t sequence) {
    uint64_t low = sequence < SEQUENCE_MAX ? sequence : SEQUENCE_MAX;
    return (int64_t)((uint64_t)stream << SEQUENCE_BITS | low);
}

static uint64_t sequence_of(int64_t key) {
    return (uint64_t)key & SEQUENCE_MAX;
}

static enum xd_result check_sequence(struct xd_database *database, uint64_t sequence) {
    if (sequence > SEQUENCE_MAX) {
        return xd_database_say(database, XD_INVALID, "sequence %llu is beyond what a stream can number",
                               (unsigned long long)sequence);
    }
    return XD_OK;
}

/* ---- streams ---- */

static void bind_stream(struct xd_query *query, const struct xd_stream_row *row) {
    xd_bind_text(query, row->epoch);
    xd_bind_int(query, (int64_t)row->next);
    xd_bind_int(query, (int64_t)row->watermark);
    xd_bind_hash(query, &row->chain);
    xd_bind_int(query, (int64_t)row->floor);
    xd_bind_hash(query, &row->floor_chain);
    xd_bind_int(query, (int64_t)row->conflict);
}

static enum xd_result take_end(void *context, struct xd_stream_row *row) {
    struct xd_query query;
    open_query(&query, context, OUTBOX_END);
    xd_bind_int(&query, key_of(row->number, row->next));
    xd_bind_int(&query, key_of(row->number, SEQUENCE_MAX));
    if (xd_query_next(&query)) {
        row->next = sequence_of(xd_take_int(&query)) + 1;
        xd_take_hash(&query, &row->chain);
    }
    return xd_query_close(&query);
}

static enum xd_result stream_each(void *context, const char *peer, xd_stream_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, peer == NULL ? STREAM_EACH : STREAM_OF);
    if (peer != NULL) {
        xd_bind_text(&query, peer);
    }
    while (xd_query_next(&query)) {
        struct xd_stream_row row = {.number = (uint32_t)xd_take_int(&query)};
        xd_take_text(&query, row.peer, sizeof row.peer);
        row.sends = xd_take_int(&query) != 0;
        xd_take_text(&query, row.lane, sizeof row.lane);
        xd_take_text(&query, row.epoch, sizeof row.epoch);
        row.next = (uint64_t)xd_take_int(&query);
        row.watermark = (uint64_t)xd_take_int(&query);
        xd_take_hash(&query, &row.chain);
        row.floor = (uint64_t)xd_take_int(&query);
        xd_take_hash(&query, &row.floor_chain);
        row.conflict = (uint64_t)xd_take_int(&query);
        if (query.result == XD_OK && row.sends) {
            query.result = take_end(context, &row);
        }
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result stream_add(void *context, struct xd_stream_row *row) {
    struct xd_database *database = context;
    struct xd_query query;
    open_query(&query, context, STREAM_ADD);
    xd_bind_text(&query, row->peer);
    xd_bind_int(&query, row->sends);
    xd_bind_text(&query, row->lane);
    bind_stream(&query, row);
    enum xd_result result = xd_query_change(&query, XD_CONFLICT);
    if (result == XD_OK) {
        row->number = (uint32_t)sqlite3_last_insert_rowid(database->handle);
    }
    return result;
}

static enum xd_result stream_save(void *context, const struct xd_stream_row *row) {
    struct xd_query query;
    open_query(&query, context, STREAM_SAVE);
    bind_stream(&query, row);
    xd_bind_int(&query, row->number);
    return xd_query_change(&query, XD_NOT_FOUND);
}

static enum xd_result epoch_retire(void *context, uint32_t stream, const char *epoch, uint64_t watermark) {
    struct xd_query query;
    open_query(&query, context, EPOCH_RETIRE);
    xd_bind_int(&query, stream);
    xd_bind_text(&query, epoch);
    xd_bind_int(&query, (int64_t)watermark);
    return xd_query_run(&query);
}

static enum xd_result epoch_retired(void *context, uint32_t stream, const char *epoch) {
    struct xd_query query;
    open_query(&query, context, EPOCH_RETIRED);
    xd_bind_int(&query, stream);
    xd_bind_text(&query, epoch);
    (void)xd_query_next(&query);
    return xd_query_close_one(&query);
}

/* ---- outbox ---- */

static enum xd_result outbox_add(void *context, uint32_t stream, const struct xd_outbox_row *row) {
    enum xd_result result = check_sequence(context, row->sequence);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, OUTBOX_ADD);
    xd_bind_int(&query, key_of(stream, row->sequence));
    xd_bind_int(&query, row->kind);
    xd_bind_text(&query, row->document_id);
    xd_bind_int(&query, row->version);
    xd_bind_int(&query, row->accepted_at);
    xd_bind_hash(&query, &row->hash);
    xd_bind_hash(&query, &row->chain);
    xd_bind_text(&query, row->correlation_id);
    xd_bind_text(&query, row->causation_id);
    xd_bind_body(&query, row->body);
    return xd_query_change(&query, XD_CONFLICT);
}

static enum xd_result outbox_read(void *context, uint32_t stream, uint64_t first, uint64_t last, size_t max,
                                  xd_outbox_fn each, void *each_context) {
    if (first > SEQUENCE_MAX) {
        return XD_OK;
    }
    struct xd_query query;
    open_query(&query, context, OUTBOX_READ);
    xd_bind_int(&query, key_of(stream, first));
    xd_bind_int(&query, key_of(stream, last));
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_outbox_row row = {.sequence = sequence_of(xd_take_int(&query))};
        row.kind = (enum xd_kind)xd_take_int(&query);
        row.document_id = xd_take_view(&query);
        row.version = xd_take_int(&query);
        row.accepted_at = xd_take_int(&query);
        xd_take_hash(&query, &row.hash);
        xd_take_hash(&query, &row.chain);
        row.correlation_id = xd_take_view(&query);
        row.causation_id = xd_take_view(&query);
        row.body = xd_take_body(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result outbox_chain(void *context, uint32_t stream, uint64_t sequence, struct xd_hash *chain) {
    if (sequence > SEQUENCE_MAX) {
        return XD_NOT_FOUND;
    }
    struct xd_query query;
    open_query(&query, context, OUTBOX_CHAIN);
    xd_bind_int(&query, key_of(stream, sequence));
    if (xd_query_next(&query)) {
        xd_take_hash(&query, chain);
    }
    return xd_query_close_one(&query);
}

static enum xd_result outbox_move(void *context, uint32_t stream, uint64_t from, uint64_t to,
                                  const struct xd_hash *chain) {
    struct xd_hash there;
    enum xd_result result = outbox_chain(context, stream, from, &there);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, OUTBOX_MOVE);
    xd_bind_int(&query, key_of(stream, to));
    xd_bind_hash(&query, chain);
    xd_bind_int(&query, key_of(stream, from));
    return xd_query_change(&query, XD_CONFLICT);
}

static enum xd_result find_oldest(void *context, uint32_t stream, uint64_t upto, size_t max, uint64_t *last,
                                  struct xd_hash *chain) {
    struct xd_query query;
    open_query(&query, context, OUTBOX_OLDEST);
    xd_bind_int(&query, key_of(stream, 0));
    xd_bind_int(&query, key_of(stream, upto));
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        *last = sequence_of(xd_take_int(&query));
        xd_take_hash(&query, chain);
    }
    return xd_query_close(&query);
}

static enum xd_result outbox_drop(void *context, uint32_t stream, uint64_t upto, size_t max, uint64_t *last,
                                  struct xd_hash *chain) {
    *last = 0;
    memset(chain, 0, sizeof *chain);
    enum xd_result result = find_oldest(context, stream, upto, max, last, chain);
    if (result != XD_OK || *last == 0) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, OUTBOX_DROP);
    xd_bind_int(&query, key_of(stream, 0));
    xd_bind_int(&query, key_of(stream, *last));
    return xd_query_run(&query);
}

/* ---- above the watermark ---- */

static enum xd_result above_add(void *context, uint32_t stream, uint64_t sequence, const struct xd_hash *hash,
                                const struct xd_hash *chain) {
    enum xd_result result = check_sequence(context, sequence);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, ABOVE_ADD);
    xd_bind_int(&query, key_of(stream, sequence));
    xd_bind_hash(&query, hash);
    xd_bind_hash(&query, chain);
    return xd_query_change(&query, XD_CONFLICT);
}

static enum xd_result above_get(void *context, uint32_t stream, uint64_t sequence, struct xd_hash *hash,
                                struct xd_hash *chain) {
    if (sequence > SEQUENCE_MAX) {
        return XD_NOT_FOUND;
    }
    struct xd_query query;
    open_query(&query, context, ABOVE_GET);
    xd_bind_int(&query, key_of(stream, sequence));
    if (xd_query_next(&query)) {
        xd_take_hash(&query, hash);
        xd_take_hash(&query, chain);
    }
    return xd_query_close_one(&query);
}

static enum xd_result above_each(void *context, uint32_t stream, xd_above_fn each, void *each_context) {
    struct xd_query query;
    open_query(&query, context, ABOVE_EACH);
    xd_bind_int(&query, key_of(stream, 0));
    xd_bind_int(&query, key_of(stream, SEQUENCE_MAX));
    while (xd_query_next(&query)) {
        struct xd_hash hash;
        struct xd_hash chain;
        uint64_t sequence = sequence_of(xd_take_int(&query));
        xd_take_hash(&query, &hash);
        xd_take_hash(&query, &chain);
        if (query.result == XD_OK) {
            query.result = each(each_context, sequence, &hash, &chain);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result above_drop(void *context, uint32_t stream, uint64_t upto) {
    struct xd_query query;
    open_query(&query, context, ABOVE_DROP);
    xd_bind_int(&query, key_of(stream, 0));
    xd_bind_int(&query, key_of(stream, upto));
    return xd_query_run(&query);
}

/* ---- quarantine ---- */

static enum xd_result quarantine_add(void *context, struct xd_quarantine_row *row) {
    struct xd_query query;
    open_query(&query, context, QUARANTINE_ADD);
    xd_bind_int(&query, row->at);
    xd_bind_text(&query, row->source);
    xd_bind_text(&query, row->code);
    xd_bind_text(&query, row->detail);
    xd_bind_hash(&query, &row->sha256);
    xd_bind_body(&query, row->body);
    if (xd_query_next(&query)) {
        row->number = xd_take_int(&query);
        row->times = xd_take_int(&query);
        (void)xd_query_next(&query); /* to its end, or nothing of it would last */
    }
    enum xd_result result = xd_query_close(&query);
    if (result == XD_OK && row->times == 1) {
        result = xd_counter_add(context, XD_COUNTER_QUARANTINE, 0, "", 1);
    }
    return result;
}

static enum xd_result quarantine_each(void *context, int64_t after, size_t max, xd_quarantine_fn each,
                                      void *each_context) {
    struct xd_query query;
    open_query(&query, context, QUARANTINE_EACH);
    xd_bind_int(&query, after);
    xd_bind_int(&query, (int64_t)max);
    while (xd_query_next(&query)) {
        struct xd_quarantine_row row = {.number = xd_take_int(&query)};
        row.at = xd_take_int(&query);
        row.source = xd_take_view(&query);
        row.code = xd_take_view(&query);
        row.detail = xd_take_view(&query);
        xd_take_hash(&query, &row.sha256);
        row.times = xd_take_int(&query);
        row.body = xd_take_body(&query);
        if (query.result == XD_OK) {
            query.result = each(each_context, &row);
        }
    }
    return xd_query_close(&query);
}

static enum xd_result quarantine_count(void *context, int64_t *count) {
    return xd_counter_get(context, XD_COUNTER_QUARANTINE, 0, NULL, count);
}

/* ---- small values, usage ---- */

static enum xd_result meta_get(void *context, const char *name, char *out, size_t size) {
    struct xd_query query;
    open_query(&query, context, META_GET);
    xd_bind_text(&query, name);
    if (xd_query_next(&query)) {
        const char *value = xd_take_view(&query);
        if (value != NULL && strlen(value) < size) {
            memcpy(out, value, strlen(value) + 1);
        } else if (query.result == XD_OK) {
            query.result = xd_database_say(context, XD_INVALID, "the value of \"%s\" does not fit %zu bytes",
                                           name, size);
        }
    }
    return xd_query_close_one(&query);
}

static enum xd_result meta_set(void *context, const char *name, const char *value) {
    struct xd_query query;
    open_query(&query, context, META_SET);
    xd_bind_text(&query, name);
    xd_bind_text(&query, value);
    return xd_query_run(&query);
}

static enum xd_result usage(void *context, int64_t *used, int64_t *quota) {
    const struct xd_database *database = context;
    struct xd_query query;
    open_query(&query, context, PAGES_USED);
    if (xd_query_next(&query)) {
        *used = xd_take_int(&query) * database->page_size;
        *quota = database->page_count_max * database->page_size;
    }
    return xd_query_close(&query);
}

static bool wrote(void *context) {
    const struct xd_database *database = context;
    return database->in_transaction && database->started &&
           sqlite3_total_changes(database->handle) != database->changes;
}

void xd_delivery_store_fill(struct xd_database *database, struct xd_delivery_store *out) {
    *out = (struct xd_delivery_store){
        .context = database,
        .stream_each = stream_each,
        .stream_add = stream_add,
        .stream_save = stream_save,
        .epoch_retire = epoch_retire,
        .epoch_retired = epoch_retired,
        .outbox_add = outbox_add,
        .outbox_read = outbox_read,
        .outbox_chain = outbox_chain,
        .outbox_move = outbox_move,
        .outbox_drop = outbox_drop,
        .above_add = above_add,
        .above_get = above_get,
        .above_each = above_each,
        .above_drop = above_drop,
        .quarantine_add = quarantine_add,
        .quarantine_each = quarantine_each,
        .quarantine_count = quarantine_count,
        .meta_get = meta_get,
        .meta_set = meta_set,
        .wrote = wrote,
        .usage = usage,
    };
    xd_transaction_store(database, &out->tx);
    xd_documents_store_fill(out);
}
