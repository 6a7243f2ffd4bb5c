/* What every implementation of delivery/store.h and site/store.h must do. */
#include "contract/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

static struct xd_stream_row a_stream(const char *peer, const char *lane) {
    struct xd_stream_row row = {.sends = true, .epoch = "e1", .next = 1};
    (void)snprintf(row.peer, sizeof row.peer, "%s", peer);
    (void)snprintf(row.lane, sizeof row.lane, "%s", lane);
    return row;
}

static uint32_t add_stream(struct store_world *world, const char *peer, const char *lane) {
    struct xd_stream_row row = a_stream(peer, lane);
    assert_ok(world->delivery->stream_add(world->delivery->context, &row));
    assert_int_not_equal(row.number, 0);
    return row.number;
}

static enum xd_result add_row(struct store_world *world, uint32_t stream, uint64_t sequence,
                              const char *body) {
    char id[32];
    (void)snprintf(id, sizeof id, "C-%llu", (unsigned long long)sequence);
    struct xd_outbox_row row = {
        .sequence = sequence,
        .kind = XD_DOC_CONFIRMATION,
        .document_id = id,
        .version = 2,
        .hash = stores_hash((int)sequence),
        .chain = stores_hash((int)sequence + 100),
        .correlation_id = sequence % 2 == 1 ? "corr" : NULL,
        .accepted_at = (xd_ms)sequence * 1000,
        .body = xd_bytes_of_text(body),
    };
    return world->delivery->outbox_add(world->delivery->context, stream, &row);
}

struct seen {
    size_t count;
    uint64_t sequences[64];
    int64_t numbers[64];
    char last_body[64];
    enum xd_result stop; /* what the callback returns... */
    size_t stop_at;      /* ...for the row of this index */
    struct xd_stream_row stream;
    struct xd_held_release held;
    int64_t times;
};

static void keep_body(struct seen *seen, struct xd_bytes body) {
    assert_true(body.size < sizeof seen->last_body);
    if (body.size > 0) {
        memcpy(seen->last_body, body.data, body.size);
    }
    seen->last_body[body.size] = '\0';
}

static enum xd_result answer(struct seen *seen) {
    return seen->stop != XD_OK && seen->count - 1 == seen->stop_at ? seen->stop : XD_OK;
}

static enum xd_result see_row(void *context, const struct xd_outbox_row *row) {
    struct seen *seen = context;
    assert_int_equal(row->kind, XD_DOC_CONFIRMATION);
    assert_int_equal(row->version, 2);
    assert_int_equal(row->accepted_at, (xd_ms)row->sequence * 1000);
    if (row->sequence % 2 == 1) {
        assert_string_equal(row->correlation_id, "corr");
    } else {
        assert_null(row->correlation_id);
    }
    assert_null(row->causation_id);
    seen->sequences[seen->count++] = row->sequence;
    keep_body(seen, row->body);
    return answer(seen);
}

static enum xd_result see_stream(void *context, const struct xd_stream_row *row) {
    struct seen *seen = context;
    seen->count++;
    seen->stream = *row;
    return XD_OK;
}

static enum xd_result see_above(void *context, uint64_t sequence, const struct xd_hash *hash,
                                const struct xd_hash *chain) {
    struct seen *seen = context;
    assert_hash(*hash, (int)sequence);
    assert_hash(*chain, (int)sequence + 1);
    seen->sequences[seen->count++] = sequence;
    return XD_OK;
}

static enum xd_result see_quarantine(void *context, const struct xd_quarantine_row *row) {
    struct seen *seen = context;
    seen->numbers[seen->count++] = row->number;
    seen->times = row->times;
    keep_body(seen, row->body);
    return XD_OK;
}

static enum xd_result see_held(void *context, const struct xd_held_release *row) {
    struct seen *seen = context;
    seen->numbers[seen->count] = row->number;
    seen->sequences[seen->count++] = row->sequence;
    seen->held = *row;
    keep_body(seen, row->body);
    return answer(seen);
}

static size_t count_rows(struct store_world *world, uint32_t stream) {
    struct seen seen = {.count = 0};
    assert_ok(
        world->delivery->outbox_read(world->delivery->context, stream, 1, UINT64_MAX, 64, see_row, &seen));
    return seen.count;
}

/* ---- transactions ---- */

