/* What a site takes from its WMS, refuses and says; releases until they are answered. */
#include "support/site_world.h"

#include "base/memory.h"
#include "documents/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define CONFIRMATION(id_, members_)                                                                          \
    "{\"confirmation_id\":\"" id_ "\",\"version\":1,\"kind\":\"SHIP\",\"reporting\":\"FULL\","               \
    "\"shipment_id\":\"S-1\",\"release_ids\":[\"R1\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\","         \
    "\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"}]" members_ "}"
#define INVENTORY                                                                                            \
    "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\",\"qty\":\"-2\",\"uom\":"       \
    "\"EA\",\"reason\":\"DAMAGED\"}]}"
#define RESPONSE "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"ACKNOWLEDGED\"}"
#define RELEASE(id_, revision_, purpose_)                                                                    \
    "{\"release_id\":\"" id_ "\",\"revision\":" revision_ ",\"purpose\":\"" purpose_ "\",\"order_id\":"      \
    "\"O1\",\"site_id\":\"WH1\",\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"10\",\"uom\":"    \
    "\"EA\"}]}"

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

/* Its first round is over, except when something is open. */
static void wms_up(void) {
    xd_site_wms_up(&world.site, world.now, &world.turn.effects);
    site_world_wait(&world, 100);
}

/* The hub has said hello and welcomed the site. */
static void connect_line(void) {
    xd_site_line_up(&world.site, world.now);
    site_world_wait(&world, 100);
    site_world_hello(&world, world.sequence);
    site_world_welcome(&world);
}

static void receive_release(const char *text) {
    site_world_hub(&world, XD_TYPE_RELEASE, "work", text);
}

static int64_t quarantined(void) {
    int64_t count = -1;
    assert_int_equal(world.store.delivery.quarantine_count(world.store.delivery.context, &count), XD_OK);
    return count;
}

static uint64_t backlog(unsigned lane) {
    return xd_line_backlog(&world.site.line, lane);
}

/* ---- intake ---- */

static void an_accepted_document_is_kept_and_receipted_to_all_who_wait(void **state) {
    int who;
    (void)state;
    site_world_topic(&world, "crossdock/WH1/confirmation", CONFIRMATION("C-1", ""), "mine/answers", &who);
    site_world_expect(&world, "receipt", "\"status\":\"accepted\"");
    site_world_expect(&world, "receipt", "\"document_id\":\"C-1\"");
    site_world_expect(&world, "mine/answers", "\"status\":\"accepted\"");
    assert_int_equal(backlog(0), 1);
    const struct site_said *last = &world.said[world.said_count - 1];
    assert_int_equal(last->kind, XD_EFFECT_TICKET);
    assert_ptr_equal(last->handle, &who);
    assert_int_equal(last->status, 0);
}

static void an_answer_cannot_pass_for_a_message_of_ours(void **state) {
    (void)state;
    site_world_topic(&world, "crossdock/WH1/confirmation", CONFIRMATION("C-1", ""), "crossdock/WH1/release",
                     NULL);
    assert_int_equal(site_world_count(&world, "release"), 0);
    site_world_topic(&world, "crossdock/WH1/confirmation", CONFIRMATION("C-2", ""), "a/#", NULL);
    assert_int_equal(site_world_count(&world, "a/#"), 0);
    site_world_expect(&world, "receipt", "accepted");
}

static void a_repeat_is_a_duplicate_also_when_written_differently(void **state) {
    (void)state;
    site_world_wms(&world, "inventory", INVENTORY);
    site_world_expect(&world, "receipt", "accepted");
    site_world_wms(&world, "inventory",
                   "{\"kind\":\"DELTA\", \"lines\":[{\"qty\":\"-2.0\",\"sku\":\"WIDGET\",\"uom\":\"EA\","
                   "\"reason\":\"DAMAGED\"}], \"advice_id\":\"I-1\"}");
    site_world_expect(&world, "receipt", "duplicate");
    assert_int_equal(backlog(1), 1);
    assert_int_equal(world.site.counters.duplicates, 1);
}

static void other_content_of_the_same_id_goes_on_with_a_warning(void **state) {
    (void)state;
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ",\"bol\":\"B1\""));
    site_world_expect(&world, "receipt", "accepted");
    site_world_expect(&world, "receipt", "conflicting_content");
    assert_int_equal(backlog(0), 2);
}

