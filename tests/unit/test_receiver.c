/* The receiving end of a stream: duplicates, gaps, another history, epochs. */
#include "delivery/receiver.h"
#include "support/store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define CHAINS 4096u

static struct store_world world;
static struct xd_receiver receiver;
static struct xd_hash hashes[CHAINS], chains[CHAINS]; /* of a sender's history, from 1 */

static struct xd_hash hash_of(const char *history, uint64_t sequence) {
    char text[32];
    (void)snprintf(text, sizeof text, "%s%llu", history, (unsigned long long)sequence);
    return xd_sha256(xd_bytes_of_text(text));
}

static int open_receiver(void **state) {
    struct xd_stream_row row;
    (void)state;
    store_world_open(&world);
    store_world_stream(&world, false, "work", &row);
    xd_receiver_init(&receiver);
    for (uint64_t i = 1; i < CHAINS; i++) {
        hashes[i] = hash_of("D", i);
        chains[i] = xd_chain(&chains[i - 1], &hashes[i]);
    }
    return xd_receiver_load(&receiver, &world.store.delivery, &row) != XD_OK;
}

static int close_receiver(void **state) {
    (void)state;
    xd_receiver_free(&receiver);
    store_world_close(&world);
    return 0;
}

static enum xd_news hello(const char *epoch, uint64_t next) {
    enum xd_news news = XD_NEWS_SAME;
    struct xd_link_send peer = {.lane = "work", .epoch = epoch, .next = next};
    assert_int_equal(xd_receiver_hello(&receiver, &world.store.delivery, &peer, &news), XD_OK);
    assert_true(xd_receiver_check(&receiver));
    return news;
}

static enum xd_arrival look(const char *epoch, uint64_t sequence, bool known) {
    return xd_receiver_look(&receiver, epoch, sequence, &hashes[sequence], &chains[sequence], known);
}

static void take(uint64_t sequence) {
    assert_int_equal(look("e1", sequence, false), XD_ARRIVAL_NEW);
    assert_int_equal(
        xd_receiver_take(&receiver, &world.store.delivery, sequence, &hashes[sequence], &chains[sequence]),
        XD_OK);
    assert_true(xd_receiver_check(&receiver));
}

static void reload(void) {
    struct xd_stream_row row;
    store_world_stream(&world, false, "work", &row);
    assert_int_equal(xd_receiver_load(&receiver, &world.store.delivery, &row), XD_OK);
    assert_true(xd_receiver_check(&receiver));
}

static void nothing_is_placed_before_a_hello_named_the_epoch(void **state) {
    (void)state;
    assert_int_equal(look("e1", 1, false), XD_ARRIVAL_FORGET);
    assert_int_equal(hello("e1", 1), XD_NEWS_ADOPTED);
    assert_int_equal(look("e1", 1, false), XD_ARRIVAL_NEW);
    assert_int_equal(look("e2", 1, false), XD_ARRIVAL_FORGET);
    assert_int_equal(look("e1", 0, false), XD_ARRIVAL_FORGET);
}

static void the_watermark_follows_without_gaps_in_any_order(void **state) {
    static const uint64_t order[] = {3, 1, 5, 4, 2};
    static const uint64_t watermarks[] = {0, 1, 1, 1, 5};
    (void)state;
    (void)hello("e1", 1);
    for (size_t i = 0; i < 5; i++) {
        take(order[i]);
        assert_int_equal(receiver.row.watermark, watermarks[i]);
        reload(); /* all of it is in the store */
        assert_int_equal(receiver.row.watermark, watermarks[i]);
        assert_int_equal(look("e1", order[i], true), XD_ARRIVAL_REPEAT);
    }
    assert_true(xd_hash_equal(&receiver.row.chain, &chains[5]));
    assert_int_equal(receiver.above.count, 0);
}

static void gaps_are_told_up_to_what_the_sender_gives_next(void **state) {
    struct xd_link_receive tell;
    (void)state;
    (void)hello("e1", 1);
    take(1);
    take(4);
    take(6);
    xd_receiver_tell(&receiver, 0, &tell);
    assert_int_equal(tell.watermark, 1);
    assert_int_equal(tell.missing_count, 2);
    assert_int_equal(tell.missing[0].first, 2);
    assert_int_equal(tell.missing[0].last, 3);
    assert_int_equal(tell.missing[1].first, 5);
    xd_receiver_tell(&receiver, 9, &tell);
    assert_int_equal(tell.missing_count, 3);
    assert_int_equal(tell.missing[2].first, 7);
    assert_int_equal(tell.missing[2].last, 9);
    assert_int_equal(xd_receiver_highest(&receiver), 6);
}