static void transaction_keeps_what_is_committed_only(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    char value[16];
    stores_begin(world);
    assert_ok(delivery->meta_set(delivery->context, "site", "WH1"));
    stores_commit(world);
    stores_begin(world);
    assert_ok(delivery->meta_set(delivery->context, "site", "WH2"));
    assert_ok(delivery->meta_get(delivery->context, "site", value, sizeof value));
    assert_string_equal(value, "WH2");
    delivery->tx.rollback(delivery->tx.context);
    stores_reopen(world, 0);
    assert_ok(delivery->meta_get(delivery->context, "site", value, sizeof value));
    assert_string_equal(value, "WH1");
}

static void transaction_lost_with_the_process_leaves_nothing(void **state) {
    struct store_world *world = *state;
    char value[16];
    stores_begin(world);
    assert_ok(world->delivery->meta_set(world->delivery->context, "a", "1"));
    stores_reopen(world, 0); /* without a commit */
    assert_int_equal(world->delivery->meta_get(world->delivery->context, "a", value, sizeof value),
                     XD_NOT_FOUND);
}

static void savepoint_undoes_one_event_and_keeps_the_others(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_hash hash = stores_hash(1);
    struct xd_document_row row;
    stores_begin(world);
    for (int version = 1; version <= 3; version++) {
        char peer[8];
        (void)snprintf(peer, sizeof peer, "P%d", version);
        assert_ok(delivery->tx.savepoint(delivery->tx.context));
        assert_ok(
            delivery->document_add(delivery->context, peer, XD_DOC_RESPONSE, "D", version, &hash, 5, NULL));
        assert_ok(version == 2 ? delivery->tx.undo(delivery->tx.context)
                               : delivery->tx.keep(delivery->tx.context));
    }
    /* A peer that was new in what was undone is new again. */
    assert_ok(delivery->document_add(delivery->context, "P2", XD_DOC_RESPONSE, "E", 1, &hash, 5, NULL));
    stores_commit(world);
    assert_ok(delivery->document_get(delivery->context, "P1", XD_DOC_RESPONSE, "D", 1, &hash, &row));
    assert_int_equal(delivery->document_get(delivery->context, "P2", XD_DOC_RESPONSE, "D", 2, &hash, &row),
                     XD_NOT_FOUND);
    assert_ok(delivery->document_get(delivery->context, "P2", XD_DOC_RESPONSE, "E", 1, &hash, &row));
    assert_ok(delivery->document_get(delivery->context, "P3", XD_DOC_RESPONSE, "D", 3, &hash, &row));
}

static void peers_numbers_are_forgotten_with_a_rollback(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_hash hash = stores_hash(1);
    struct xd_document_row row;
    stores_begin(world);
    assert_ok(delivery->document_add(delivery->context, "A", XD_DOC_RESPONSE, "D", 1, &hash, 5, NULL));
    delivery->tx.rollback(delivery->tx.context);
    stores_begin(world);
    assert_ok(delivery->document_add(delivery->context, "B", XD_DOC_RESPONSE, "D", 1, &hash, 5, NULL));
    assert_ok(delivery->document_add(delivery->context, "A", XD_DOC_RESPONSE, "D", 1, &hash, 5, NULL));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(delivery->document_get(delivery->context, "A", XD_DOC_RESPONSE, "D", 1, &hash, &row));
    assert_ok(delivery->document_get(delivery->context, "B", XD_DOC_RESPONSE, "D", 1, &hash, &row));
}

static void full_store_ends_the_transaction_and_recovers_after_deletes(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    stores_reopen(world, 512 * 1024);
    stores_begin(world);
    uint32_t stream = add_stream(world, "hub", "work");
    stores_commit(world);
    static char body[8192];
    memset(body, 'x', sizeof body - 1);
    uint64_t committed = 0;
    enum xd_result result = XD_OK;
    while (result == XD_OK) {
        stores_begin(world);
        result = add_row(world, stream, committed + 1, body);
        if (result == XD_OK) {
            result = delivery->tx.commit(delivery->tx.context);
            committed += result == XD_OK;
        }
        assert_true(committed < 100);
    }
    assert_int_equal(result, XD_FULL);
    /* Nothing slips through behind the failure. */
    assert_int_equal(delivery->meta_set(delivery->context, "late", "1"), XD_FULL);
    assert_int_equal(delivery->tx.savepoint(delivery->tx.context), XD_FULL);
    assert_int_equal(delivery->tx.commit(delivery->tx.context), XD_FULL);
    delivery->tx.rollback(delivery->tx.context);
    int64_t used = 0;
    int64_t quota = 0;
    assert_ok(delivery->usage(delivery->context, &used, &quota));
    assert_int_equal(quota, 512 * 1024);
    assert_in_range(used, quota * 3 / 4, quota);

    uint64_t last = 0;
    struct xd_hash chain;
    stores_begin(world);
    assert_ok(delivery->outbox_drop(delivery->context, stream, committed, 1000, &last, &chain));
    stores_commit(world);
    assert_int_equal(last, committed);
    int64_t after = 0;
    assert_ok(delivery->usage(delivery->context, &after, &quota));
    assert_true(after < used / 2);
    stores_begin(world);
    assert_ok(add_row(world, stream, committed + 1, body));
    stores_commit(world);
}