static void what_cannot_be_used_is_refused_for_good_and_kept(void **state) {
    static const char *const bodies[] = {"", "{", "[]", "\xff\xfe", "{\"confirmation_id\":7}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        site_world_wms(&world, "confirmation", bodies[i]);
        site_world_expect(&world, "receipt", "\"status\":\"rejected\"");
        site_world_expect(&world, "receipt", "\"retryable\":false");
        site_world_expect(&world, "receipt", "sha256");
    }
    assert_int_equal(quarantined(), 4); /* all but the empty one */
    assert_int_equal(backlog(0), 0);
    site_world_wms(&world, "confirmation", "{");
    assert_int_equal(quarantined(), 4);
}

static void a_refusal_names_the_error_not_a_warning_before_it(void **state) {
    (void)state;
    site_world_wms(&world, "inventory",
                   "{\"colour\":\"red\",\"advice_id\":\"I-9\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"A\","
                   "\"qty\":-2,\"uom\":\"EA\",\"reason\":\"X\"}]}");
    site_world_expect(&world, "receipt", "\"problem\":{\"code\":\"bad_decimal\"");
    site_world_expect(&world, "receipt", "\"document_id\":\"I-9\"");
}

static void a_refusal_names_the_document_wherever_its_id_can_be_read(void **state) {
    static const struct {
        const char *topic, *body, *id;
    } cases[] = {
        {"crossdock/WH1/release/response", "{\"release_id\":\"R1\",\"revision\":1,\"response\":\"REJECTED\"}",
         "\"R1/1/REJECTED\""},
        {"crossdock/WH1/release/response", "{\"release_id\":\"R1\",\"revision\":\"2\",\"response\":\"ACK\"}",
         "\"R1/2/ACK\""},
        {"crossdock/WH1/release/response", "{\"release_id\":\"R1\",\"revision\":1}", "null"},
        {"crossdock/WH1/release/response", "{\"release_id\":\"R 1\",\"revision\":1,\"response\":\"PACKED\"}",
         "null"},
        {"crossdock/WH1/release/response", "{\"release_id\":\"R1\",\"revision\":-1,\"response\":\"PACKED\"}",
         "null"},
        {"crossdock/WH1/confirmation", "{\"confirmation_id\":\"C-1\"}", "\"C-1\""},
        {"crossdock/WH2/confirmation", CONFIRMATION("C-2", ""), "\"C-2\""},
        {"crossdock/WH2/confirmation", "{\"confirmation_id\":\"C\\n\"}", "null"},
        {"crossdock/WH2/inventory", INVENTORY, "\"I-1\""},
        {"crossdock/WH2/inventory", "{", "null"},
        {"crossdock/WH1/inventory", "{\"advice_id\":\"I-2\",\"kind\":\"DELTA\"}", "\"I-2\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[64];
        site_world_topic(&world, cases[i].topic, cases[i].body, NULL, NULL);
        snprintf(expected, sizeof expected, "{\"document_id\":%s,", cases[i].id);
        site_world_expect(&world, "receipt", expected);
        site_world_expect(&world, "receipt", "\"status\":\"rejected\"");
    }
}

static char logged[512];

static void keep_log(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                     const char *members) {
    (void)context;
    (void)correlation_id;
    if (strcmp(event, "wms.rejected") == 0) {
        snprintf(logged, sizeof logged, "%d %s", level, members);
    }
}

static void a_refusal_is_logged_with_its_place_and_without_the_payload(void **state) {
    (void)state;
    world.env.log = keep_log;
    site_world_wms(&world, "inventory",
                   "{\"advice_id\":\"I-9\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"SECRET\",\"qty\":-2,"
                   "\"uom\":\"EA\",\"reason\":\"X\"}]}");
    world.env.log = NULL;
    assert_int_equal(logged[0] - '0', XD_LOG_INFO);
    assert_non_null(strstr(logged, "\"code\":\"bad_decimal\",\"topic\":\"crossdock/WH1/inventory\","
                                   "\"document_id\":\"I-9\",\"detail\":\"/lines/0/qty: "));
    assert_null(strstr(logged, "SECRET"));
}

static void topics_of_others_are_refused_or_left_alone(void **state) {
    (void)state;
    site_world_topic(&world, "crossdock/WH2/confirmation", CONFIRMATION("C-1", ""), NULL, NULL);
    site_world_expect(&world, "receipt", "foreign_site");
    site_world_topic(&world, "crossdock/WH1/nonsense", "{}", NULL, NULL);
    site_world_expect(&world, "receipt", "unknown_topic");
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ",\"site_id\":\"WH2\""));
    site_world_expect(&world, "receipt", "wrong_site");
    world.site.config.ignore_foreign = true;
    site_world_topic(&world, "crossdock/WH2/confirmation", CONFIRMATION("C-1", ""), NULL, NULL);
    assert_int_equal(site_world_count(&world, "receipt"), 0);
    assert_int_equal(backlog(0), 0);
}

