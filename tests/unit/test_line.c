/* Two ends of a line in a world where nothing goes wrong but what a test makes go
 * wrong: the handshake, acks, gaps, pauses, shares, and that silence stays silent. */
#include "support/line_world.h"

#include "base/memory.h"
#include "documents/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world world;
static struct world_end *const site = &world.ends[0];
static struct world_end *const hub = &world.ends[1];
static char folder[64];

static int open_world(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/crossdock-line-XXXXXX");
    assert_non_null(mkdtemp(folder));
    xd_memory_adopt_cjson();
    world_open(&world, 1, folder);
    site->up_at = hub->up_at = INT64_MAX; /* connected when a test says so */
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return rmdir(folder);
}

static void step(struct world_end *end, unsigned appends) {
    world_turn(end, appends, 256);
    world_check(&world);
    if (world.broken != NULL) {
        fail_msg("%s: %s", world.broken, world.detail);
    }
}

static void run(xd_ms ms, xd_ms each) {
    for (xd_ms passed = 0; passed < ms; passed += each) {
        world.now.monotonic += each;
        world.now.wall += each;
        world_broker(&world);
        step(site, 0);
        step(hub, 0);
    }
}

static void connect_both(void) {
    world_connect(site);
    world_connect(hub);
    run(3000, 50);
    assert_true(site->line.welcomed && hub->line.welcomed);
    memset(&world.counts, 0, sizeof world.counts);
}

static void a_quiet_line_is_silent_but_for_one_hello_an_hour(void **state) {
    (void)state;
    connect_both();
    run(XD_LINE_REFRESH_MS - 60000, 1000);
    assert_int_equal(world.counts.hellos, 0);
    assert_int_equal(world.counts.acks, 0);
    run(120000, 100);
    assert_in_range(world.counts.hellos, 1, 2);
    assert_int_equal(world.counts.welcomes, world.counts.hellos);
}

static void an_absent_peer_is_asked_ever_more_rarely_and_found_at_once(void **state) {
    (void)state;
    world_connect(site);
    run(24 * XD_HOUR_MS, 1000);
    assert_in_range(world.counts.hellos, 24, 24 * 60);
    assert_int_equal(world.counts.documents, 0);
    step(site, 3);
    world_connect(hub);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
}

static void the_hub_does_not_fill_the_queue_of_a_site_that_is_not_there(void **state) {
    (void)state;
    world_stop(site);
    world_connect(hub);
    for (unsigned second = 0; second < 7200; second++) {
        world.now.monotonic += 1000;
        step(hub, 0);
    }
    assert_int_equal(world.counts.hellos, 1);
    world_start(site);
}

static void hellos_that_cross_in_step_are_answered(void **state) {
    (void)state;
    world_connect(site);
    world_connect(hub);
    for (unsigned round = 0; round < 100; round++) { /* both send, both receive, again and again */
        world.now.monotonic += 100;
        step(site, 0);
        step(hub, 0);
        for (unsigned side = 0; side < WORLD_SIDES; side++) {
            for (size_t i = 0; i < world.queues[side].count; i++) {
                world.queues[side].items[i].at = world.now.monotonic + 1;
            }
        }
    }
    assert_true(site->line.welcomed && hub->line.welcomed);
    assert_true(world.counts.hellos < 10);
}

static void an_answer_may_take_longer_than_our_patience(void **state) {
    (void)state;
    world_connect(site);
    world_connect(hub);
    step(site, 5);
    run(60000, 4000); /* eight seconds to and fro */
    assert_int_equal(world_backlog(&world), 0);
    memset(&world.counts, 0, sizeof world.counts);
    run(600000, 4000);
    assert_int_equal(world.counts.hellos, 0);
}

static void one_ack_tells_of_many_documents_and_soon(void **state) {
    (void)state;
    connect_both();
    step(site, 100);
    run(400, 20);
    assert_int_equal(xd_line_backlog(&site->line, 0) + xd_line_backlog(&site->line, 1), 0);
    assert_in_range(world.counts.acks, 1, 2);
    assert_int_equal(world.counts.documents, 100);
}