/* ---- streams ---- */

static void stream_comes_back_as_it_was_saved(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    stores_begin(world);
    struct xd_stream_row row = a_stream("hub", "work");
    assert_ok(delivery->stream_add(delivery->context, &row));
    struct xd_stream_row again = a_stream("hub", "work");
    assert_int_equal(delivery->stream_add(delivery->context, &again), XD_CONFLICT);
    (void)snprintf(row.epoch, sizeof row.epoch, "0123456789abcdef0123456789abcdef");
    row.next = UINT64_C(1) << 39;
    row.watermark = 41;
    row.chain = stores_hash(7);
    row.floor = 40;
    row.floor_chain = stores_hash(8);
    row.conflict = 43;
    assert_ok(delivery->stream_save(delivery->context, &row));
    struct xd_stream_row absent = row;
    absent.number = row.number + 1;
    assert_int_equal(delivery->stream_save(delivery->context, &absent), XD_NOT_FOUND);
    stores_commit(world);
    stores_reopen(world, 0);
    struct seen seen = {.count = 0};
    assert_ok(delivery->stream_each(delivery->context, NULL, see_stream, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(delivery->stream_each(delivery->context, "hu", see_stream, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(delivery->stream_each(delivery->context, "hub", see_stream, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.stream.number, row.number);
    assert_string_equal(seen.stream.peer, "hub");
    assert_true(seen.stream.sends);
    assert_string_equal(seen.stream.lane, "work");
    assert_string_equal(seen.stream.epoch, row.epoch);
    assert_int_equal(seen.stream.next, row.next);
    assert_int_equal(seen.stream.watermark, 41);
    assert_hash(seen.stream.chain, 7);
    assert_int_equal(seen.stream.floor, 40);
    assert_hash(seen.stream.floor_chain, 8);
    assert_int_equal(seen.stream.conflict, 43);
}

static void a_transaction_knows_whether_it_wrote(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct seen seen = {.count = 0};
    assert_false(delivery->wrote(delivery->context));
    stores_begin(world);
    assert_false(delivery->wrote(delivery->context));
    assert_ok(delivery->stream_each(delivery->context, NULL, see_stream, &seen));
    assert_false(delivery->wrote(delivery->context));
    uint32_t stream = add_stream(world, "hub", "work");
    assert_true(delivery->wrote(delivery->context));
    stores_commit(world);
    assert_false(delivery->wrote(delivery->context));
    stores_begin(world);
    assert_false(delivery->wrote(delivery->context));
    assert_ok(add_row(world, stream, 1, "one"));
    assert_true(delivery->wrote(delivery->context));
    stores_commit(world);
}

static void stream_ends_behind_its_last_row(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    uint64_t last;
    struct xd_hash chain;
    stores_begin(world);
    uint32_t other = add_stream(world, "hub", "bulk");
    struct xd_stream_row row = a_stream("hub", "work");
    row.next = 5;
    row.chain = stores_hash(9);
    assert_ok(delivery->stream_add(delivery->context, &row));
    assert_ok(add_row(world, other, 7, "other"));
    assert_ok(add_row(world, row.number, 3, "below what the stream says itself"));
    struct seen seen = {.count = 0};
    assert_ok(delivery->stream_each(delivery->context, "hub", see_stream, &seen));
    assert_int_equal(seen.stream.number, row.number);
    assert_int_equal(seen.stream.next, 5);
    assert_hash(seen.stream.chain, 9);
    assert_ok(add_row(world, row.number, 5, "five"));
    assert_ok(add_row(world, row.number, 6, "six"));
    stores_commit(world);
    stores_reopen(world, 0);
    assert_ok(delivery->stream_each(delivery->context, "hub", see_stream, &seen));
    assert_int_equal(seen.stream.next, 7);
    assert_ok(delivery->outbox_chain(delivery->context, row.number, 6, &chain));
    assert_memory_equal(seen.stream.chain.bytes, chain.bytes, sizeof chain.bytes);
    stores_begin(world);
    row = seen.stream;
    assert_ok(delivery->stream_save(delivery->context, &row));
    assert_ok(delivery->outbox_drop(delivery->context, row.number, 6, 10, &last, &chain));
    stores_commit(world);
    assert_ok(delivery->stream_each(delivery->context, "hub", see_stream, &seen));
    assert_int_equal(seen.stream.next, 7);
}

static void retired_epoch_stays_retired_for_its_stream(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    stores_begin(world);
    assert_ok(delivery->epoch_retire(delivery->context, 1, "old", 5));
    assert_ok(delivery->epoch_retire(delivery->context, 1, "old", 9));
    stores_commit(world);
    assert_ok(delivery->epoch_retired(delivery->context, 1, "old"));
    assert_int_equal(delivery->epoch_retired(delivery->context, 2, "old"), XD_NOT_FOUND);
    assert_int_equal(delivery->epoch_retired(delivery->context, 1, "new"), XD_NOT_FOUND);
}

/* ---- outbox ---- */

static void outbox_gives_rows_in_order_within_bounds(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    stores_begin(world);
    uint32_t one = add_stream(world, "hub", "work");
    uint32_t two = add_stream(world, "hub", "bulk");
    for (uint64_t sequence = 9; sequence >= 1; sequence--) {
        assert_ok(add_row(world, one, sequence, "one"));
    }
    assert_ok(add_row(world, two, 5, ""));
    assert_int_equal(add_row(world, one, 5, "other"), XD_CONFLICT);
    stores_commit(world);
    struct seen seen = {.count = 0};
    assert_ok(delivery->outbox_read(delivery->context, one, 3, 8, 4, see_row, &seen));
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.sequences[0], 3);
    assert_int_equal(seen.sequences[3], 6);
    assert_string_equal(seen.last_body, "one");
    assert_int_equal(count_rows(world, one), 9);
    assert_int_equal(count_rows(world, two), 1);
    struct xd_hash chain;
    assert_ok(delivery->outbox_chain(delivery->context, one, 4, &chain));
    assert_hash(chain, 104);
    assert_int_equal(delivery->outbox_chain(delivery->context, two, 4, &chain), XD_NOT_FOUND);
}

static void outbox_walk_ends_with_what_the_callback_says(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    stores_begin(world);
    uint32_t stream = add_stream(world, "hub", "work");
    for (uint64_t sequence = 1; sequence <= 5; sequence++) {
        assert_ok(add_row(world, stream, sequence, "b"));
    }
    static const enum xd_result words[] = {XD_NOT_FOUND, XD_AGAIN, XD_INVALID};
    for (size_t i = 0; i < 3; i++) {
        struct seen seen = {.stop = words[i], .stop_at = 1};
        assert_int_equal(delivery->outbox_read(delivery->context, stream, 1, 5, 5, see_row, &seen), words[i]);
        assert_int_equal(seen.count, 2);
    }
    stores_commit(world);
}

static void outbox_moves_a_row_and_keeps_its_document(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_hash fresh = stores_hash(200);
    struct xd_hash chain;
    stores_begin(world);
    uint32_t stream = add_stream(world, "hub", "work");
    assert_ok(add_row(world, stream, 5, "five"));
    assert_ok(add_row(world, stream, 7, "seven"));
    assert_ok(delivery->outbox_move(delivery->context, stream, 7, 7, &fresh));
    assert_int_equal(delivery->outbox_move(delivery->context, stream, 7, 5, &fresh), XD_CONFLICT);
    assert_int_equal(delivery->outbox_move(delivery->context, stream, 6, 1, &fresh), XD_NOT_FOUND);
    assert_ok(delivery->outbox_chain(delivery->context, stream, 7, &chain));
    assert_hash(chain, 200);
    fresh = stores_hash(201);
    assert_ok(delivery->outbox_move(delivery->context, stream, 5, 1, &fresh));
    stores_commit(world);
    assert_int_equal(delivery->outbox_chain(delivery->context, stream, 5, &chain), XD_NOT_FOUND);
    assert_ok(delivery->outbox_chain(delivery->context, stream, 1, &chain));
    assert_hash(chain, 201);
}

static void outbox_drops_the_oldest_first_and_leaves_no_hole(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    uint64_t last = 99;
    struct xd_hash chain;
    stores_begin(world);
    uint32_t stream = add_stream(world, "hub", "work");
    uint32_t other = add_stream(world, "hub", "bulk");
    for (uint64_t sequence = 1; sequence <= 9; sequence++) {
        assert_ok(add_row(world, stream, sequence, "b"));
        assert_ok(add_row(world, other, sequence, "b"));
    }
    assert_ok(delivery->outbox_drop(delivery->context, stream, 0, 10, &last, &chain));
    assert_int_equal(last, 0);
    assert_ok(delivery->outbox_drop(delivery->context, stream, 4, 10, &last, &chain));
    assert_int_equal(last, 4);
    assert_hash(chain, 104);
    assert_int_equal(count_rows(world, stream), 5);
    assert_ok(delivery->outbox_drop(delivery->context, stream, 9, 2, &last, &chain));
    assert_int_equal(last, 6);
    assert_hash(chain, 106);
    assert_ok(delivery->outbox_drop(delivery->context, stream, UINT64_MAX, 10, &last, &chain));
    assert_int_equal(last, 9);
    stores_commit(world);
    assert_int_equal(count_rows(world, stream), 0);
    assert_int_equal(count_rows(world, other), 9);
}

/* ---- above the watermark ---- */

static void above_holds_a_sparse_set_per_stream(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_hash hash;
    struct xd_hash chain;
    stores_begin(world);
    static const uint64_t sequences[] = {7, 3, 12};
    for (size_t i = 0; i < 3; i++) {
        hash = stores_hash((int)sequences[i]);
        chain = stores_hash((int)sequences[i] + 1);
        assert_ok(delivery->above_add(delivery->context, 1, sequences[i], &hash, &chain));
        assert_ok(delivery->above_add(delivery->context, 2, sequences[i], &hash, &chain));
    }
    assert_int_equal(delivery->above_add(delivery->context, 1, 7, &hash, &chain), XD_CONFLICT);
    stores_commit(world);
    assert_ok(delivery->above_get(delivery->context, 1, 7, &hash, &chain));
    assert_hash(hash, 7);
    assert_int_equal(delivery->above_get(delivery->context, 1, 8, &hash, &chain), XD_NOT_FOUND);
    struct seen seen = {.count = 0};
    assert_ok(delivery->above_each(delivery->context, 1, see_above, &seen));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.sequences[0], 3);
    assert_int_equal(seen.sequences[2], 12);
    stores_begin(world);
    assert_ok(delivery->above_drop(delivery->context, 1, 7));
    seen.count = 0;
    assert_ok(delivery->above_each(delivery->context, 1, see_above, &seen));
    assert_int_equal(seen.count, 1);
    assert_ok(delivery->above_drop(delivery->context, 1, UINT64_MAX));
    stores_commit(world);
    seen.count = 0;
    assert_ok(delivery->above_each(delivery->context, 1, see_above, &seen));
    assert_int_equal(seen.count, 0);
    assert_ok(delivery->above_each(delivery->context, 2, see_above, &seen));
    assert_int_equal(seen.count, 3);
}

/* ---- documents ---- */

static enum xd_result add_document(struct store_world *world, const char *peer, int64_t version, int content,
                                   struct xd_document_row *out) {
    struct xd_hash hash = stores_hash(content);
    return world->delivery->document_add(world->delivery->context, peer, XD_DOC_CONFIRMATION, "C-1", version,
                                         &hash, 1000 + content, out);
}

static enum xd_result get_document(struct store_world *world, const char *peer, int64_t version, int content,
                                   struct xd_document_row *out) {
    struct xd_hash hash = stores_hash(content);
    return world->delivery->document_get(world->delivery->context, peer, XD_DOC_CONFIRMATION, "C-1", version,
                                         &hash, out);
}

static void document_is_new_then_a_duplicate_for_good(void **state) {
    struct store_world *world = *state;
    struct xd_document_row row;
    stores_begin(world);
    assert_ok(add_document(world, "WH1", 1, 1, NULL));
    assert_int_equal(add_document(world, "WH1", 1, 1, NULL), XD_DUPLICATE);
    assert_ok(add_document(world, "WH1", 2, 1, NULL)); /* another version */
    assert_ok(add_document(world, "WH2", 1, 1, NULL)); /* another peer */
    stores_commit(world);
    stores_reopen(world, 0);
    stores_begin(world);
    assert_int_equal(add_document(world, "WH1", 1, 1, &row), XD_DUPLICATE);
    stores_commit(world);
    assert_hash(row.hash, 1);
    assert_int_equal(row.at, 1001);
    assert_int_equal(row.fate.version, 0);
    assert_string_equal(row.fate.code, "");
}

static void document_with_other_content_is_a_conflict_and_is_kept(void **state) {
    struct store_world *world = *state;
    struct xd_document_row row;
    stores_begin(world);
    assert_ok(add_document(world, "WH1", 1, 1, NULL));
    assert_int_equal(add_document(world, "WH1", 1, 2, NULL), XD_CONFLICT);
    assert_int_equal(add_document(world, "WH1", 1, 3, NULL), XD_CONFLICT);
    assert_int_equal(add_document(world, "WH1", 1, 2, &row), XD_DUPLICATE);
    stores_commit(world);
    assert_hash(row.hash, 2);
    assert_ok(get_document(world, "WH1", 1, 3, &row));
    assert_int_equal(row.at, 1003);
    assert_int_equal(get_document(world, "WH1", 1, 4, &row), XD_CONFLICT);
    assert_hash(row.hash, 1); /* the first that came */
    assert_int_equal(get_document(world, "WH1", 2, 1, &row), XD_NOT_FOUND);
    assert_int_equal(get_document(world, "WH3", 1, 1, &row), XD_NOT_FOUND);
}

static void document_takes_the_newest_fate(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_fate parked = {.version = 2, .outcome = 1, .code = "unknown_release", .detail = "not here yet"};
    struct xd_fate older = {.version = 1, .outcome = 2};
    struct xd_document_row row;
    stores_begin(world);
    assert_ok(add_document(world, "WH1", 1, 1, NULL));
    assert_int_equal(add_document(world, "WH1", 1, 2, NULL), XD_CONFLICT);
    assert_ok(delivery->document_settle(delivery->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, &parked));
    assert_ok(delivery->document_settle(delivery->context, "WH1", XD_DOC_CONFIRMATION, "C-1", 1, &older));
    assert_int_equal(
        delivery->document_settle(delivery->context, "WH1", XD_DOC_CONFIRMATION, "C-2", 1, &parked),
        XD_NOT_FOUND);
    assert_int_equal(
        delivery->document_settle(delivery->context, "WH9", XD_DOC_CONFIRMATION, "C-1", 1, &parked),
        XD_NOT_FOUND);
    stores_commit(world);
    for (int content = 1; content <= 2; content++) {
        assert_ok(get_document(world, "WH1", 1, content, &row));
        assert_int_equal(row.fate.version, 2);
        assert_int_equal(row.fate.outcome, 1);
        assert_string_equal(row.fate.code, "unknown_release");
        assert_string_equal(row.fate.detail, "not here yet");
    }
}

/* ---- quarantine and small values ---- */

static struct xd_quarantine_row bad_bytes(const char *source, int sha) {
    struct xd_quarantine_row row = {
        .at = 5,
        .source = source,
        .code = "malformed_json",
        .detail = "line 1",
        .sha256 = stores_hash(sha),
        .body = xd_bytes_of_text("{bad"),
    };
    return row;
}

static void quarantine_counts_repeats_instead_of_keeping_them(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    struct xd_quarantine_row first = bad_bytes("crossdock/WH1/confirmation", 1);
    struct xd_quarantine_row repeat = first;
    struct xd_quarantine_row second = bad_bytes("line/WH1", 1);
    stores_begin(world);
    assert_ok(delivery->quarantine_add(delivery->context, &first));
    assert_ok(delivery->quarantine_add(delivery->context, &repeat));
    assert_ok(delivery->quarantine_add(delivery->context, &second));
    stores_commit(world);
    assert_int_equal(repeat.number, first.number);
    assert_int_equal(repeat.times, 2);
    int64_t count = 0;
    assert_ok(delivery->quarantine_count(delivery->context, &count));
    assert_int_equal(count, 2);
    struct seen seen = {.count = 0};
    assert_ok(delivery->quarantine_each(delivery->context, 0, 1, see_quarantine, &seen));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.times, 2);
    assert_string_equal(seen.last_body, "{bad");
    assert_ok(delivery->quarantine_each(delivery->context, first.number, 10, see_quarantine, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[1], second.number);
}

static void meta_values_replace_and_must_fit(void **state) {
    struct store_world *world = *state;
    struct xd_delivery_store *delivery = world->delivery;
    char value[6];
    stores_begin(world);
    assert_ok(delivery->meta_set(delivery->context, "a", "first"));
    assert_ok(delivery->meta_set(delivery->context, "a", "12345"));
    assert_ok(delivery->meta_set(delivery->context, "b", "123456"));
    stores_commit(world);
    assert_ok(delivery->meta_get(delivery->context, "a", value, sizeof value));
    assert_string_equal(value, "12345");
    assert_int_equal(delivery->meta_get(delivery->context, "b", value, sizeof value), XD_INVALID);
    assert_int_equal(delivery->meta_get(delivery->context, "c", value, sizeof value), XD_NOT_FOUND);
}

/* ---- a site's releases ---- */

static struct xd_held_release a_release(const char *id, int64_t revision, uint64_t sequence) {
    struct xd_held_release row = {
        .revision = revision,
        .purpose = 1,
        .epoch = "e1",
        .sequence = sequence,
        .hash = stores_hash((int)sequence),
        .received_at = (xd_ms)sequence * 1000,
        .body = xd_bytes_of_text("{}"),
    };
    (void)snprintf(row.release_id, sizeof row.release_id, "%s", id);
    return row;
}

static int64_t hold(struct store_world *world, const char *id, int64_t revision, uint64_t sequence) {
    struct xd_held_release row = a_release(id, revision, sequence);
    assert_ok(world->site.release_add(world->site.context, &row));
    return row.number;
}

static void held_release_is_found_by_its_highest_revision(void **state) {
    struct store_world *world = *state;
    struct xd_site_store *site = &world->site;
    struct xd_held_release row;
    stores_begin(world);
    (void)hold(world, "R1", 1, 1);
    int64_t number = hold(world, "R1", 3, 2);
    (void)hold(world, "R1", 2, 3);
    struct xd_held_release again = a_release("R1", 3, 9);
    assert_int_equal(site->release_add(site->context, &again), XD_DUPLICATE);
    stores_commit(world);
    assert_ok(site->release_get(site->context, "R1", &row));
    assert_int_equal(row.number, number);
    assert_int_equal(row.revision, 3);
    assert_int_equal(row.purpose, 1);
    assert_int_equal(row.state, XD_HELD_OPEN);
    assert_false(row.published);
    assert_string_equal(row.epoch, "e1");
    assert_int_equal(row.sequence, 2);
    assert_int_equal(row.received_at, 2000);
    assert_int_equal(site->release_get(site->context, "R2", &row), XD_NOT_FOUND);
}

static void earlier_revisions_of_a_release_are_found_one_below_the_other(void **state) {
    struct store_world *world = *state;
    struct xd_site_store *site = &world->site;
    struct xd_held_release row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    stores_begin(world);
    (void)hold(world, "R1", 1, 1);
    (void)hold(world, "R1", 4, 2);
    (void)hold(world, "R2", 2, 3);
    (void)hold(world, "R1", 3, 4);
    stores_commit(world);
    assert_ok(site->release_before(site->context, "R1", 4, &row, &body));
    assert_int_equal(row.revision, 3);
    assert_string_equal(row.release_id, "R1");
    assert_string_equal(xd_buffer_string(&body), "{}");
    assert_ok(site->release_before(site->context, "R1", 3, &row, &body));
    assert_int_equal(row.revision, 1);
    assert_string_equal(xd_buffer_string(&body), "{}{}");
    assert_int_equal(site->release_before(site->context, "R1", 1, &row, &body), XD_NOT_FOUND);
    xd_buffer_free(&body);
}

static void open_releases_come_in_order_of_arrival_until_answered(void **state) {
    struct store_world *world = *state;
    struct xd_site_store *site = &world->site;
    stores_begin(world);
    int64_t first = hold(world, "R1", 1, 1);
    int64_t second = hold(world, "R2", 1, 2);
    int64_t third = hold(world, "R3", 1, 3);
    assert_ok(site->release_set(site->context, second, XD_HELD_ANSWERED, true));
    assert_ok(site->release_set(site->context, third, XD_HELD_OPEN, true));
    assert_int_equal(site->release_set(site->context, third + 1, XD_HELD_OPEN, true), XD_NOT_FOUND);
    stores_commit(world);
    int64_t count = 0;
    assert_ok(site->release_count_open(site->context, &count));
    assert_int_equal(count, 2);
    struct seen seen = {.count = 0};
    assert_ok(site->release_open(site->context, 0, 10, see_held, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], first);
    assert_int_equal(seen.numbers[1], third);
    assert_true(seen.held.published);
    assert_string_equal(seen.last_body, "{}");
    assert_ok(site->release_open(site->context, first, 1, see_held, &seen));
    assert_int_equal(seen.numbers[2], third);
}

static void releases_of_any_state_come_in_order_of_arrival(void **state) {
    struct store_world *world = *state;
    struct xd_site_store *site = &world->site;
    struct seen seen = {.count = 0};
    stores_begin(world);
    int64_t first = hold(world, "R1", 1, 9);
    int64_t second = hold(world, "R2", 1, 4);
    int64_t third = hold(world, "R3", 1, 7);
    assert_ok(site->release_set(site->context, second, XD_HELD_ANSWERED, true));
    stores_commit(world);
    assert_ok(site->release_since(site->context, first, 10, see_held, &seen));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], second);
    assert_int_equal(seen.numbers[1], third);
    assert_ok(site->release_since(site->context, 0, 1, see_held, &seen));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.numbers[2], first);
}

