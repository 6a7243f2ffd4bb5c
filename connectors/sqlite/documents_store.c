/* Documents known for good: (peer, kind, id, version) -> the contents that came.
 *
 * The first content is variant 0; its insertion is the one probe that a new
 * document costs. Only when it is refused are the contents there looked at: the
 * same one is a duplicate, another one is added as the next variant, a conflict.
 *
 * Keys are in natural order, so ids that rise append next to each other. A peer's
 * name is replaced by a small number; the numbers are remembered in memory until
 * something is undone, for a peer may have been added by what is undone. */
#include "sqlite/statements.h"

#include "base/memory.h"

#include <string.h>

enum {
    PEER_GET,
    PEER_ADD,
    DOCUMENT_ADD,
    DOCUMENT_VARIANTS,
    DOCUMENT_VARIANT_ADD,
    DOCUMENT_SETTLE,
    DOCUMENT_THERE
};

#define DOCUMENT_KEY "peer = ? AND kind = ? AND id = ? AND version = ?"

static const char *const sql[] = {
    [PEER_GET] = "SELECT number FROM peer WHERE name = ?",
    [PEER_ADD] = "INSERT INTO peer(name) VALUES(?)",
    [DOCUMENT_ADD] =
        "INSERT INTO document(peer, kind, id, version, variant, hash, at) VALUES(?, ?, ?, ?, 0, ?, ?)"
        " ON CONFLICT DO NOTHING",
    [DOCUMENT_VARIANTS] =
        "SELECT variant, hash, at, fate_version, fate_outcome, fate_code, fate_detail FROM document"
        " WHERE " DOCUMENT_KEY " ORDER BY variant",
    [DOCUMENT_VARIANT_ADD] =
        "INSERT INTO document(peer, kind, id, version, hash, at, variant) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [DOCUMENT_SETTLE] =
        "UPDATE document SET fate_version = ?, fate_outcome = ?, fate_code = ?, fate_detail = ?"
        " WHERE " DOCUMENT_KEY " AND fate_version < ?",
    [DOCUMENT_THERE] = "SELECT 1 FROM document WHERE " DOCUMENT_KEY " LIMIT 1",
};

struct key {
    int64_t peer;
    enum xd_kind kind;
    const char *id;
    int64_t version;
};

static void open_query(struct xd_query *query, void *context, int which) {
    xd_query_open(query, context, XD_GROUP_DOCUMENTS, sql, which);
}

static void bind_key(struct xd_query *query, const struct key *key) {
    xd_bind_int(query, key->peer);
    xd_bind_int(query, key->kind);
    xd_bind_text(query, key->id);
    xd_bind_int(query, key->version);
}

/* ---- peers ---- */

/* Where the name is or would be among those remembered. */
static size_t peer_place(const struct xd_database *database, const char *name, bool *there) {
    size_t low = 0;
    size_t high = database->peer_count;
    *there = false;
    while (low < high && !*there) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, database->peers[middle].name);
        if (order == 0) {
            low = middle;
            *there = true;
        } else if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Not being able to remember costs time only. */
static void peer_remember(struct xd_database *database, size_t place, const char *name, int64_t number) {
    if (database->peer_count == database->peer_capacity) {
        size_t capacity = database->peer_capacity == 0 ? 16 : database->peer_capacity * 2;
        struct xd_peer *peers = xd_resize(database->peers, capacity * sizeof *peers);
        if (peers == NULL) {
            return;
        }
        database->peers = peers;
        database->peer_capacity = capacity;
    }
    struct xd_peer *peer = &database->peers[place];
    memmove(peer + 1, peer, (database->peer_count - place) * sizeof *peer);
    memcpy(peer->name, name, strlen(name) + 1);
    peer->number = number;
    database->peer_count++;
}

static enum xd_result peer_add(struct xd_database *database, const char *name, int64_t *number) {
    struct xd_query query;
    open_query(&query, database, PEER_ADD);
    xd_bind_text(&query, name);
    enum xd_result result = xd_query_run(&query);
    *number = sqlite3_last_insert_rowid(database->handle);
    return result;
}

static enum xd_result peer_number(struct xd_database *database, const char *name, bool add, int64_t *number) {
    if (strlen(name) >= XD_SITE_SIZE) {
        return xd_database_say(database, XD_INVALID, "a peer's name is too long: %s", name);
    }
    if (database->failed != XD_OK) {
        return database->failed;
    }
    bool there = false;
    size_t place = peer_place(database, name, &there);
    if (there) {
        *number = database->peers[place].number;
        return XD_OK;
    }
    struct xd_query query;
    open_query(&query, database, PEER_GET);
    xd_bind_text(&query, name);
    if (xd_query_next(&query)) {
        *number = xd_take_int(&query);
    }
    enum xd_result result = xd_query_close_one(&query);
    if (result == XD_NOT_FOUND && add) {
        result = peer_add(database, name, number);
    }
    if (result == XD_OK) {
        peer_remember(database, place, name, *number);
    }
    return result;
}

