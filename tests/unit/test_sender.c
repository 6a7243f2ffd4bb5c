/* The sending end of a stream: numbers, chain, what is sent again, and verdicts. */
#include "delivery/sender.h"
#include "support/store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct store_world world;
static struct xd_sender sender;

static int open_sender(void **state) {
    struct xd_stream_row row;
    (void)state;
    store_world_open(&world);
    store_world_stream(&world, true, "work", &row);
    xd_sender_open(&sender, &row);
    return 0;
}

static int close_sender(void **state) {
    (void)state;
    store_world_close(&world);
    return 0;
}

static void append(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "D%llu", (unsigned long long)sender.row.next);
        struct xd_outbox_row row = {.kind = XD_DOC_INVENTORY,
                                    .document_id = id,
                                    .version = 1,
                                    .hash = xd_sha256(xd_bytes_of_text(id)),
                                    .accepted_at = (xd_ms)(1000 * sender.row.next),
                                    .body = xd_bytes_of_text("{}")};
        assert_int_equal(xd_sender_append(&sender, &world.store.delivery, &row), XD_OK);
    }
    assert_true(xd_sender_check(&sender));
}

static struct xd_hash chain_at(uint64_t sequence) {
    struct xd_hash chain;
    memset(&chain, 0, sizeof chain);
    if (sequence > 0) {
        assert_int_equal(world.store.delivery.outbox_chain(world.store.delivery.context, sender.row.number,
                                                           sequence, &chain),
                         XD_OK);
    }
    return chain;
}

/* What a peer says that has all up to watermark. */
static struct xd_link_receive told(uint64_t watermark) {
    struct xd_link_receive peer = {.lane = "work", .epoch = sender.row.epoch, .watermark = watermark};
    if (watermark < sender.row.next && watermark >= sender.row.floor) {
        peer.chain = watermark == sender.row.floor ? sender.row.floor_chain : chain_at(watermark);
    }
    return peer;
}

static enum xd_verdict welcome(const struct xd_link_receive *peer, struct xd_rewind *rewind) {
    enum xd_verdict verdict = XD_VERDICT_NEW_EPOCH;
    assert_int_equal(
        xd_sender_welcome(&sender, &world.store.delivery, &world.env, peer, 500, &verdict, rewind), XD_OK);
    assert_true(xd_sender_check(&sender));
    return verdict;
}

/* Hello, and the answer of a peer that has nothing above its watermark. */
static enum xd_verdict handshake(uint64_t watermark, struct xd_rewind *rewind) {
    struct xd_rewind unused;
    struct xd_link_receive peer = told(watermark);
    xd_sender_asked(&sender);
    if (watermark + 1 < sender.row.next) {
        peer.missing[peer.missing_count++] = (struct xd_range){watermark + 1, sender.row.next - 1};
    }
    return welcome(&peer, rewind != NULL ? rewind : &unused);
}

static enum xd_result covered(uint64_t watermark) {
    struct xd_link_receive peer = told(watermark);
    enum xd_result result = xd_sender_covered(&sender, &world.store.delivery, &peer, 900);
    assert_true(xd_sender_check(&sender));
    return result;
}

static void expect_next(uint64_t first, uint64_t last) {
    uint64_t from = 0, to = 0;
    assert_true(xd_sender_peek(&sender, 1000000, &from, &to));
    assert_int_equal(from, first);
    assert_int_equal(to, last);
    xd_sender_took(&sender, to);
    assert_true(xd_sender_check(&sender));
}

static void expect_nothing(void) {
    uint64_t from, to;
    assert_false(xd_sender_peek(&sender, 1000000, &from, &to));
    assert_int_equal(xd_sender_waiting(&sender), 0);
}

/* ---- appending ---- */