static void other_content_at_a_place_is_a_conflict_and_stops_the_stream(void **state) {
    struct xd_link_receive tell;
    struct xd_hash other = hash_of("X", 2);
    (void)state;
    (void)hello("e1", 1);
    take(1);
    take(2);
    assert_int_equal(xd_receiver_look(&receiver, "e1", 2, &other, &chains[2], false), XD_ARRIVAL_CONFLICT);
    assert_int_equal(xd_receiver_look(&receiver, "e1", 3, &other, &chains[3], false), XD_ARRIVAL_CONFLICT);
    assert_int_equal(xd_receiver_mark(&receiver, &world.store.delivery, 3), XD_OK);
    assert_int_equal(look("e1", 3, false), XD_ARRIVAL_FORGET);
    reload();
    assert_int_equal(look("e1", 3, false), XD_ARRIVAL_FORGET);
    xd_receiver_tell(&receiver, 0, &tell);
    assert_int_equal(tell.conflict, 3);
    assert_int_equal(hello("e2", 1), XD_NEWS_ADOPTED);
    assert_int_equal(look("e2", 1, false), XD_ARRIVAL_NEW);
}

static void what_came_above_must_continue_the_chain(void **state) {
    struct xd_hash other = hash_of("X", 3);
    struct xd_hash other_chain = xd_chain(&chains[2], &other);
    (void)state;
    (void)hello("e1", 1);
    take(1);
    assert_int_equal(xd_receiver_take(&receiver, &world.store.delivery, 3, &other, &other_chain), XD_OK);
    take(5);
    take(2); /* 3 continues it, as its own chain says */
    assert_int_equal(receiver.row.watermark, 3);
    assert_int_equal(receiver.row.conflict, 0);
    /* 4 continues it in its sender's eyes, but 5 is of another history. */
    struct xd_hash fourth = hash_of("X", 4);
    struct xd_hash fourth_chain = xd_chain(&other_chain, &fourth);
    assert_int_equal(xd_receiver_take(&receiver, &world.store.delivery, 4, &fourth, &fourth_chain),
                     XD_CONFLICT);
    assert_int_equal(receiver.row.watermark, 4); /* which was applied */
    assert_int_equal(receiver.row.conflict, 5);
    assert_true(xd_receiver_check(&receiver));
    reload();
    assert_int_equal(receiver.above.count, 0);
}

static void epochs_are_adopted_once_and_never_come_back(void **state) {
    (void)state;
    (void)hello("e1", 1);
    take(1);
    take(3);
    assert_int_equal(hello("e1", 4), XD_NEWS_SAME);
    assert_int_equal(hello("e2", 1), XD_NEWS_ADOPTED);
    assert_int_equal(receiver.row.watermark, 0);
    assert_int_equal(receiver.above.count, 0);
    assert_int_equal(hello("e1", 4), XD_NEWS_RETIRED);
    assert_string_equal(receiver.row.epoch, "e2");
    assert_int_equal(look("e1", 2, false), XD_ARRIVAL_FORGET);
    reload();
    assert_int_equal(receiver.above.count, 0);
    assert_int_equal(hello("e1", 4), XD_NEWS_RETIRED);
}

static void a_sender_that_has_not_given_what_came_went_back(void **state) {
    (void)state;
    (void)hello("e1", 1);
    take(1);
    take(2);
    assert_int_equal(hello("e1", 3), XD_NEWS_SAME);
    assert_int_equal(hello("e1", 2), XD_NEWS_REGRESSED);
    take(7);
    assert_int_equal(hello("e1", 7), XD_NEWS_REGRESSED);
    assert_int_equal(receiver.row.watermark, 2);
}

static void beyond_so_many_ranges_it_is_forgotten_but_gaps_can_be_filled(void **state) {
    (void)state;
    (void)hello("e1", 1);
    for (uint64_t i = 1; i <= XD_RANGES_MAX; i++) {
        take(2 * i);
    }
    assert_int_equal(receiver.above.count, XD_RANGES_MAX);
    assert_int_equal(look("e1", 2 * XD_RANGES_MAX + 2, false), XD_ARRIVAL_FORGET);
    take(2 * XD_RANGES_MAX + 1); /* joins the last range */
    take(3);                     /* joins two */
    assert_int_equal(look("e1", 2 * XD_RANGES_MAX + 3, false), XD_ARRIVAL_NEW);
    take(1);
    assert_int_equal(receiver.row.watermark, 4);
}

#define WITH_A_RECEIVER(test_) cmocka_unit_test_setup_teardown(test_, open_receiver, close_receiver)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_A_RECEIVER(nothing_is_placed_before_a_hello_named_the_epoch),
        WITH_A_RECEIVER(the_watermark_follows_without_gaps_in_any_order),
        WITH_A_RECEIVER(gaps_are_told_up_to_what_the_sender_gives_next),
        WITH_A_RECEIVER(other_content_at_a_place_is_a_conflict_and_stops_the_stream),
        WITH_A_RECEIVER(what_came_above_must_continue_the_chain),
        WITH_A_RECEIVER(epochs_are_adopted_once_and_never_come_back),
        WITH_A_RECEIVER(a_sender_that_has_not_given_what_came_went_back),
        WITH_A_RECEIVER(beyond_so_many_ranges_it_is_forgotten_but_gaps_can_be_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
