/* What a site makes of the hub's messages: streams, fates, what cannot be used, and
 * releases given back to a hub that went back in time. */
#include "support/site_world.h"

#include "base/memory.h"
#include "documents/envelope.h"
#include "site/site_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define INVENTORY                                                                                            \
    "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\",\"qty\":\"-2\",\"uom\":"       \
    "\"EA\",\"reason\":\"DAMAGED\"}]}"

static struct site_world world;

static int open_world(void **state) {
    (void)state;
    site_world_open(&world);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    site_world_close(&world);
    return 0;
}

static void connect_line(void) {
    xd_site_line_up(&world.site, world.now);
    site_world_wait(&world, 100);
    site_world_hello(&world, world.sequence);
    site_world_welcome(&world);
}

static void receive_release(unsigned number, unsigned revision) {
    char text[300];
    (void)snprintf(
        text, sizeof text,
        "{\"release_id\":\"R%u\",\"revision\":%u,\"purpose\":\"%s\",\"order_id\":\"O1\",\"site_id\":"
        "\"WH1\",\"new_member\":\"1.10\",\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":"
        "\"10.00\",\"uom\":\"EA\"}]}",
        number, revision, revision == 1 ? "ORIGINAL" : "CHANGE");
    site_world_hub(&world, XD_TYPE_RELEASE, "work", text);
}

/* Another history of the hub: a new epoch from 1. */
static void new_epoch(const char *name) {
    (void)snprintf(world.epoch, sizeof world.epoch, "%s", name);
    world.sequence = 1;
    memset(&world.chain, 0, sizeof world.chain);
}

static uint64_t watermark(void) {
    return world.site.line.receive[0].row.watermark;
}

static int64_t quarantined(void) {
    int64_t count = -1;
    assert_int_equal(world.store.delivery.quarantine_count(world.store.delivery.context, &count), XD_OK);
    return count;
}

static enum xd_effect_kind answer(void) {
    for (size_t i = 0; i < world.said_count; i++) {
        enum xd_effect_kind kind = world.said[i].kind;
        if (kind == XD_EFFECT_LINE_ACK || kind == XD_EFFECT_LINE_REJECT || kind == XD_EFFECT_LINE_RETRY) {
            return kind;
        }
    }
    return XD_EFFECT_HTTP; /* none */
}

static void what_is_not_authentic_counts_for_nothing(void **state) {
    (void)state;
    site_world_body(&world, "{}", "v1;kid=k;mac=00");
    assert_int_equal(answer(), XD_EFFECT_LINE_REJECT);
    assert_int_equal(world.site.counters.forged, 1);
    assert_int_equal(quarantined(), 0);
    assert_false(xd_line_alive(&world.site.line, world.now.monotonic));
}

/* Signed with the right key, for it is the same both ways. */
static void what_the_site_said_itself_counts_for_nothing_when_it_comes_back(void **state) {
    char hello[4096];
    (void)state;
    xd_site_line_up(&world.site, world.now);
    site_world_wait(&world, 100);
    snprintf(hello, sizeof hello, "%s", site_world_find(&world, XD_TYPE_HELLO, 0)->body);
    site_world_body(&world, hello, NULL);
    assert_int_equal(answer(), XD_EFFECT_LINE_REJECT);
    assert_int_equal(world.site.counters.forged, 1);
    assert_string_equal(world.site.line.receive[0].row.epoch, "");
}

static void what_is_authentic_but_unusable_is_kept_and_never_blocks(void **state) {
    (void)state;
    connect_line();
    site_world_body(&world, "{}", NULL);
    assert_int_equal(answer(), XD_EFFECT_LINE_ACK);
    assert_int_equal(quarantined(), 1);
    site_world_hub(&world, XD_TYPE_RELEASE, "work", "{\"release_id\":\"R1\"}");
    site_world_hub(&world, "crossdock.something.v9", "work", "{}");
    assert_int_equal(quarantined(), 3);
    assert_int_equal(watermark(), 2);
    receive_release(1, 1);
    assert_int_equal(watermark(), 3);
}

static void nothing_sequenced_leaves_before_the_welcome(void **state) {
    (void)state;
    site_world_wms(&world, "inventory", INVENTORY);
    xd_site_line_up(&world.site, world.now);
    site_world_wait(&world, 5000);
    assert_int_equal(site_world_count(&world, XD_TYPE_INVENTORY), 0);
    assert_true(site_world_count(&world, XD_TYPE_HELLO) >= 2); /* it asks again while nobody answers */
    site_world_welcome(&world);
    assert_int_equal(site_world_count(&world, XD_TYPE_INVENTORY), 1);
    site_world_wait(&world, 5000);
    assert_int_equal(site_world_count(&world, XD_TYPE_HELLO), 0);
}

