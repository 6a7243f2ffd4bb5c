/* The hub and an ERP that refuses, hangs, forgets and lies: one document per
 * reference, no blind retry, nobody waits for somebody else's trouble. */
#include "unit/hub_world.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_post(const struct xd_erp_call *call, const char *part) {
    return !call->find && strstr(call->request.reference, part) != NULL;
}

static struct xd_job_slot *slot_of_only_job(struct hub_world *world) {
    struct xd_job_slot *found = NULL;
    for (size_t index = 0; index < XD_JOB_SLOTS; index++) {
        if (world->hub.lanes[0].slots[index].number != 0) {
            assert_null(found);
            found = &world->hub.lanes[0].slots[index];
        }
    }
    assert_non_null(found);
    return found;
}

/* ---- answers ---- */

static void a_sale_that_the_erp_refuses_is_held(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    hub_world_order_text(1, "WH1", "10", text);
    memcpy(strstr(text, "CUST-1"), "GONE-1", 6); /* unknown */
    assert_int_equal(hub_world_order(world, "k", text), 202);
    hub_world_place(world, 2, "1");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_HELD);
    assert_int_equal(hub_world_order_status(world, "PO-2"), XD_ORDER_IN_FULFILMENT);
    assert_exceptions(world, "ERP_REJECTED_SALE", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE detail LIKE 'unknown_customer: %'", 1);
    assert_count(world, "SELECT count(*) FROM release WHERE status > 0", 1); /* the other is a draft */
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void plan_reject_shipment(struct hub_world *world, const struct xd_erp_call *call,
                                 struct call_plan *plan) {
    (void)world;
    if (call->request.kind == XD_ERP_SHIPMENT) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

static void a_shipment_that_the_erp_refuses_is_seen(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    world->plan = plan_reject_shipment;
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    assert_count(world,
                 "SELECT count(*) FROM timeline WHERE step = 'shipment.rejected' AND"
                 " json_extract(detail, '$.erp') = 'main' AND json_extract(detail, '$.code') <> '' AND"
                 " json_extract(detail, '$.confirmation_id') = 'C-1'",
                 1);
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"parked\"");
    assert_int_equal(hub_world_difference(world), 1); /* applied, never posted */
}

static void plan_unknown_but_done(struct hub_world *world, const struct xd_erp_call *call,
                                  struct call_plan *plan) {
    if (is_post(call, "PO-1") && world->posts == 0) {
        *plan = (struct call_plan){.lies = true, .outcome = XD_ERP_UNKNOWN};
    }
}

static void an_unknown_outcome_is_looked_up_and_found(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_unknown_but_done;
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_int_equal(world->finds, 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void plan_unknown_and_lost(struct hub_world *world, const struct xd_erp_call *call,
                                  struct call_plan *plan) {
    if (is_post(call, "PO-1") && world->posts == 0) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNKNOWN};
    }
}

static void nothing_is_posted_again_before_the_request_can_be_dead(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_unknown_and_lost;
    hub_world_place(world, 1, "10");
    hub_world_run(world, world->erp_life_ms - 1000);
    assert_int_equal(world->posts, 1);
    assert_true(world->finds >= 1);
    assert_true(world->finds <= 3); /* not twenty a second */
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_VALIDATED);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 2); /* with the same reference */
    assert_ledger(world, "SELECT count(*) FROM sale WHERE reference = 'acme/web/PO-1'", 1);
}

static void plan_lands_late(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    if (is_post(call, "PO-1") && world->posts == 0) {
        *plan = (struct call_plan){.lands_ms = 25000, .lies = true, .outcome = XD_ERP_UNKNOWN};
    }
}

static void a_request_that_lands_late_is_still_the_only_one(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_lands_late;
    hub_world_place(world, 1, "10");
    assert_true(hub_world_quiet(world, 2 * MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
}

static void plan_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 2000, .answers_ms = 3000};
}

static void calls_never_exceed_the_workers(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_slow; /* call_leaves asserts that a worker is free */
    for (int number = 1; number <= 20; number++) {
        hub_world_place(world, number, "1");
    }
    hub_world_run(world, 1000);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 3);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 1", 3); /* SENT only with a worker */
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 20);
}

/* ---- an ERP that is not there ---- */

static void plan_first_unavailable(struct hub_world *world, const struct xd_erp_call *call,
                                   struct call_plan *plan) {
    if (is_post(call, "PO-1") && strlen(call->request.reference) == strlen("acme/web/PO-1") &&
        world->now.monotonic < 1000000 + 5 * MINUTE_MS) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void an_unavailable_erp_is_asked_less_and_less(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_first_unavailable;
    hub_world_place(world, 1, "10");
    hub_world_place(world, 2, "10");
    hub_world_run(world, 5 * MINUTE_MS);
    assert_int_equal(hub_world_order_status(world, "PO-2"), XD_ORDER_IN_FULFILMENT);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_VALIDATED);
    assert_true(world->posts > 20);  /* it goes on ... */
    assert_true(world->posts < 400); /* ... with a wait of up to 5 s */
    assert_int_equal(world->finds, 0);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
}

static void plan_most_unavailable(struct hub_world *world, const struct xd_erp_call *call,
                                  struct call_plan *plan) {
    (void)world;
    if (!is_post(call, "PO-900")) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void however_many_wait_for_the_erp_a_later_one_gets_its_turn(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_most_unavailable;
    for (int number = 1; number <= 300; number++) {
        hub_world_place(world, number, "1");
    }
    hub_world_place(world, 900, "1");
    hub_world_run(world, 3 * MINUTE_MS);
    assert_int_equal(hub_world_order_status(world, "PO-900"), XD_ORDER_IN_FULFILMENT);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 301);
}