/* ---- documents ---- */

static void take_document(struct xd_query *query, struct xd_document_row *row) {
    memset(row, 0, sizeof *row);
    xd_take_hash(query, &row->hash);
    row->at = xd_take_int(query);
    row->fate.version = xd_take_int(query);
    row->fate.outcome = (int)xd_take_int(query);
    xd_take_text(query, row->fate.code, sizeof row->fate.code);
    xd_take_text(query, row->fate.detail, sizeof row->fate.detail);
}

/* XD_OK: that content is there; XD_CONFLICT: only others, the first of them is in
 * *out and *variants says how many; XD_NOT_FOUND. */
static enum xd_result find_content(void *context, const struct key *key, const struct xd_hash *hash,
                                   struct xd_document_row *out, int64_t *variants) {
    bool found = false;
    struct xd_query query;
    open_query(&query, context, DOCUMENT_VARIANTS);
    bind_key(&query, key);
    while (!found && xd_query_next(&query)) {
        struct xd_document_row row;
        *variants = xd_take_int(&query) + 1;
        take_document(&query, &row);
        found = query.result == XD_OK && memcmp(row.hash.bytes, hash->bytes, sizeof hash->bytes) == 0;
        if (found || query.rows == 1) {
            *out = row;
        }
    }
    enum xd_result result = xd_query_close_one(&query);
    return result == XD_OK && !found ? XD_CONFLICT : result;
}

static enum xd_result add_variant(void *context, const struct key *key, const struct xd_hash *hash, xd_ms at,
                                  int64_t variant) {
    struct xd_query query;
    open_query(&query, context, DOCUMENT_VARIANT_ADD);
    bind_key(&query, key);
    xd_bind_hash(&query, hash);
    xd_bind_int(&query, at);
    xd_bind_int(&query, variant);
    return xd_query_run(&query);
}

static enum xd_result document_add(void *context, const char *peer, enum xd_kind kind, const char *id,
                                   int64_t version, const struct xd_hash *hash, xd_ms at,
                                   struct xd_document_row *out) {
    struct key key = {.kind = kind, .id = id, .version = version};
    enum xd_result result = peer_number(context, peer, true, &key.peer);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, DOCUMENT_ADD);
    bind_key(&query, &key);
    xd_bind_hash(&query, hash);
    xd_bind_int(&query, at);
    result = xd_query_change(&query, XD_DUPLICATE);
    if (result != XD_DUPLICATE) {
        return result;
    }
    struct xd_document_row there;
    int64_t variants = 0;
    result = find_content(context, &key, hash, &there, &variants);
    if (result == XD_OK && out != NULL) {
        *out = there;
    }
    if (result != XD_CONFLICT) {
        return result == XD_OK ? XD_DUPLICATE : result;
    }
    result = add_variant(context, &key, hash, at, variants);
    return result == XD_OK ? XD_CONFLICT : result;
}

static enum xd_result document_get(void *context, const char *peer, enum xd_kind kind, const char *id,
                                   int64_t version, const struct xd_hash *hash, struct xd_document_row *out) {
    struct key key = {.kind = kind, .id = id, .version = version};
    int64_t variants = 0;
    enum xd_result result = peer_number(context, peer, false, &key.peer);
    return result == XD_OK ? find_content(context, &key, hash, out, &variants) : result;
}

static enum xd_result is_there(void *context, const struct key *key) {
    struct xd_query query;
    open_query(&query, context, DOCUMENT_THERE);
    bind_key(&query, key);
    (void)xd_query_next(&query);
    return xd_query_close_one(&query);
}

static enum xd_result document_settle(void *context, const char *peer, enum xd_kind kind, const char *id,
                                      int64_t version, const struct xd_fate *fate) {
    struct key key = {.kind = kind, .id = id, .version = version};
    enum xd_result result = peer_number(context, peer, false, &key.peer);
    if (result != XD_OK) {
        return result;
    }
    struct xd_query query;
    open_query(&query, context, DOCUMENT_SETTLE);
    xd_bind_int(&query, fate->version);
    xd_bind_int(&query, fate->outcome);
    xd_bind_text(&query, fate->code);
    xd_bind_text(&query, fate->detail);
    bind_key(&query, &key);
    xd_bind_int(&query, fate->version);
    result = xd_query_change(&query, XD_NOT_FOUND);
    return result == XD_NOT_FOUND ? is_there(context, &key) : result; /* a newer fate stands */
}

void xd_documents_store_fill(struct xd_delivery_store *out) {
    out->document_add = document_add;
    out->document_get = document_get;
    out->document_settle = document_settle;
}
