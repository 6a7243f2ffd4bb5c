/* Whose turn it is at an ERP: promises first, tenants fairly, and nothing that waits is in anybody's way. */
#include "unit/posting_world.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state) {
    int result = hub_world_setup(state);
    struct hub_world *world = *state;
    world->erps[0].concurrency = 1;
    posting_restart(world, 1);
    return result;
}

static void what_is_promised_sooner_is_posted_sooner(void **state) {
    struct hub_world *world = *state;
    (void)posting_pause(world, "main", true);
    posting_order(world, "acme", 1, "2026-12-24");
    posting_order(world, "acme", 2, "2026-11-30");
    posting_order(world, "acme", 3, NULL); /* as if it were promised for now */
    posting_order(world, "acme", 4, "2026-11-30");
    posting_order(world, "acme", 5, "2026-11-22");
    (void)posting_pause(world, "main", false);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(posting_place(world, "acme", 5), 0);
    assert_int_equal(posting_place(world, "acme", 3), 1);
    assert_int_equal(posting_place(world, "acme", 2), 2);
    assert_int_equal(posting_place(world, "acme", 4), 3);
    assert_int_equal(posting_place(world, "acme", 1), 4);
}

static void a_revision_may_promise_another_date(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256];
    (void)posting_pause(world, "main", true); /* what is released keeps its dates */
    posting_order(world, "acme", 1, "2026-12-24");
    world_order_text(1, "\"dates\":{\"requested_ship\":\"2026-12-01\"},",
                     world_line("1", "WIDGET", "1", "EA", line), text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    assert_count(world, "SELECT ship_by FROM orders", 1796083200000);
    (void)posting_pause(world, "main", false);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

static void revise_date(struct hub_world *world, int number, const char *dates) {
    char text[ORDER_TEXT_SIZE], line[256];
    world_order_text(number, dates, world_line("1", "WIDGET", "1", "EA", line), text);
    assert_int_equal(world_revise(world, number, "\"1\"", text), 202);
}

static void a_revision_of_the_date_moves_a_sale_that_was_not_called_yet(void **state) {
    struct hub_world *world = *state;
    (void)posting_pause(world, "main", true);
    posting_order(world, "acme", 1, "2026-12-01");
    posting_order(world, "acme", 2, "2026-12-24");
    posting_order(world, "acme", 3, "2026-12-10");
    posting_order(world, "acme", 4, "2026-12-12");
    revise_date(world, 2, "\"dates\":{\"requested_ship\":\"2026-11-30\"},");
    revise_date(world, 3, "\"dates\":{\"requested_ship\":\"2027-01-10\"},");
    revise_date(world, 4, ""); /* as if it were promised for when it came */
    (void)posting_pause(world, "main", false);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(posting_place(world, "acme", 4), 0);
    assert_int_equal(posting_place(world, "acme", 2), 1);
    assert_int_equal(posting_place(world, "acme", 1), 2);
    assert_int_equal(posting_place(world, "acme", 3), 3);
}

static void a_flood_of_one_tenant_spares_another(void **state) {
    struct hub_world *world = *state;
    (void)posting_pause(world, "main", true);
    for (int number = 1; number <= 200; number++) {
        posting_order(world, "flood", number, "2026-11-23");
    }
    posting_order(world, "acme", 1001, NULL);
    posting_order(world, "acme", 1002, NULL);
    posting_order(world, "beta", 2001, "2027-01-01");
    (void)posting_pause(world, "main", false);
    posting_wait(world, 8, MINUTE_MS);
    assert_true(posting_place(world, "acme", 1001) <= 2);
    assert_true(posting_place(world, "beta", 2001) <= 2);
    assert_true(posting_place(world, "acme", 1002) <= 5);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
}

static void a_tenant_has_the_share_that_reference_data_says(void **state) {
    struct hub_world *world = *state;
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"share\":3}");
    world_put(world, "tenants", "{\"tenant\":\"beta\"}");
    (void)posting_pause(world, "main", true);
    for (int number = 1; number <= 12; number++) {
        posting_order(world, "acme", number, NULL);
        posting_order(world, "beta", 100 + number, NULL);
    }
    (void)posting_pause(world, "main", false);
    posting_wait(world, 12, MINUTE_MS);
    size_t acme = 0;
    for (size_t index = 0; index < 12; index++) {
        acme += strncmp(world->posted[index], "acme/", 5) == 0;
    }
    assert_int_equal(acme, 9);
    assert_true(hub_world_quiet(world, MINUTE_MS));
}

static void plan_one_is_unavailable(struct hub_world *world, const struct xd_erp_call *call,
                                    struct call_plan *plan) {
    if (strcmp(call->request.reference, "acme/web/PO-1") == 0) {
        plan_unavailable(world, call, plan);
    }
}

static void what_waits_for_its_next_try_blocks_nobody(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_one_is_unavailable;
    posting_order(world, "acme", 1, "2026-11-22");
    while (hub_world_count(world, "SELECT count(*) FROM job WHERE state = 0 AND waits = 1") == 0) {
        hub_world_step(world);
    }
    for (int number = 2; number <= 30; number++) {
        posting_order(world, "acme", number, NULL);
    }
    hub_world_run(world, 10000);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 3", 29);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 30);
}

static void what_waits_is_not_lost_by_a_restart_nor_by_a_clock_that_is_set_back(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_unavailable;
    posting_order(world, "acme", 1, NULL);
    while (hub_world_count(world, "SELECT count(*) FROM job WHERE waits = 1") == 0) {
        hub_world_step(world);
    }
    world->plan = NULL;
    world->now.wall -= 3 * XD_DAY_MS;
    posting_restart(world, 1);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void what_the_erp_refuses_for_good_does_not_hold_up_the_next(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    hub_world_order_text(1, "WH1", "10", text);
    memcpy(strstr(text, "CUST-1"), "GONE-1", 6); /* unknown */
    (void)posting_pause(world, "main", true);
    assert_int_equal(hub_world_order(world, "k", text), 202);
    posting_order(world, "acme", 2, NULL);
    (void)posting_pause(world, "main", false);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM job WHERE state = 4", 1);
    assert_exceptions(world, "ERP_REJECTED_SALE", 1);
    assert_int_equal(hub_world_order_status(world, "PO-2"), XD_ORDER_IN_FULFILMENT);
}

#define posting_test(name) cmocka_unit_test_setup_teardown(name, setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        posting_test(what_is_promised_sooner_is_posted_sooner),
        posting_test(a_revision_may_promise_another_date),
        posting_test(a_revision_of_the_date_moves_a_sale_that_was_not_called_yet),
        posting_test(a_flood_of_one_tenant_spares_another),
        posting_test(a_tenant_has_the_share_that_reference_data_says),
        posting_test(what_waits_for_its_next_try_blocks_nobody),
        posting_test(what_waits_is_not_lost_by_a_restart_nor_by_a_clock_that_is_set_back),
        posting_test(what_the_erp_refuses_for_good_does_not_hold_up_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