/* ---- crashes ---- */

static void plan_hangs(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    if (is_post(call, "PO-1") && world->posts == 0) {
        *plan = (struct call_plan){.lands_ms = -1, .answers_ms = -1};
    }
}

static void plan_hangs_then_lands(struct hub_world *world, const struct xd_erp_call *call,
                                  struct call_plan *plan) {
    if (is_post(call, "PO-1") && world->posts == 0) {
        *plan = (struct call_plan){.lands_ms = 20000, .answers_ms = -1};
    }
}

static void what_was_sent_before_a_crash_is_looked_up_first(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_hangs;
    hub_world_place(world, 1, "10");
    hub_world_run(world, 5000);
    assert_int_equal(world->posts, 1);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, world->erp_life_ms - 1000); /* its life is counted from the start anew */
    assert_int_equal(world->posts, 1);
    assert_true(world->finds >= 1);
    assert_int_equal(slot_of_only_job(world)->state, XD_JOB_UNKNOWN);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 2);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void what_was_sent_before_a_crash_may_still_land(void **state) {
    struct hub_world *world = *state;
    world->plan = plan_hangs_then_lands;
    hub_world_place(world, 1, "10");
    hub_world_run(world, 5000);
    hub_world_crash(world);
    hub_world_start(world);
    assert_true(hub_world_quiet(world, 2 * MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
}

static void a_crash_between_commit_and_call_loses_nothing(void **state) {
    struct hub_world *world = *state;
    hub_world_place(world, 1, "10");
    world->drop_effects = true;
    hub_world_step(world); /* SENT is stored, and the call never leaves */
    hub_world_crash(world);
    hub_world_start(world);
    assert_true(hub_world_quiet(world, 2 * MINUTE_MS));
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
}

/* ---- batches that fail ---- */

static void the_whole_way(struct hub_world *world) {
    char release_id[XD_ID_SIZE];
    unsigned status = 0;
    for (int attempt = 0; attempt < 5 && status != 202; attempt++) {
        char text[1024];
        status = hub_world_order(world, "key-1", hub_world_order_text(1, "WH1", "10", text));
        assert_true(status == 202 || status == 503);
    }
    assert_true(hub_world_quiet(world, 3 * MINUTE_MS));
    hub_world_release_id(world, "PO-1", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    assert_true(hub_world_quiet(world, 3 * MINUTE_MS));
}

static void whichever_commit_fails_nothing_is_lost_or_leaked(void **state) {
    (void)state;
    for (uint64_t commit = 1; commit <= 60; commit++) {
        struct hub_world world;
        hub_world_open(&world, commit);
        (void)hub_world_add_site(&world, "WH1");
        world.fail_commit_at = world.commits + commit;
        the_whole_way(&world);
        if (xd_hub_erp_calls(&world.hub) != 0 || hub_world_difference(&world) != 0) {
            fail_msg("commit %llu: %u calls, difference %lld", (unsigned long long)commit,
                     xd_hub_erp_calls(&world.hub), (long long)hub_world_difference(&world));
        }
        assert_int_equal(hub_world_order_status(&world, "PO-1"), XD_ORDER_SHIPPED);
        assert_ledger(&world, "SELECT count(*) FROM sale", 1);
        assert_ledger(&world, "SELECT count(*) FROM shipment", 1);
        hub_world_close(&world);
    }
}

static void a_full_disk_in_the_middle_of_a_batch_frees_no_busy_worker(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    world->plan = plan_slow;
    for (int number = 1; number <= 10; number++) {
        hub_world_place(world, number, "1"); /* each turn may call, and the next one fails */
        world->fail_batch = true;
        unsigned status =
            hub_world_order(world, "late", hub_world_order_text(100 + number, "WH1", "1", text));
        assert_int_equal(status, 503);
        unsigned busy = 0;
        for (size_t index = 0; index < WORLD_CALLS; index++) {
            busy += world->calls[index].used && !world->calls[index].gone;
        }
        assert_int_equal(xd_hub_erp_calls(&world->hub), busy);
        hub_world_run(world, 300);
    }
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 10);
    assert_count(world, "SELECT count(*) FROM orders", 10);
}

static void an_answer_whose_commit_failed_is_looked_up(void **state) {
    struct hub_world *world = *state;
    hub_world_place(world, 1, "10");
    while (world->posts == 0) {
        hub_world_step(world);
    }
    world->fail_commit = true; /* of the batch that takes the answer in */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_true(world->finds >= 1);
    assert_int_equal(xd_hub_erp_calls(&world->hub), 0);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
}

#define hub_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        hub_test(a_sale_that_the_erp_refuses_is_held),
        hub_test(a_shipment_that_the_erp_refuses_is_seen),
        hub_test(an_unknown_outcome_is_looked_up_and_found),
        hub_test(nothing_is_posted_again_before_the_request_can_be_dead),
        hub_test(a_request_that_lands_late_is_still_the_only_one),
        hub_test(calls_never_exceed_the_workers),
        hub_test(an_unavailable_erp_is_asked_less_and_less),
        hub_test(however_many_wait_for_the_erp_a_later_one_gets_its_turn),
        hub_test(what_was_sent_before_a_crash_is_looked_up_first),
        hub_test(what_was_sent_before_a_crash_may_still_land),
        hub_test(a_crash_between_commit_and_call_loses_nothing),
        cmocka_unit_test(whichever_commit_fails_nothing_is_lost_or_leaked),
        hub_test(a_full_disk_in_the_middle_of_a_batch_frees_no_busy_worker),
        hub_test(an_answer_whose_commit_failed_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