static void an_undone_document_is_refused_by_name_and_taken_the_next_time(void **state) {
    static const char *const ids[] = {"\"C-1\"", "\"I-1\"", "\"R1/1/ACKNOWLEDGED\""};
    static const char *const tails[] = {"confirmation", "inventory", "release/response"};
    static const char *const bodies[] = {CONFIRMATION("C-1", ""), INVENTORY, RESPONSE};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        world.refuse_next = true;
        site_world_wms(&world, tails[i], bodies[i]);
        assert_int_equal(site_world_count(&world, "receipt"), 1);
        site_world_expect(&world, "receipt", "store_full");
        site_world_expect(&world, "receipt", "\"retryable\":true");
        site_world_expect(&world, "receipt", ids[i]);
        site_world_expect(&world, "receipt", tails[i]);
        assert_int_equal(backlog(0) + backlog(1), i);
        site_world_wms(&world, tails[i], bodies[i]);
        site_world_expect(&world, "receipt", "accepted");
        assert_int_equal(backlog(0) + backlog(1), i + 1);
    }
}

static void after_a_failed_commit_nothing_is_half_there(void **state) {
    (void)state;
    world.fail_commit = true;
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    assert_int_equal(site_world_count(&world, "receipt"), 1);
    site_world_expect(&world, "receipt", "\"retryable\":true");
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    site_world_expect(&world, "receipt", "accepted");
    assert_int_equal(world.site.line.send[0].row.next, 2);
    site_world_reopen(&world);
    assert_int_equal(world.site.line.send[0].row.next, 2);
}

static void without_room_confirmations_keep_a_reserve_and_it_recovers(void **state) {
    (void)state;
    site_world_wms(&world, "inventory", INVENTORY);
    xd_site_set_room(&world.site, 0, 0, 1400); /* below the reserve of the disk */
    site_world_wms(&world, "inventory",
                   "{\"advice_id\":\"I-2\",\"kind\":\"SNAPSHOT\",\"as_of\":"
                   "\"2026-11-23T00:00:00Z\",\"lines\":[]}");
    site_world_expect(&world, "receipt", "store_full");
    site_world_expect(&world, "receipt", "\"I-2\"");
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    site_world_expect(&world, "receipt", "accepted");
    xd_site_set_room(&world.site, 100, 100000, 400); /* below the floor */
    site_world_wms(&world, "confirmation", CONFIRMATION("C-2", ""));
    site_world_expect(&world, "receipt", "store_full");
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    site_world_expect(&world, "receipt", "duplicate");     /* what is there is known all the same */
    xd_site_set_room(&world.site, 99900, 100000, 1 << 20); /* the quota */
    assert_int_equal(world.site.room, XD_ROOM_NONE);
    xd_site_set_room(&world.site, 0, 100000, 1 << 20);
    site_world_wms(&world, "confirmation", CONFIRMATION("C-2", ""));
    site_world_expect(&world, "receipt", "accepted");
    assert_int_equal(world.site.counters.refused_full, 2);
}

static void the_longest_names_reach_the_hub(void **state) {
    char body[1024], text[200];
    (void)state;
    memset(text, 'x', sizeof text);
    connect_line();
    (void)snprintf(body, sizeof body,
                   "{\"release_id\":\"%.64s\",\"revision\":2147483647,\"response\":\"CANCEL_REFUSED\","
                   "\"reason\":\"%.100s\",\"correlation_id\":\"%.128s\"}",
                   text, text, text);
    site_world_wms(&world, "release/response", body);
    site_world_expect(&world, "receipt", "accepted");
    assert_int_equal(site_world_count(&world, XD_TYPE_RESPONSE), 1); /* and its envelope can be read */
}