static void dropped_releases_are_done_and_old_and_give_their_number_to_no_other(void **state) {
    struct store_world *world = *state;
    struct xd_site_store *site = &world->site;
    struct xd_held_release row;
    stores_begin(world);
    (void)hold(world, "R1", 1, 1);
    int64_t second = hold(world, "R2", 1, 2);
    int64_t third = hold(world, "R3", 1, 3);
    assert_ok(site->release_set(site->context, second, XD_HELD_ANSWERED, true));
    assert_ok(site->release_set(site->context, third, XD_HELD_REPLACED, false));
    int64_t last = 0;
    assert_ok(site->release_last(site->context, &last));
    assert_int_equal(last, third);
    assert_ok(site->release_drop(site->context, second, 10));
    assert_int_equal(site->release_get(site->context, "R2", &row), XD_NOT_FOUND);
    assert_ok(site->release_get(site->context, "R1", &row));
    assert_ok(site->release_get(site->context, "R3", &row));
    assert_ok(site->release_drop(site->context, INT64_MAX, 10));
    assert_int_equal(site->release_get(site->context, "R3", &row), XD_NOT_FOUND);
    assert_true(hold(world, "R4", 1, 4) > third);
    stores_commit(world);
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, stores_setup_site, stores_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SITE_TEST(transaction_keeps_what_is_committed_only),
        SITE_TEST(transaction_lost_with_the_process_leaves_nothing),
        SITE_TEST(savepoint_undoes_one_event_and_keeps_the_others),
        SITE_TEST(peers_numbers_are_forgotten_with_a_rollback),
        SITE_TEST(full_store_ends_the_transaction_and_recovers_after_deletes),
        SITE_TEST(stream_comes_back_as_it_was_saved),
        SITE_TEST(a_transaction_knows_whether_it_wrote),
        SITE_TEST(stream_ends_behind_its_last_row),
        SITE_TEST(retired_epoch_stays_retired_for_its_stream),
        SITE_TEST(outbox_gives_rows_in_order_within_bounds),
        SITE_TEST(outbox_walk_ends_with_what_the_callback_says),
        SITE_TEST(outbox_moves_a_row_and_keeps_its_document),
        SITE_TEST(outbox_drops_the_oldest_first_and_leaves_no_hole),
        SITE_TEST(above_holds_a_sparse_set_per_stream),
        SITE_TEST(document_is_new_then_a_duplicate_for_good),
        SITE_TEST(document_with_other_content_is_a_conflict_and_is_kept),
        SITE_TEST(document_takes_the_newest_fate),
        SITE_TEST(quarantine_counts_repeats_instead_of_keeping_them),
        SITE_TEST(meta_values_replace_and_must_fit),
        SITE_TEST(held_release_is_found_by_its_highest_revision),
        SITE_TEST(earlier_revisions_of_a_release_are_found_one_below_the_other),
        SITE_TEST(open_releases_come_in_order_of_arrival_until_answered),
        SITE_TEST(releases_of_any_state_come_in_order_of_arrival),
        SITE_TEST(dropped_releases_are_done_and_old_and_give_their_number_to_no_other),
    };
    int failed = 0;
    for (size_t i = 0; i < store_maker_count; i++) {
        stores_current = &store_makers[i];
        failed += cmocka_run_group_tests_name(stores_current->name, tests, NULL, NULL);
    }
    return failed;
}