static void a_lost_ack_is_asked_for_when_the_documents_are_stuck(void **state) {
    (void)state;
    connect_both();
    step(site, 256);
    step(site, 0);
    uint64_t sent = world.counts.documents;
    world.faults.lost_confirmed = 1000; /* the acks go nowhere */
    run(2000, 100);
    assert_true(world.counts.acks > 0);
    world.faults.lost_confirmed = 0;
    run(25000, 100);
    assert_true(world_backlog(&world) > 0);
    run(10000, 100);
    assert_int_equal(world_backlog(&world), 0);
    assert_int_equal(world.counts.documents, sent);
}

static void only_a_gap_is_sent_again_and_after_a_second(void **state) {
    (void)state;
    connect_both();
    step(site, 50);
    world_wipe(&world, 1);
    step(site, 50);
    run(900, 50);
    assert_int_equal(world.counts.documents, 100);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
    assert_int_equal(world.counts.documents, 150);
}

/* What fills it may be on its way behind a long queue, or its sender may be gone. */
static void a_gap_is_asked_for_ever_more_rarely_and_of_nobody_who_is_not_there(void **state) {
    (void)state;
    connect_both();
    step(site, 50);
    world_wipe(&world, 1);
    step(site, 50);
    world_stop(site);
    for (unsigned second = 0; second < 7200; second++) {
        world.now.monotonic += 1000;
        world_broker(&world);
        step(hub, 0);
    }
    assert_in_range(world.counts.acks, 2, 10);
    world_start(site);
    world_connect(site);
    run(5000, 50);
    assert_int_equal(world_backlog(&world), 0);
}

static void a_returned_message_pauses_and_comes_again(void **state) {
    (void)state;
    connect_both();
    world.faults.returned = 1000; /* the queue is not there */
    step(site, 10);
    run(60000, 50);
    assert_true(world.counts.documents < 10 * 120);
    assert_int_equal(world_backlog(&world), 10);
    world.faults.returned = 0;
    run(31000, 50);
    assert_int_equal(world_backlog(&world), 0);
}

static void a_cut_line_goes_on_where_it_was(void **state) {
    (void)state;
    connect_both();
    step(site, 20);
    world_cut(site); /* their confirms are gone, they are in the queue */
    site->up_at = INT64_MAX;
    run(2000, 50);
    world_connect(site);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
    assert_int_equal(world.counts.documents, 20); /* its hello was answered before anything was sent again */
}

static void a_restarted_process_sends_nothing_twice_that_arrived(void **state) {
    (void)state;
    connect_both();
    step(site, 30);
    run(100, 20);
    world_stop(site);
    world_start(site);
    world_connect(site);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
    assert_int_equal(world.counts.documents, 30);
    assert_int_equal(hub->line.repeats, 0);
}

static void fail_a_batch(struct world_end *end, unsigned appends) {
    end->fail_commit = true;
    step(end, appends);
    end->fail_commit = false;
}

/* Its disk is full: what writes nothing is committed, and a document fails every second. */
static void a_hub_that_fails_time_and_again_asks_ever_more_rarely(void **state) {
    (void)state;
    connect_both();
    for (unsigned second = 0; second < 3600; second++) {
        fail_a_batch(hub, 0);
        run(1000, 250);
    }
    assert_in_range(world.counts.hellos, 30, 240);
    assert_in_range(world.counts.welcomes, 30, world.counts.hellos);
    assert_true(world.counts.acks <= 2 * world.counts.hellos);
}

static void after_some_calm_a_failed_batch_leads_to_a_handshake_at_once(void **state) {
    (void)state;
    connect_both();
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned second = 0; second < 300; second++) {
            fail_a_batch(site, 0);
            run(1000, 250);
        }
        run(180000, 500);
        memset(&world.counts, 0, sizeof world.counts);
        fail_a_batch(site, 0);
        run(2000, 50);
        assert_int_equal(world.counts.hellos, 1);
        assert_int_equal(world.counts.welcomes, 1);
    }
}