static void a_store_of_another_site_is_not_opened(void **state) {
    struct xd_site other;
    struct xd_site_config config = world.config;
    (void)state;
    config.site = "WH2";
    assert_int_equal(world.tx.begin(&world), XD_OK);
    assert_int_equal(xd_site_open(&other, &config, world.now), XD_CONFLICT);
    world.tx.rollback(&world);
}

/* ---- releases ---- */

static void a_release_is_delivered_until_it_is_answered(void **state) {
    (void)state;
    connect_line();
    receive_release(RELEASE("R1", "1", "ORIGINAL"));
    assert_int_equal(site_world_count(&world, "release"), 0); /* nobody there */
    wms_up();
    assert_int_equal(site_world_count(&world, "release"), 1);
    site_world_wait(&world, 60000);
    assert_true(site_world_count(&world, "release") >= 3);
    site_world_reopen(&world);
    wms_up();
    assert_int_equal(site_world_count(&world, "release"), 1);
    site_world_wms(&world, "release/response", RESPONSE);
    site_world_wait(&world, 60000);
    assert_int_equal(site_world_count(&world, "release"), 0);
}

static void a_confirmation_answers_too(void **state) {
    (void)state;
    connect_line();
    wms_up();
    receive_release(RELEASE("R1", "3", "ORIGINAL"));
    assert_int_equal(site_world_count(&world, "release"), 1);
    site_world_wms(&world, "release/response", RESPONSE); /* of revision 1: no answer to 3 */
    site_world_wait(&world, 20000);
    assert_true(site_world_count(&world, "release") > 0);
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    site_world_wait(&world, 20000);
    assert_int_equal(site_world_count(&world, "release"), 0);
}

static void a_response_to_a_revision_that_never_came_is_no_answer(void **state) {
    (void)state;
    connect_line();
    wms_up();
    receive_release(RELEASE("R1", "1", "ORIGINAL"));
    site_world_wms(&world, "release/response",
                   "{\"release_id\":\"R1\",\"revision\":9,\"response\":\"ACKNOWLEDGED\"}");
    site_world_expect(&world, "receipt",
                      "\"status\":\"accepted\""); /* the agent may have forgotten revision 9 */
    site_world_expect(&world, "receipt", "\"code\":\"unknown_revision\"");
    assert_int_equal(site_world_count(&world, XD_TYPE_RESPONSE), 1);
    site_world_wait(&world, 20000);
    assert_true(site_world_count(&world, "release") > 0);
    receive_release(RELEASE("R1", "9", "CHANGE"));
    site_world_wms(&world, "release/response", /* again, and now there is what it speaks of */
                   "{\"release_id\":\"R1\",\"revision\":9,\"response\":\"ACKNOWLEDGED\"}");
    site_world_expect(&world, "receipt", "\"status\":\"duplicate\"");
    site_world_wait(&world, 20000);
    assert_int_equal(site_world_count(&world, "release"), 0);
    site_world_wms(&world, "release/response",
                   "{\"release_id\":\"R2\",\"revision\":9,\"response\":\"ACKNOWLEDGED\"}");
    site_world_expect(&world, "receipt", "\"status\":\"accepted\"}"); /* not known at all: no warning */
    assert_int_equal(site_world_count(&world, XD_TYPE_RESPONSE), 1);
}

static void a_confirmation_does_not_answer_a_cancel(void **state) {
    (void)state;
    connect_line();
    wms_up();
    receive_release(RELEASE("R1", "1", "ORIGINAL"));
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", ""));
    receive_release(RELEASE("R1", "2", "CANCEL"));
    site_world_wms(&world, "confirmation", CONFIRMATION("C-1", "")); /* says nothing of the cancel */
    site_world_expect(&world, "receipt", "duplicate");
    site_world_wait(&world, 20000);
    assert_true(site_world_count(&world, "release") > 0);
    site_world_wms(&world, "confirmation", CONFIRMATION("C-2", "")); /* may have crossed it */
    site_world_wait(&world, 20000);
    assert_true(site_world_count(&world, "release") > 0);
    site_world_wms(&world, "release/response",
                   "{\"release_id\":\"R1\",\"revision\":2,\"response\":\"CANCEL_ACCEPTED\"}");
    site_world_wait(&world, 20000);
    assert_int_equal(site_world_count(&world, "release"), 0);
}

