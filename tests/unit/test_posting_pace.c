/* How fast an ERP is called, and when not at all: its rate, its breaker, its word (Retry-After), a person's
 * word. */
#include "unit/posting_world.h"

#include <stdio.h>
#include <string.h>

/* ---- the rate ---- */

static void an_erp_is_called_no_faster_than_it_may_be(void **state) {
    struct hub_world *world = *state;
    world->erps[0].rate_per_minute = 30;
    world->erps[0].burst = 2;
    posting_restart(world, 1);
    for (int number = 1; number <= 12; number++) {
        posting_order(world, "acme", number, NULL);
    }
    hub_world_run(world, 500);
    assert_int_equal(world->posts, 2); /* at once; then one every 2 s */
    hub_world_run(world, 8000);
    assert_in_range(world->posts, 5, 6);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 12);
}

/* ---- the breaker ---- */

static struct hub_world *with_breaker(void **state) {
    struct hub_world *world = *state;
    world->erps[0].breaker_failures = 3;
    world->erps[0].open_ms_min = 20000;
    world->erps[0].open_ms_max = 60000;
    posting_restart(world, 1);
    return world;
}

static enum xd_breaker_state breaker_of(const struct hub_world *world) {
    return world->hub.lanes[0].breaker.state;
}

static void an_erp_in_trouble_is_left_alone_then_tried_with_one_call(void **state) {
    struct hub_world *world = with_breaker(state);
    world->plan = plan_unavailable;
    for (int number = 1; number <= 20; number++) {
        posting_order(world, "acme", number, NULL);
    }
    while (breaker_of(world) == XD_BREAKER_CLOSED) {
        hub_world_step(world);
    }
    unsigned posts = world->posts;
    assert_in_range(posts, 3, 6); /* three in a row, and those that were under way */
    while (breaker_of(world) == XD_BREAKER_OPEN) {
        assert_int_equal(world->posts, posts);
        hub_world_step(world);
    }
    world->plan = plan_slow;
    hub_world_run(world, 1000);
    assert_int_equal(world->posts, posts + 1); /* the probe, alone */
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 20 * MINUTE_MS));
    assert_int_equal(breaker_of(world), XD_BREAKER_CLOSED);
    assert_ledger(world, "SELECT count(*) FROM sale", 20);
}

static void outcomes_that_nobody_knows_open_it_too(void **state) {
    struct hub_world *world = with_breaker(state);
    world->plan = plan_unknown;
    for (int number = 1; number <= 5; number++) {
        posting_order(world, "acme", number, NULL);
    }
    while (breaker_of(world) == XD_BREAKER_CLOSED) {
        hub_world_step(world);
    }
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 20 * MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 5);
}

static void a_refusal_is_no_failure_of_the_erp(void **state) {
    struct hub_world *world = with_breaker(state);
    char text[1024];
    for (int number = 1; number <= 9; number++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", number);
        hub_world_order_text(number, "WH1", "10", text);
        memcpy(strstr(text, "CUST-1"), "GONE-1", 6);
        assert_int_equal(hub_world_order(world, key, text), 202);
    }
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(breaker_of(world), XD_BREAKER_CLOSED);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 4", 9);
}

static void plan_poison(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    if (strcmp(call->request.reference, "acme/web/PO-1") == 0) {
        plan_unavailable(world, call, plan);
    }
}

static void the_posting_that_makes_the_trouble_is_not_every_probe(void **state) {
    struct hub_world *world = with_breaker(state);
    world->plan = plan_poison;
    posting_order(world, "acme", 1, "2026-11-22");
    while (breaker_of(world) == XD_BREAKER_CLOSED) {
        hub_world_step(world);
    }
    posting_order(world, "acme", 2, "2026-12-24");
    while (hub_world_order_status(world, "PO-2") != XD_ORDER_IN_FULFILMENT) {
        assert_true(world->now.monotonic < 1000000 + 10 * MINUTE_MS);
        hub_world_step(world);
    }
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 20 * MINUTE_MS));
}

/* PO-1 to PO-3 may have happened, and cannot be looked up. */
static void plan_blind(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    if (call->find) {
        plan_unavailable(world, call, plan);
    } else if (strcmp(call->request.reference, "acme/web/PO-3") <= 0) {
        plan_unknown(world, call, plan);
    }
}