static void what_was_handed_out_is_not_again_because_a_batch_failed(void **state) {
    (void)state;
    connect_both();
    world_stop(site);
    world.now.monotonic += XD_LINE_ALIVE_MS + 1; /* it counts as gone */
    step(hub, 50);
    for (unsigned second = 0; second < 3600; second++) {
        fail_a_batch(hub, second % 2);
        world.now.monotonic += 1000;
        world_broker(&world);
        step(hub, 0);
    }
    assert_int_equal(world.counts.documents, 50);
    assert_true(world.counts.hellos <= 1); /* nobody is there */
    world_start(site);
    world_connect(site);
    run(5000, 50);
    assert_int_equal(world_backlog(&world), 0);
}

static void what_only_a_failed_batch_handed_out_is_sent_after_a_handshake(void **state) {
    (void)state;
    connect_both();
    site->line.up = false; /* nothing leaves while the backlog grows */
    step(site, 40);
    site->line.up = true;
    fail_a_batch(site, 10);
    assert_int_equal(world.counts.documents, 0);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
    assert_int_equal(world.counts.documents, 40);
    assert_int_equal(hub->line.repeats, 0);
}

static void the_second_lane_keeps_its_share(void **state) {
    size_t taken;
    struct xd_effects effects;
    (void)state;
    connect_both();
    xd_effects_init(&effects, NULL);
    site->line.up = false; /* nothing leaves while the backlog grows */
    step(site, 256);
    step(site, 256);
    site->line.up = true;
    uint64_t bulk = xd_sender_waiting(&site->line.send[1]);
    assert_true(bulk > 8 && xd_sender_waiting(&site->line.send[0]) > 64);
    assert_int_equal(xd_line_pump(&site->line, &site->flight, 64, world.now, &effects, &taken), XD_OK);
    assert_int_equal(taken, 64);
    assert_int_equal(effects.count, 64);
    assert_int_equal(bulk - xd_sender_waiting(&site->line.send[1]), 64 / XD_LANES_SHARE);
    xd_effects_free(&effects);
}

static void what_one_turn_hands_out_is_bounded_in_bytes(void **state) {
    static char body[400 * 1024];
    struct xd_effects effects;
    size_t taken, turns = 0, sent = 0;
    const struct xd_store_tx *tx = &site->store.delivery.tx;
    (void)state;
    connect_both();
    memset(body, ' ', sizeof body - 1);
    body[0] = '{';
    body[sizeof body - 2] = '}';
    assert_int_equal(tx->begin(tx->context), XD_OK);
    for (unsigned i = 0; i < 12; i++) {
        struct xd_outbox_row row = {
            .kind = XD_DOC_CONFIRMATION, .document_id = "D", .version = 1, .body = xd_bytes_of_text(body)};
        assert_int_equal(xd_line_append(&site->line, 0, &row), XD_OK);
    }
    assert_int_equal(tx->commit(tx->context), XD_OK);
    for (; sent < 12 && turns < 12; turns++) {
        xd_effects_init(&effects, NULL);
        assert_int_equal(xd_line_pump(&site->line, &site->flight, 1000, world.now, &effects, &taken), XD_OK);
        assert_true(effects.heap.size < (size_t)3 * 1024 * 1024);
        sent += taken;
        xd_effects_free(&effects);
    }
    assert_int_equal(sent, 12);
    assert_true(turns > 1);
}

static void the_age_of_the_oldest_is_that_of_what_is_not_covered(void **state) {
    int64_t ms = -1;
    (void)state;
    assert_int_equal(xd_line_oldest(&site->line, world.now, &ms), XD_OK);
    assert_int_equal(ms, 0);
    step(site, 1);
    world.now.wall += 7000;
    step(site, 1);
    assert_int_equal(xd_line_oldest(&site->line, world.now, &ms), XD_OK);
    assert_int_equal(ms, 7000);
    connect_both();
    assert_int_equal(xd_line_oldest(&site->line, world.now, &ms), XD_OK);
    assert_int_equal(ms, 0);
}