static void numbers_have_no_hole_after_an_undo(void **state) {
    struct xd_stream_row row;
    (void)state;
    append(2);
    store_world_commit(&world);
    struct xd_hash chain = sender.row.chain;
    append(3);
    store_world_rollback(&world);
    store_world_stream(&world, true, "work", &row);
    xd_sender_reload(&sender, &row);
    assert_int_equal(sender.row.next, 3);
    assert_true(xd_hash_equal(&sender.row.chain, &chain));
    append(1);
    assert_int_equal(sender.row.next, 4);
    assert_int_equal(xd_sender_backlog(&sender), 3);
}

/* A full disk fails a batch each second, and a backlog may be long. */
static void a_failed_batch_sends_nothing_again_but_what_a_handshake_misses(void **state) {
    struct xd_stream_row row;
    (void)state;
    append(4);
    store_world_commit(&world);
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    store_world_commit(&world);
    expect_next(1, 4);
    append(2);
    expect_next(5, 6);
    store_world_rollback(&world);
    store_world_stream(&world, true, "work", &row);
    xd_sender_reload(&sender, &row);
    assert_true(xd_sender_check(&sender));
    expect_nothing();
    append(1);
    expect_next(5, 5); /* another one, under the number that was undone */
    expect_nothing();
    assert_int_equal(handshake(3, NULL), XD_VERDICT_GOOD);
    expect_next(4, 5);
    expect_nothing();
}

/* ---- what the store learns of the peer ---- */

static void settle(xd_ms monotonic) {
    assert_int_equal(xd_sender_settle(&sender, &world.store.delivery, monotonic), XD_OK);
}

static uint64_t stored_watermark(void) {
    struct xd_stream_row row;
    store_world_stream(&world, true, "work", &row);
    return row.watermark;
}

static void what_is_covered_is_stored_with_what_else_is_written(void **state) {
    (void)state;
    append(3);
    store_world_commit(&world);
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    assert_int_equal(covered(2), XD_OK);
    settle(901);
    assert_int_equal(xd_sender_backlog(&sender), 1);
    assert_int_equal(stored_watermark(), 0); /* no commit for that alone */
    append(1);
    settle(902);
    assert_int_equal(stored_watermark(), 2);
}

static void what_is_covered_is_stored_alone_after_a_while(void **state) {
    (void)state;
    append(3);
    store_world_commit(&world);
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    assert_int_equal(covered(2), XD_OK);
    settle(900 + 4999);
    assert_int_equal(stored_watermark(), 0);
    assert_int_equal(covered(3), XD_OK); /* does not begin the time anew */
    settle(900 + 5000);
    assert_int_equal(stored_watermark(), 3);
}

static void what_was_covered_and_not_stored_is_told_again(void **state) {
    struct xd_stream_row row;
    (void)state;
    append(3);
    store_world_commit(&world);
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    expect_next(1, 3);
    assert_int_equal(covered(2), XD_OK);
    store_world_stream(&world, true, "work", &row);
    xd_sender_open(&sender, &row); /* another life */
    assert_int_equal(xd_sender_backlog(&sender), 3);
    assert_int_equal(handshake(2, NULL), XD_VERDICT_GOOD);
    assert_int_equal(xd_sender_backlog(&sender), 1);
    expect_next(3, 3);
    expect_nothing();
}

/* ---- sending ---- */

static void nothing_is_handed_out_before_the_welcome(void **state) {
    (void)state;
    append(3);
    expect_nothing();
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    assert_int_equal(xd_sender_waiting(&sender), 3);
    expect_next(1, 3);
    expect_nothing();
}

static void what_is_appended_between_hello_and_welcome_is_sent(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(2);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(2); /* it has all that the hello spoke of */
    append(3);
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    expect_next(3, 5);
    expect_nothing();
}

static void only_what_is_missing_is_sent_again(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(10);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(2);
    peer.missing[0] = (struct xd_range){3, 4};
    peer.missing[1] = (struct xd_range){7, 7};
    peer.missing_count = 2;
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    assert_int_equal(xd_sender_waiting(&sender), 3);
    expect_next(3, 4);
    expect_next(7, 7);
    expect_nothing();
}