static void a_hello_is_answered_and_acks_follow_what_came(void **state) {
    (void)state;
    connect_line();
    site_world_hello(&world, 1);
    site_world_expect(&world, XD_TYPE_WELCOME, "hubs-session");
    receive_release(1, 1);
    site_world_wait(&world, 400);
    assert_int_equal(site_world_count(&world, XD_TYPE_ACK), 1);
    site_world_expect(&world, XD_TYPE_ACK, "\"watermark\":\"1\"");
    site_world_reopen(&world);
    xd_site_line_up(&world.site, world.now);
    site_world_wait(&world, 1000);
    site_world_expect(&world, XD_TYPE_ACK, "\"watermark\":\"1\""); /* the last ack may have been lost */
}

static void a_release_that_comes_twice_is_held_once(void **state) {
    (void)state;
    connect_line();
    receive_release(1, 1);
    world.sequence = 1;
    memset(&world.chain, 0, sizeof world.chain);
    receive_release(1, 1);
    int64_t open = 0;
    assert_int_equal(world.store.release_count_open(world.store.context, &open), XD_OK);
    assert_int_equal(open, 1);
    assert_int_equal(world.site.line.repeats, 1);
    assert_int_equal(watermark(), 1);
}

static void an_undone_message_is_brought_again(void **state) {
    (void)state;
    connect_line();
    world.refuse_next = true;
    receive_release(1, 1);
    assert_int_equal(answer(), XD_EFFECT_LINE_RETRY);
    assert_int_equal(watermark(), 0);
    world.sequence = 1;
    memset(&world.chain, 0, sizeof world.chain);
    receive_release(1, 1);
    assert_int_equal(answer(), XD_EFFECT_LINE_ACK);
    assert_int_equal(watermark(), 1);
}

static void a_fate_is_told_and_told_again_with_a_duplicate(void **state) {
    (void)state;
    connect_line();
    site_world_wms(&world, "inventory", INVENTORY);
    new_epoch("notice-epoch");
    site_world_hub(&world, XD_TYPE_SETTLED, "notice",
                   "{\"document_id\":\"I-1\",\"document\":\"inventory\",\"document_version\":1,\"version\":1,"
                   "\"outcome\":\"parked\",\"code\":\"UOM_MISMATCH\"}");
    site_world_expect(&world, "settled", "\"outcome\":\"parked\"");
    site_world_hub(&world, XD_TYPE_SETTLED, "notice",
                   "{\"document_id\":\"I-1\",\"document\":\"inventory\",\"document_version\":1,\"version\":2,"
                   "\"outcome\":\"posted\"}");
    site_world_wms(&world, "inventory", INVENTORY);
    site_world_expect(&world, "receipt", "duplicate");
    site_world_expect(&world, "settled", "\"outcome\":\"posted\"");
    site_world_expect(&world, "settled", "\"version\":2");
    site_world_hub(
        &world, XD_TYPE_SETTLED, "notice",
        "{\"document_id\":\"nobody\",\"version\":1,\"document\":\"inventory\",\"outcome\":\"posted\"}");
    assert_int_equal(site_world_count(&world, "settled"), 0);
}

/* It may have died after it took the notice and before the WMS was told. */
static void a_notice_that_comes_again_is_told_again_as_it_stands_now(void **state) {
    static const char parked[] =
        "{\"document_id\":\"I-1\",\"document\":\"inventory\",\"document_version\":1,\"version\":1,"
        "\"outcome\":\"parked\"}";
    (void)state;
    connect_line();
    site_world_wms(&world, "inventory", INVENTORY);
    new_epoch("notice-epoch");
    site_world_hub(&world, XD_TYPE_SETTLED, "notice", parked);
    site_world_hub(&world, XD_TYPE_SETTLED, "notice",
                   "{\"document_id\":\"I-1\",\"document\":\"inventory\",\"document_version\":1,\"version\":2,"
                   "\"outcome\":\"posted\"}");
    world.sequence = 1;
    memset(&world.chain, 0, sizeof world.chain);
    site_world_hub(&world, XD_TYPE_SETTLED, "notice", parked);
    assert_int_equal(answer(), XD_EFFECT_LINE_ACK);
    site_world_expect(&world, "settled", "\"version\":2");
    assert_int_equal(world.site.line.repeats, 1);
}

