/* Several ERPs: each order goes to the one of its tenant and stays there, each has its own trouble, and a
 * shadow is never posted to. */
#include "unit/posting_world.h"

#include "base/memory.h"
#include "hub/posting/erps_view.h"

#include <stdio.h>
#include <string.h>

static const char *const others[] = {"beta", "gamma"};

static struct hub_world *with_two(void **state) {
    struct hub_world *world = *state;
    world->erps[1].tenants = others;
    world->erps[1].tenant_count = 2;
    posting_restart(world, 2);
    return world;
}

static void an_order_goes_to_the_erp_of_its_tenant(void **state) {
    struct hub_world *world = with_two(state);
    posting_order(world, "acme", 1, NULL);
    posting_order(world, "beta", 2, NULL);
    posting_order(world, "gamma", 3, NULL);
    posting_order(world, "delta", 4, NULL);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts_of[0], 2);
    assert_int_equal(world->posts_of[1], 2);
    assert_count(world, "SELECT count(*) FROM orders WHERE erp = 'second' AND tenant IN ('beta', 'gamma')",
                 2);
    assert_count(world, "SELECT count(*) FROM orders WHERE erp = 'main' AND tenant IN ('acme', 'delta')", 2);
}

/* The sale is where it was posted, whoever serves the tenant by now: so is all that follows. */
static void what_follows_a_sale_goes_where_the_sale_is(void **state) {
    struct hub_world *world = with_two(state);
    char release_id[XD_ID_SIZE];
    posting_order(world, "beta", 2, NULL);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_crash(world);
    world->erps[1].tenants = others + 1; /* beta is main's from now on */
    world->erps[1].tenant_count = 1;
    hub_world_start(world);
    hub_world_release_id(world, "PO-2", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "1", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 1 AND erp = 'second' AND state = 3", 1);
    posting_order(world, "beta", 3, NULL);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 0 AND erp = 'main' AND state = 3", 1);
}

static void plan_second_is_down(struct hub_world *world, const struct xd_erp_call *call,
                                struct call_plan *plan) {
    if (call->lane == 1) {
        plan_unavailable(world, call, plan);
    }
}

static void the_trouble_of_one_is_not_the_others(void **state) {
    struct hub_world *world = with_two(state);
    world->plan = plan_second_is_down;
    for (int number = 1; number <= 50; number++) {
        posting_order(world, "beta", number, NULL);
    }
    posting_order(world, "acme", 100, NULL);
    hub_world_run(world, 5000);
    assert_int_equal(hub_world_order_status(world, "PO-100"), XD_ORDER_IN_FULFILMENT);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(posting_pause(world, "second", true), 200);
    posting_order(world, "beta", 101, NULL);
    posting_order(world, "acme", 102, NULL);
    hub_world_run(world, 5000);
    assert_int_equal(hub_world_order_status(world, "PO-101"), XD_ORDER_VALIDATED);
    assert_int_equal(hub_world_order_status(world, "PO-102"), XD_ORDER_IN_FULFILMENT);
    assert_int_equal(posting_pause(world, "second", false), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

/* ---- a shadow ---- */

static void a_shadow_is_never_posted_to(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    world->erps[1].shadow = true; /* also when it names tenants: those that are compared */
    world->erps[1].tenants = others;
    world->erps[1].tenant_count = 2;
    world->reference_ms = MINUTE_MS;
    posting_restart(world, 2);
    posting_order(world, "acme", 1, NULL);
    posting_order(world, "beta", 2, NULL);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_release_id(world, "PO-2", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "1", "");
    assert_true(hub_world_quiet(world, 3 * MINUTE_MS));
    assert_int_equal(world->posts_of[1], 0);
    assert_count(world, "SELECT count(*) FROM job WHERE erp <> 'main'", 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 2);
}

static void what_was_queued_for_an_erp_that_became_a_shadow_stays_queued(void **state) {
    struct hub_world *world = with_two(state);
    world->plan = plan_second_is_down;
    assert_int_equal(posting_pause(world, "second", true), 200);
    posting_order(world, "beta", 1, NULL);
    assert_int_equal(posting_pause(world, "second", false), 200);
    world->plan = plan_unknown;
    posting_order(world, "beta", 2, NULL);
    hub_world_crash(world);
    unsigned posts = world->posts;
    world->erps[1].shadow = true;
    world->plan = NULL;
    hub_world_start(world);
    hub_world_run(world, 5 * MINUTE_MS); /* call_leaves asserts that nothing but lists is asked of a shadow */
    assert_int_equal(world->posts, posts);
    hub_world_crash(world);
    world->erps[1].shadow = false;
    hub_world_start(world);
    assert_true(hub_world_quiet(world, 2 * MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 2);
}

/* ---- reference data ---- */

static void of_reference_data_each_erp_looks_after_its_own(void **state) {
    struct hub_world *world = *state;
    world->erps[1].tenants = others;
    world->erps[1].tenant_count = 2;
    world->reference_ms = MINUTE_MS;
    hub_world_crash(world);
    world->erps[0].concurrency = 1;
    hub_world_start(world); /* one alone at first: both are the same ledger */
    hub_world_run(world, 10000);
    assert_count(world, "SELECT count(*) FROM reference WHERE source = 'erp'", 4);
    (void)hub_world_ledger(world,
                           "INSERT INTO customer(code, name, active, currency) VALUES('NEW', 'n', 1, 'EUR')");
    posting_restart(world, 2);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM reference_current", 5);
    assert_count(world, "SELECT count(*) FROM reference", 5); /* nobody takes another's: no new versions */
    assert_count(world, "SELECT count(*) FROM reference WHERE source NOT IN ('erp', 'erp/second')", 0);
}

/* ---- who looks ---- */

/* GET /v1/erps as it is now. */
static char *seen(struct hub_world *world) {
    static char text[4096];
    struct xd_erp_figures figures[XD_ERPS_MAX];
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_erp_figures_take(&world->hub, figures);
    assert_ok(xd_view_erps(&world->store, world->erps, figures, world->hub.config.erp_count, &out));
    snprintf(text, sizeof text, "%s", xd_buffer_string(&out));
    xd_buffer_free(&out);
    return text;
}

static void plan_lists_are_away(struct hub_world *world, const struct xd_erp_call *call,
                                struct call_plan *plan) {
    if (call->list) {
        plan_unavailable(world, call, plan);
    }
}

static void an_erp_that_answers_no_list_is_seen_to_fail(void **state) {
    struct hub_world *world = *state;
    world->books.poll_ms = MINUTE_MS;
    world->plan = plan_lists_are_away;
    posting_restart(world, 1);
    hub_world_run(world, 5000);
    const struct xd_lane_counters *met = &world->hub.lanes[0].counters;
    assert_true(met->lists[XD_ERP_UNAVAILABLE] > 0);
    assert_int_equal(met->outcomes[XD_ERP_UNAVAILABLE], 0);
    assert_non_null(
        strstr(seen(world), "\"state\":\"failing\",\"breaker\":\"closed\",\"last_error\":{\"at\":"));
    assert_non_null(strstr(seen(world), "\"call\":\"list of sales\",\"code\":\"as_planned\""));
    assert_non_null(strstr(seen(world), "\"next_try_at\":"));
    assert_int_equal(posting_pause(world, "main", true), 200);
    assert_non_null(strstr(seen(world), "\"state\":\"paused\""));
    assert_null(strstr(seen(world), "\"next_try_at\":"));
    assert_int_equal(posting_pause(world, "main", false), 200);
    world->plan = NULL;
    hub_world_run(world, 2 * MINUTE_MS);
    assert_non_null(strstr(seen(world), "\"state\":\"ready\",\"breaker\":\"closed\",\"last_answer_at\":"));
    assert_non_null(strstr(seen(world), "\"last_error\":{")); /* what it was stays to be seen */
    assert_null(strstr(seen(world), "\"next_try_at\":"));
}

static void an_erp_that_takes_no_posting_says_which_one_and_when_it_is_tried(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_unavailable;
    world->erps[0].breaker_failures = 2;
    world->erps[0].open_ms_min = world->erps[0].open_ms_max = MINUTE_MS;
    posting_restart(world, 1);
    posting_order(world, "acme", 1, NULL);
    posting_order(world, "acme", 2, NULL);
    for (int step = 0; step < 600 && world->hub.lanes[0].breaker.state != XD_BREAKER_OPEN; step++) {
        hub_world_step(world);
    }
    assert_non_null(strstr(seen(world), "\"state\":\"failing\",\"breaker\":\"open\""));
    assert_non_null(strstr(seen(world), "\"call\":\"sale\",\"code\":\"as_planned\""));
    assert_non_null(strstr(seen(world), "\"next_try_at\":"));
    assert_true(xd_lane_next_call(&world->hub, &world->hub.lanes[0], world->now) >=
                world->hub.lanes[0].breaker.until);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_non_null(strstr(seen(world), "\"state\":\"ready\""));
    assert_non_null(strstr(seen(world), "\"done\":2,"));
}

#define posting_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        posting_test(an_order_goes_to_the_erp_of_its_tenant),
        posting_test(what_follows_a_sale_goes_where_the_sale_is),
        posting_test(the_trouble_of_one_is_not_the_others),
        posting_test(a_shadow_is_never_posted_to),
        posting_test(what_was_queued_for_an_erp_that_became_a_shadow_stays_queued),
        posting_test(of_reference_data_each_erp_looks_after_its_own),
        posting_test(an_erp_that_answers_no_list_is_seen_to_fail),
        posting_test(an_erp_that_takes_no_posting_says_which_one_and_when_it_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