static void more_gaps_than_can_be_told_are_all_filled(void **state) {
    struct xd_rewind rewind;
    bool sent[301] = {false};
    (void)state;
    append(300);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(0);
    for (size_t i = 0; i < XD_LINK_MISSING_MAX; i++) { /* 1, 3, 5, ... are missing; it cannot tell of all */
        peer.missing[i] = (struct xd_range){2 * i + 1, 2 * i + 1};
    }
    peer.missing_count = XD_LINK_MISSING_MAX;
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    uint64_t first, last;
    while (xd_sender_peek(&sender, 7, &first, &last)) {
        assert_true(last - first < 7);
        for (uint64_t sequence = first; sequence <= last; sequence++) {
            sent[sequence] = true;
        }
        xd_sender_took(&sender, last);
    }
    for (uint64_t sequence = 1; sequence <= 300; sequence++) {
        assert_true(sent[sequence] || (sequence % 2 == 0 && sequence < 2 * XD_LINK_MISSING_MAX));
    }
}

static void losses_are_sent_again_however_many(void **state) {
    bool sent[401] = {false};
    (void)state;
    append(400);
    (void)handshake(0, NULL);
    expect_next(1, 400);
    for (uint64_t sequence = 400; sequence > 0; sequence -= 2) {
        xd_sender_lost(&sender, sequence);
        assert_true(xd_sender_check(&sender));
    }
    uint64_t first, last;
    while (xd_sender_peek(&sender, 1000, &first, &last)) {
        for (uint64_t sequence = first; sequence <= last; sequence++) {
            sent[sequence] = true;
        }
        xd_sender_took(&sender, last);
    }
    for (uint64_t sequence = 2; sequence <= 400; sequence += 2) {
        assert_true(sent[sequence]);
    }
}

static void what_is_lost_between_hello_and_welcome_is_sent_again(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(2);
    (void)handshake(0, NULL);
    expect_next(1, 2);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(2);
    append(2);
    expect_next(3, 4);
    xd_sender_lost(&sender, 4); /* returned by the broker */
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    expect_next(4, 4);
    expect_nothing();
}

/* ---- acks ---- */

static void an_ack_covers_and_takes_away_what_was_to_be_sent_again(void **state) {
    (void)state;
    append(10);
    (void)handshake(0, NULL);
    expect_next(1, 10);
    xd_sender_lost(&sender, 9);
    xd_sender_lost(&sender, 3);
    xd_sender_lost(&sender, 4);
    assert_int_equal(covered(4), XD_OK);
    assert_int_equal(xd_sender_backlog(&sender), 6);
    expect_next(9, 9);
    expect_nothing();
    assert_int_equal(covered(2), XD_OK); /* overtaken */
    assert_int_equal(sender.row.watermark, 4);
}

static void an_ack_of_another_history_covers_nothing(void **state) {
    (void)state;
    append(5);
    assert_int_equal(covered(3), XD_OK); /* not welcomed: told to another life */
    assert_int_equal(sender.row.watermark, 0);
    (void)handshake(0, NULL);
    struct xd_link_receive peer = told(3);
    peer.chain.bytes[0] ^= 1; /* a clone's third document */
    assert_int_equal(xd_sender_covered(&sender, &world.store.delivery, &peer, 0), XD_CONFLICT);
    peer = told(3);
    peer.epoch = "another";
    assert_int_equal(xd_sender_covered(&sender, &world.store.delivery, &peer, 0), XD_CONFLICT);
    peer = told(6); /* ahead of us */
    assert_int_equal(xd_sender_covered(&sender, &world.store.delivery, &peer, 0), XD_CONFLICT);
    peer = told(3);
    peer.conflict = 4;
    assert_int_equal(xd_sender_covered(&sender, &world.store.delivery, &peer, 0), XD_CONFLICT);
    assert_int_equal(sender.row.watermark, 0);
    assert_int_equal(covered(3), XD_OK);
    assert_int_equal(sender.row.watermark, 3);
}