static int fail_one(void *context, size_t size) {
    unsigned *left = context;
    (void)size;
    return *left == 0 || --*left != 0;
}

/* Or the notice would be acknowledged, and the WMS never told. */
static void a_fate_that_finds_no_memory_spoils_its_event(void **state) {
    const struct xd_fate fate = {.version = 1, .outcome = XD_OUTCOME_POSTED};
    unsigned spoilt = 0;
    (void)state;
    for (unsigned failing = 1; spoilt + 1 == failing; failing++) {
        struct xd_effects effects;
        unsigned left = failing;
        xd_effects_init(&effects, NULL);
        xd_memory_set_hook(fail_one, &left);
        xd_site_tell_fate(&world.site, XD_DOC_INVENTORY, "I-1", 1, &fate, &effects);
        xd_memory_set_hook(NULL, NULL);
        assert_true(left == 0 || (effects.result == XD_OK && effects.count == 1));
        assert_true(left != 0 || effects.result == XD_NO_MEMORY);
        spoilt += left == 0;
        xd_effects_free(&effects);
    }
    assert_true(spoilt > 0);
}

/* ---- given back ---- */

static size_t given_back(xd_ms ms) {
    site_world_wait(&world, ms);
    return site_world_count(&world, XD_TYPE_RELEASE);
}

static void a_first_epoch_gives_nothing_back(void **state) {
    (void)state;
    connect_line();
    receive_release(1, 1);
    assert_int_equal(given_back(2000), 0);
}

static void a_new_epoch_gives_back_what_is_held(void **state) {
    (void)state;
    connect_line();
    receive_release(1, 1);
    receive_release(1, 2); /* replaces 1 */
    receive_release(2, 1);
    site_world_wms(&world, "release/response",
                   "{\"release_id\":\"R2\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}");
    new_epoch("hub-epoch-2");
    site_world_hello(&world, 1);
    assert_int_equal(world.site.counters.echoed, 3);
    site_world_expect(&world, XD_TYPE_RELEASE, "\"revision\":2");
    const struct site_said *before = site_world_find(&world, XD_TYPE_RELEASE, 1);
    assert_non_null(before); /* what it was before */
    assert_non_null(strstr(before->body, "\"release_id\":\"R1\",\"revision\":1"));
    site_world_expect(&world, XD_TYPE_RELEASE, "\"new_member\":\"1.10\""); /* byte for byte */
    site_world_expect(&world, XD_TYPE_RELEASE, "\"qty\":\"10.00\"");
    assert_int_equal(given_back(2000), 0);
    site_world_hello(&world, 1);
    assert_int_equal(world.site.counters.echoed, 3); /* the same epoch: nothing new */
}

static void giving_back_goes_on_after_a_kill_and_waits_for_room(void **state) {
    (void)state;
    connect_line();
    for (unsigned i = 0; i < 80; i++) {
        receive_release(i, 1);
    }
    new_epoch("hub-epoch-2");
    site_world_hello(&world, 1);
    uint64_t first = world.site.counters.echoed;
    assert_true(first > 0 && first < 80);
    site_world_reopen(&world);
    xd_site_set_room(&world.site, 0, 0, 100);
    site_world_wait(&world, 2000);
    assert_int_equal(world.site.counters.echoed, 0);
    xd_site_set_room(&world.site, 0, 0, 1 << 20);
    site_world_wait(&world, 2000);
    assert_int_equal(first + world.site.counters.echoed, 80);
    assert_int_equal(xd_line_backlog(&world.site.line, 0), 80);
}

static void a_second_loss_during_the_first_starts_anew(void **state) {
    (void)state;
    connect_line();
    for (unsigned i = 0; i < 80; i++) {
        receive_release(i, 1);
    }
    new_epoch("hub-epoch-2");
    site_world_hello(&world, 1);
    uint64_t first = world.site.counters.echoed;
    new_epoch("hub-epoch-3");
    site_world_hello(&world, 1);
    site_world_wait(&world, 2000);
    assert_int_equal(world.site.counters.echoed, first + 80);
}

static void a_hub_that_says_less_than_came_is_told_so(void **state) {
    (void)state;
    connect_line();
    receive_release(1, 1);
    receive_release(2, 1);
    site_world_hello(&world, 2);
    site_world_expect(&world, XD_TYPE_WELCOME, "\"conflict\":\"2\"");
    site_world_hello(&world, 3);
    site_world_expect(&world, XD_TYPE_WELCOME, "\"conflict\":\"0\"");
    receive_release(3, 1);
    assert_int_equal(watermark(), 3); /* it was an old hello: nothing is marked */
}