static void an_erp_in_which_nothing_can_be_looked_up_still_gets_postings(void **state) {
    struct hub_world *world = with_breaker(state);
    world->plan = plan_blind;
    for (int number = 1; number <= 3; number++) {
        posting_order(world, "acme", number, NULL);
    }
    while (breaker_of(world) == XD_BREAKER_CLOSED) {
        hub_world_step(world);
    }
    assert_count(world, "SELECT count(*) FROM job WHERE state = 2", 3); /* one of them is always due */
    for (int number = 4; number <= 7; number++) {
        posting_order(world, "acme", number, NULL);
    }
    hub_world_run(world, 15 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 3", 4);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 20 * MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 7);
}

static void a_probe_whose_batch_was_lost_is_made_again(void **state) {
    struct hub_world *world = with_breaker(state);
    world->plan = plan_unavailable;
    posting_order(world, "acme", 1, NULL);
    while (breaker_of(world) == XD_BREAKER_CLOSED) {
        hub_world_step(world);
    }
    hub_world_site_crash(&world->sites[0]); /* of what it says the turn would take a part */
    hub_world_run(world, 5000);
    unsigned posts = world->posts;
    assert_int_equal(breaker_of(world), XD_BREAKER_OPEN);
    world->plan = NULL;
    for (xd_ms until = world->now.monotonic + 2 * MINUTE_MS; world->now.monotonic < until;) {
        world->fail_commit = true; /* of each turn: a probe that is begun never leaves */
        hub_world_step(world);
    }
    assert_int_equal(world->posts, posts);
    assert_int_equal(breaker_of(world), XD_BREAKER_OPEN);
    world->fail_commit = false;
    hub_world_site_start(&world->sites[0]);
    assert_true(hub_world_quiet(world, 20 * MINUTE_MS));
    assert_int_equal(breaker_of(world), XD_BREAKER_CLOSED);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

/* ---- Retry-After ---- */

static void plan_asks_for_time(struct hub_world *world, const struct xd_erp_call *call,
                               struct call_plan *plan) {
    plan_unavailable(world, call, plan);
    plan->retry_after_ms = 90000;
}

static void when_the_erp_says_how_long_all_of_it_is_left_alone(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_asks_for_time;
    posting_order(world, "acme", 1, NULL);
    hub_world_run(world, 1000);
    assert_int_equal(world->posts, 1);
    world->plan = NULL;
    posting_order(world, "acme", 2, NULL);
    hub_world_run(world, 88000);
    assert_int_equal(world->posts, 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 2);
}

/* ---- a person ---- */

static void a_paused_erp_is_not_called_and_all_else_goes_on(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(posting_pause(world, "main", true), 200);
    assert_int_equal(posting_pause(world, "main", true), 200);
    for (int number = 1; number <= 5; number++) {
        posting_order(world, "acme", number, NULL);
    }
    hub_world_run(world, 5 * MINUTE_MS);
    assert_int_equal(world->posts + world->finds, 0);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 0", 5);
    assert_int_equal(posting_pause(world, "main", false), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 5);
    assert_int_equal(posting_pause(world, "nobody", true), 404);
}

static void what_was_under_way_ends_and_is_not_looked_up_before_it_goes_on(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_unknown;
    posting_order(world, "acme", 1, NULL);
    posting_wait(world, 1, MINUTE_MS);
    assert_int_equal(posting_pause(world, "main", true), 200);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->finds, 0);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_int_equal(posting_pause(world, "main", false), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void a_pause_survives_a_restart_and_nothing_else(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(posting_pause(world, "main", true), 200);
    posting_restart(world, 1);
    posting_order(world, "acme", 1, NULL);
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world->posts, 0);
    assert_int_equal(posting_pause(world, "main", false), 200);
    posting_restart(world, 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void a_pause_whose_batch_was_lost_is_none(void **state) {
    struct hub_world *world = *state;
    world->fail_batch = true;
    assert_int_equal(posting_pause(world, "main", true), 503);
    assert_false(world->hub.lanes[0].paused);
    posting_order(world, "acme", 1, NULL);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

#define posting_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        posting_test(an_erp_is_called_no_faster_than_it_may_be),
        posting_test(an_erp_in_trouble_is_left_alone_then_tried_with_one_call),
        posting_test(outcomes_that_nobody_knows_open_it_too),
        posting_test(a_refusal_is_no_failure_of_the_erp),
        posting_test(the_posting_that_makes_the_trouble_is_not_every_probe),
        posting_test(an_erp_in_which_nothing_can_be_looked_up_still_gets_postings),
        posting_test(a_probe_whose_batch_was_lost_is_made_again),
        posting_test(when_the_erp_says_how_long_all_of_it_is_left_alone),
        posting_test(a_paused_erp_is_not_called_and_all_else_goes_on),
        posting_test(what_was_under_way_ends_and_is_not_looked_up_before_it_goes_on),
        posting_test(a_pause_survives_a_restart_and_nothing_else),
        posting_test(a_pause_whose_batch_was_lost_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