static void only_the_highest_revision_is_delivered(void **state) {
    (void)state;
    connect_line();
    wms_up();
    receive_release(RELEASE("R1", "2", "CHANGE"));
    receive_release(RELEASE("R1", "1", "ORIGINAL")); /* late */
    assert_int_equal(site_world_count(&world, "release"), 0);
    receive_release(RELEASE("R1", "3", "CHANGE"));
    site_world_expect(&world, "release", "\"revision\":3");
    site_world_wait(&world, 10000);
    assert_true(site_world_count(&world, "release") > 0);
    for (size_t i = 0; i < site_world_count(&world, "release"); i++) {
        assert_non_null(strstr(site_world_find(&world, "release", i)->body, "\"revision\":3"));
    }
}

static void the_cancel_of_what_nobody_saw_is_accepted_here(void **state) {
    (void)state;
    connect_line();
    receive_release(RELEASE("R1", "1", "ORIGINAL"));
    receive_release(RELEASE("R1", "2", "CANCEL"));
    site_world_expect(&world, XD_TYPE_RESPONSE, "CANCEL_ACCEPTED");
    site_world_expect(&world, XD_TYPE_RESPONSE, "\"revision\":2");
    wms_up();
    site_world_wait(&world, 10000);
    assert_int_equal(site_world_count(&world, "release"), 0);
}

static void the_cancel_of_what_was_published_in_any_revision_goes_to_the_wms(void **state) {
    (void)state;
    connect_line();
    wms_up();
    receive_release(RELEASE("R1", "1", "ORIGINAL"));
    xd_site_wms_down(&world.site);
    receive_release(RELEASE("R1", "2", "CHANGE")); /* not published */
    receive_release(RELEASE("R1", "3", "CANCEL"));
    assert_int_equal(site_world_count(&world, XD_TYPE_RESPONSE), 0);
    wms_up();
    site_world_expect(&world, "release", "CANCEL");
}

#define IN_A_WORLD(test_) cmocka_unit_test_setup_teardown(test_, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(an_accepted_document_is_kept_and_receipted_to_all_who_wait),
        IN_A_WORLD(an_answer_cannot_pass_for_a_message_of_ours),
        IN_A_WORLD(a_repeat_is_a_duplicate_also_when_written_differently),
        IN_A_WORLD(other_content_of_the_same_id_goes_on_with_a_warning),
        IN_A_WORLD(what_cannot_be_used_is_refused_for_good_and_kept),
        IN_A_WORLD(a_refusal_names_the_error_not_a_warning_before_it),
        IN_A_WORLD(a_refusal_names_the_document_wherever_its_id_can_be_read),
        IN_A_WORLD(a_refusal_is_logged_with_its_place_and_without_the_payload),
        IN_A_WORLD(topics_of_others_are_refused_or_left_alone),
        IN_A_WORLD(an_undone_document_is_refused_by_name_and_taken_the_next_time),
        IN_A_WORLD(after_a_failed_commit_nothing_is_half_there),
        IN_A_WORLD(without_room_confirmations_keep_a_reserve_and_it_recovers),
        IN_A_WORLD(the_longest_names_reach_the_hub),
        IN_A_WORLD(a_store_of_another_site_is_not_opened),
        IN_A_WORLD(a_release_is_delivered_until_it_is_answered),
        IN_A_WORLD(a_confirmation_answers_too),
        IN_A_WORLD(a_response_to_a_revision_that_never_came_is_no_answer),
        IN_A_WORLD(a_confirmation_does_not_answer_a_cancel),
        IN_A_WORLD(only_the_highest_revision_is_delivered),
        IN_A_WORLD(the_cancel_of_what_nobody_saw_is_accepted_here),
        IN_A_WORLD(the_cancel_of_what_was_published_in_any_revision_goes_to_the_wms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