static void the_state_of_the_site_is_told(void **state) {
    (void)state;
    connect_line();
    site_world_wms(&world, "inventory", INVENTORY);
    site_world_wait(&world, 61000);
    assert_int_equal(site_world_count(&world, XD_TYPE_STATUS), 2);
    site_world_expect(&world, XD_TYPE_STATUS, "\"backlog_bulk\":1");
}

/* ---- what is covered, and how long it stays ---- */

static void hub_has_all(void) {
    static const char *const lanes[] = {"work", "bulk"};
    struct xd_link link = {.receive_count = XD_LANES_MAX};
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *row = &world.site.line.send[lane].row;
        link.receive[lane] = (struct xd_link_receive){
            .lane = lanes[lane], .epoch = row->epoch, .watermark = row->next - 1, .chain = row->chain};
    }
    site_world_link(&world, XD_TYPE_ACK, &link);
}

/* A release, its answer and a count of stock, of which the hub knows. */
static void work_and_cover(void) {
    connect_line();
    receive_release(1, 1);
    site_world_wms(&world, "release/response",
                   "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"PACKED\"}");
    site_world_wms(&world, "inventory", INVENTORY);
    hub_has_all();
    assert_int_equal(world.site.line.send[0].row.watermark, 1);
    assert_int_equal(world.site.line.send[1].row.watermark, 1);
}

static bool all_is_held(void) {
    struct xd_held_release held;
    return world.site.line.send[0].row.floor == 0 && world.site.line.send[1].row.floor == 0 &&
           world.store.release_get(world.store.context, "R1", &held) == XD_OK;
}

/* A hub that is restored from a copy of yesterday would miss it. */
static void a_wall_clock_that_jumps_makes_nothing_old(void **state) {
    (void)state;
    work_and_cover();
    world.now.wall += 3650 * XD_DAY_MS;
    site_world_wait(&world, 6 * XD_MINUTE_MS);
    assert_true(all_is_held());
}

static void what_is_covered_goes_when_the_hub_was_heard_for_long_enough(void **state) {
    (void)state;
    world.site.config.retention_ms = 10 * XD_MINUTE_MS;
    work_and_cover();
    world.now.wall -= 3650 * XD_DAY_MS;
    site_world_wait(&world, 20 * XD_MINUTE_MS); /* nobody speaks */
    assert_true(all_is_held());
    for (unsigned minute = 0; minute < 12; minute++) {
        hub_has_all();
        site_world_wait(&world, XD_MINUTE_MS);
    }
    assert_int_equal(world.site.line.send[0].row.floor, 1);
    assert_int_equal(world.site.line.send[1].row.floor, 1);
    assert_false(all_is_held());
    struct xd_held_release held;
    assert_int_equal(world.store.release_get(world.store.context, "R1", &held), XD_NOT_FOUND);
}

#define IN_A_WORLD(test_) cmocka_unit_test_setup_teardown(test_, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(what_is_not_authentic_counts_for_nothing),
        IN_A_WORLD(what_the_site_said_itself_counts_for_nothing_when_it_comes_back),
        IN_A_WORLD(what_is_authentic_but_unusable_is_kept_and_never_blocks),
        IN_A_WORLD(nothing_sequenced_leaves_before_the_welcome),
        IN_A_WORLD(a_hello_is_answered_and_acks_follow_what_came),
        IN_A_WORLD(a_release_that_comes_twice_is_held_once),
        IN_A_WORLD(an_undone_message_is_brought_again),
        IN_A_WORLD(a_fate_is_told_and_told_again_with_a_duplicate),
        IN_A_WORLD(a_notice_that_comes_again_is_told_again_as_it_stands_now),
        IN_A_WORLD(a_fate_that_finds_no_memory_spoils_its_event),
        IN_A_WORLD(a_first_epoch_gives_nothing_back),
        IN_A_WORLD(a_new_epoch_gives_back_what_is_held),
        IN_A_WORLD(giving_back_goes_on_after_a_kill_and_waits_for_room),
        IN_A_WORLD(a_second_loss_during_the_first_starts_anew),
        IN_A_WORLD(a_hub_that_says_less_than_came_is_told_so),
        IN_A_WORLD(the_state_of_the_site_is_told),
        IN_A_WORLD(a_wall_clock_that_jumps_makes_nothing_old),
        IN_A_WORLD(what_is_covered_goes_when_the_hub_was_heard_for_long_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