static void a_hub_restored_from_its_backup_has_everything_again(void **state) {
    static unsigned applied[WORLD_DOCUMENTS];
    (void)state;
    connect_both();
    step(site, 10);
    run(1000, 50);
    world_copy(hub);
    world_connect(hub);
    step(site, 10);
    run(3000, 50);
    assert_int_equal(world_backlog(&world), 0);
    world_restore(hub);
    world_connect(hub);
    run(5000, 50);
    assert_int_equal(world_backlog(&world), 0);
    world_applied(hub, applied);
    for (unsigned i = 0; i < world.document_count; i++) {
        assert_int_equal(applied[i], 1);
    }
    assert_int_equal(world.counts.documents, 30); /* ten of them again */
}

static struct xd_rewind rewound;
static unsigned news_of[XD_LINE_CONFLICT + 1];

static void hear(void *owner, struct xd_line *line, enum xd_line_news news, const char *lane,
                 const struct xd_rewind *rewind) {
    (void)owner;
    (void)line;
    (void)lane;
    news_of[news]++;
    if (news == XD_LINE_REGRESSED || news == XD_LINE_REWOUND) {
        rewound = *rewind;
    }
}

static void a_site_that_went_back_is_told_what_is_missing_at_both_ends(void **state) {
    uint64_t before[XD_LANES_MAX];
    (void)state;
    memset(news_of, 0, sizeof news_of);
    connect_both();
    step(site, 40);
    run(2000, 50);
    world_copy(site);
    world_connect(site);
    before[0] = site->line.send[0].row.next;
    before[1] = site->line.send[1].row.next;
    step(site, 40);
    run(3000, 50);
    world_restore(site);
    site->line.told = hear;
    hub->line.told = hear;
    world_connect(site);
    run(5000, 50);
    assert_int_equal(news_of[XD_LINE_REWOUND], 2);   /* at the site, of both lanes */
    assert_int_equal(news_of[XD_LINE_REGRESSED], 2); /* at the hub */
    assert_int_equal(news_of[XD_LINE_ADOPTED], 2);
    assert_int_equal(news_of[XD_LINE_NEW_EPOCH], 2);
    assert_true(rewound.first == before[0] || rewound.first == before[1]);
    assert_true(rewound.last > rewound.first);
    assert_int_equal(world_backlog(&world), 0);
}

#define IN_A_WORLD(test_) cmocka_unit_test_setup_teardown(test_, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_quiet_line_is_silent_but_for_one_hello_an_hour),
        IN_A_WORLD(an_absent_peer_is_asked_ever_more_rarely_and_found_at_once),
        IN_A_WORLD(the_hub_does_not_fill_the_queue_of_a_site_that_is_not_there),
        IN_A_WORLD(hellos_that_cross_in_step_are_answered),
        IN_A_WORLD(an_answer_may_take_longer_than_our_patience),
        IN_A_WORLD(one_ack_tells_of_many_documents_and_soon),
        IN_A_WORLD(a_lost_ack_is_asked_for_when_the_documents_are_stuck),
        IN_A_WORLD(only_a_gap_is_sent_again_and_after_a_second),
        IN_A_WORLD(a_gap_is_asked_for_ever_more_rarely_and_of_nobody_who_is_not_there),
        IN_A_WORLD(a_returned_message_pauses_and_comes_again),
        IN_A_WORLD(a_cut_line_goes_on_where_it_was),
        IN_A_WORLD(a_restarted_process_sends_nothing_twice_that_arrived),
        IN_A_WORLD(a_hub_that_fails_time_and_again_asks_ever_more_rarely),
        IN_A_WORLD(after_some_calm_a_failed_batch_leads_to_a_handshake_at_once),
        IN_A_WORLD(what_was_handed_out_is_not_again_because_a_batch_failed),
        IN_A_WORLD(what_only_a_failed_batch_handed_out_is_sent_after_a_handshake),
        IN_A_WORLD(the_second_lane_keeps_its_share),
        IN_A_WORLD(what_one_turn_hands_out_is_bounded_in_bytes),
        IN_A_WORLD(the_age_of_the_oldest_is_that_of_what_is_not_covered),
        IN_A_WORLD(a_hub_restored_from_its_backup_has_everything_again),
        IN_A_WORLD(a_site_that_went_back_is_told_what_is_missing_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