static void confirmed_but_not_covered_is_stuck(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(3);
    (void)handshake(0, NULL);
    expect_next(1, 3);
    xd_sender_sent(&sender, 2, 100);
    assert_int_equal(sender.stuck_since, 100);
    xd_sender_sent(&sender, 3, 200);
    assert_int_equal(covered(1), XD_OK);
    assert_int_equal(sender.stuck_since, 900); /* it moved */
    assert_int_equal(covered(3), XD_OK);
    assert_int_equal(sender.stuck_since, 0);
    /* Confirmed between hello and welcome: no answer speaks of it. */
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(3);
    append(1);
    expect_next(4, 4);
    xd_sender_sent(&sender, 4, 300);
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    assert_int_equal(sender.stuck_since, 500);
}

/* ---- verdicts ---- */

static void a_peer_that_lost_what_it_covered_gets_it_again(void **state) {
    (void)state;
    append(8);
    (void)handshake(0, NULL);
    expect_next(1, 8);
    assert_int_equal(covered(8), XD_OK);
    assert_int_equal(handshake(3, NULL), XD_VERDICT_BEHIND);
    assert_int_equal(sender.row.watermark, 3);
    expect_next(4, 8);
}

static void a_welcome_overtaken_by_an_ack_is_no_loss(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(8);
    (void)handshake(0, NULL);
    expect_next(1, 8);
    assert_int_equal(covered(2), XD_OK);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(2);
    assert_int_equal(covered(8), XD_OK);
    bool more;
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, UINT64_MAX, 100, &more), XD_OK);
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    assert_int_equal(sender.row.watermark, 8);
}

static void a_sender_that_went_back_names_what_is_missing(void **state) {
    struct xd_rewind rewind;
    char epoch[XD_EPOCH_SIZE];
    (void)state;
    append(5);
    memcpy(epoch, sender.row.epoch, sizeof epoch);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(0);
    peer.watermark = 7;
    peer.conflict = 9; /* the highest it has */
    append(4);         /* also when new ones took their numbers meanwhile */
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_NEW_EPOCH);
    assert_string_equal(rewind.epoch, epoch);
    assert_int_equal(rewind.first, 6);
    assert_int_equal(rewind.last, 9);
    assert_string_not_equal(sender.row.epoch, epoch);
    assert_false(sender.ready);
    assert_int_equal(xd_sender_backlog(&sender), 9);
    assert_int_equal(
        world.store.delivery.epoch_retired(world.store.delivery.context, sender.row.number, epoch), XD_OK);
}

static void a_conflict_behind_the_hello_is_not_its_business(void **state) {
    struct xd_rewind rewind;
    (void)state;
    append(2);
    (void)handshake(0, NULL);
    expect_next(1, 2);
    xd_sender_asked(&sender);
    append(2);
    struct xd_link_receive peer = told(4); /* it answers an old copy of that hello */
    peer.conflict = 4;
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_GOOD);
    peer.conflict = 2;
    xd_sender_asked(&sender);
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_NEW_EPOCH);
}

static void a_new_epoch_renumbers_all_that_is_held(void **state) {
    struct xd_rewind rewind;
    bool more;
    (void)state;
    append(600); /* several batches */
    (void)handshake(0, NULL);
    expect_next(1, 600);
    assert_int_equal(covered(400), XD_OK);
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, 100, 1000, &more), XD_OK);
    assert_int_equal(sender.row.floor, 100);
    xd_sender_asked(&sender);
    struct xd_link_receive peer = told(400);
    peer.chain.bytes[5] ^= 1;
    assert_int_equal(welcome(&peer, &rewind), XD_VERDICT_NEW_EPOCH);
    assert_int_equal(rewind.last, 0);
    assert_int_equal(sender.row.next, 501);
    assert_int_equal(sender.row.watermark, 0);
    struct xd_hash last = chain_at(500);
    assert_true(xd_hash_equal(&last, &sender.row.chain));
    assert_int_equal(handshake(0, NULL), XD_VERDICT_GOOD);
    expect_next(1, 500);
}

static void a_peer_behind_the_floor_means_a_new_epoch_and_says_what_is_gone(void **state) {
    struct xd_rewind rewind;
    bool more;
    (void)state;
    append(10);
    (void)handshake(0, NULL);
    expect_next(1, 10);
    assert_int_equal(covered(9), XD_OK);
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, UINT64_MAX, 4, &more), XD_OK);
    assert_true(more);
    assert_int_equal(sender.row.floor, 4);
    assert_int_equal(handshake(4, &rewind), XD_VERDICT_BEHIND);
    assert_int_equal(handshake(2, &rewind), XD_VERDICT_NEW_EPOCH);
    assert_int_equal(rewind.first, 3);
    assert_int_equal(rewind.last, 4);
    assert_int_equal(sender.row.next, 7);
}

static void rows_are_trimmed_when_covered_and_old(void **state) {
    bool more;
    (void)state;
    append(10);
    (void)handshake(0, NULL);
    expect_next(1, 10);
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, UINT64_MAX, 100, &more), XD_OK);
    assert_int_equal(sender.row.floor, 0);
    assert_int_equal(covered(6), XD_OK);
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, 4, 100, &more), XD_OK);
    assert_int_equal(sender.row.floor, 4);
    assert_int_equal(xd_sender_trim(&sender, &world.store.delivery, UINT64_MAX, 100, &more), XD_OK);
    assert_int_equal(sender.row.floor, 6);
    assert_false(more);
    assert_true(xd_sender_check(&sender));
    assert_int_equal(covered(8), XD_OK);
}

#define WITH_A_SENDER(test_) cmocka_unit_test_setup_teardown(test_, open_sender, close_sender)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_A_SENDER(numbers_have_no_hole_after_an_undo),
        WITH_A_SENDER(a_failed_batch_sends_nothing_again_but_what_a_handshake_misses),
        WITH_A_SENDER(what_is_covered_is_stored_with_what_else_is_written),
        WITH_A_SENDER(what_is_covered_is_stored_alone_after_a_while),
        WITH_A_SENDER(what_was_covered_and_not_stored_is_told_again),
        WITH_A_SENDER(nothing_is_handed_out_before_the_welcome),
        WITH_A_SENDER(what_is_appended_between_hello_and_welcome_is_sent),
        WITH_A_SENDER(only_what_is_missing_is_sent_again),
        WITH_A_SENDER(more_gaps_than_can_be_told_are_all_filled),
        WITH_A_SENDER(losses_are_sent_again_however_many),
        WITH_A_SENDER(what_is_lost_between_hello_and_welcome_is_sent_again),
        WITH_A_SENDER(an_ack_covers_and_takes_away_what_was_to_be_sent_again),
        WITH_A_SENDER(an_ack_of_another_history_covers_nothing),
        WITH_A_SENDER(confirmed_but_not_covered_is_stuck),
        WITH_A_SENDER(a_peer_that_lost_what_it_covered_gets_it_again),
        WITH_A_SENDER(a_welcome_overtaken_by_an_ack_is_no_loss),
        WITH_A_SENDER(a_sender_that_went_back_names_what_is_missing),
        WITH_A_SENDER(a_conflict_behind_the_hello_is_not_its_business),
        WITH_A_SENDER(a_new_epoch_renumbers_all_that_is_held),
        WITH_A_SENDER(a_peer_behind_the_floor_means_a_new_epoch_and_says_what_is_gone),
        WITH_A_SENDER(rows_are_trimmed_when_covered_and_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
