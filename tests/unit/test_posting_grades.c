/* What an ERP can do about our references decides what the hub dares. */
#include "unit/posting_world.h"

#include <stdio.h>
#include <string.h>

static struct hub_world *of_grade(void **state, enum xd_erp_grade grade) {
    struct hub_world *world = *state;
    world->erps[0].grade = grade;
    posting_restart(world, 1);
    return world;
}

/* ---- B: it can only be looked up ---- */

static void what_was_queued_before_a_restart_is_looked_up_before_its_first_post(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_B);
    assert_int_equal(posting_pause(world, "main", true), 200);
    posting_order(world, "acme", 1, NULL);
    hub_world_copy(world);
    assert_int_equal(posting_pause(world, "main", false), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    hub_world_restore(world); /* into a life that does not know that it was posted */
    assert_int_equal(posting_pause(world, "main", false), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_true(world->finds >= 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void what_is_not_there_is_posted_without_waiting(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_B);
    assert_int_equal(posting_pause(world, "main", true), 200);
    posting_order(world, "acme", 1, NULL);
    posting_restart(world, 1);
    assert_int_equal(posting_pause(world, "main", false), 200);
    hub_world_run(world, 5000); /* far less than the life of a request */
    assert_int_equal(world->finds, 1);
    assert_int_equal(world->posts, 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    posting_order(world, "acme", 2, NULL); /* of this life: nobody else can have posted it */
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->finds, 1);
}

static void what_a_restored_hub_forgot_is_looked_up_before_it_is_posted(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_B);
    char release_id[XD_ID_SIZE];
    posting_order(world, "acme", 1, NULL);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    hub_world_copy(world);
    hub_world_release_id(world, "PO-1", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "1", "");
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(world->posts, 2);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(world->posts, 2);
    hub_world_run(world, 2 * XD_DAY_MS);
    unsigned finds = world->finds;
    posting_order(world, "acme", 2, NULL); /* it knows by then what it had forgotten */
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(world->finds, finds);
}

static void plan_blind(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    if (call->find) {
        plan_unavailable(world, call, plan);
    }
}

static void what_cannot_be_looked_up_is_not_posted(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_B);
    assert_int_equal(posting_pause(world, "main", true), 200);
    posting_order(world, "acme", 1, NULL);
    posting_restart(world, 1);
    world->plan = plan_blind;
    assert_int_equal(posting_pause(world, "main", false), 200);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_int_equal(world->posts, 0);
    assert_true(world->finds > 1);
    world->plan = NULL;
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
}

/* ---- C: nobody can tell ---- */

static void an_outcome_that_nobody_knows_is_a_persons_to_decide(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_C);
    world->plan = plan_unknown;
    posting_order(world, "acme", 1, NULL);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_int_equal(world->posts, 1);
    assert_int_equal(world->finds, 0);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 6", 1);
    assert_exceptions(world, "ERP_UNKNOWN_OUTCOME", 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_VALIDATED);
    assert_int_equal(world_resolve(world, "ERP_UNKNOWN_OUTCOME", "reject"), 409);
    assert_int_equal(world_resolve(world, "ERP_UNKNOWN_OUTCOME", "accept"), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_exceptions(world, "ERP_UNKNOWN_OUTCOME", 0);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_step(world, 1, "exception.resolved", 1);
}

static void plan_lost(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)call;
    if (world->posts == 0) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNKNOWN};
    }
}

static void what_did_not_happen_is_posted_again_by_a_persons_word(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_C);
    world->plan = plan_lost;
    posting_order(world, "acme", 1, NULL);
    posting_order(world, "acme", 2, NULL); /* nobody's trouble */
    hub_world_run(world, 2 * MINUTE_MS);
    assert_int_equal(world->posts, 2);
    assert_int_equal(world_resolve(world, "ERP_UNKNOWN_OUTCOME", "retry"), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 3);
    assert_ledger(world, "SELECT count(*) FROM sale", 2);
}

static void plan_hangs(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 1000, .answers_ms = -1};
}

static void what_was_sent_before_a_crash_is_a_persons_to_decide(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_C);
    world->plan = plan_hangs;
    posting_order(world, "acme", 1, NULL);
    posting_wait(world, 1, MINUTE_MS);
    world->plan = NULL;
    posting_restart(world, 1);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_int_equal(world->posts, 1);
    assert_exceptions(world, "ERP_UNKNOWN_OUTCOME", 1);
    posting_restart(world, 1);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_exceptions(world, "ERP_UNKNOWN_OUTCOME", 1); /* asked once */
    assert_int_equal(world_resolve(world, "ERP_UNKNOWN_OUTCOME", "accept"), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_int_equal(world->posts, 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
}

static void a_shipment_that_may_be_there_is_asked_about_too(void **state) {
    struct hub_world *world = of_grade(state, XD_ERP_GRADE_C);
    char release_id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release_id);
    world->plan = plan_unknown;
    hub_world_ship(&world->sites[0], "C-1", release_id, "10", "");
    hub_world_run(world, MINUTE_MS);
    assert_exceptions(world, "ERP_UNKNOWN_OUTCOME", 1);
    world->plan = NULL;
    assert_int_equal(world_resolve(world, "ERP_UNKNOWN_OUTCOME", "accept"), 200);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_heard(&world->sites[0], "settled", "C-1", "\"outcome\":\"posted\"");
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_int_equal(hub_world_difference(world), 0);
}

#define posting_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        posting_test(what_was_queued_before_a_restart_is_looked_up_before_its_first_post),
        posting_test(what_a_restored_hub_forgot_is_looked_up_before_it_is_posted),
        posting_test(what_is_not_there_is_posted_without_waiting),
        posting_test(what_cannot_be_looked_up_is_not_posted),
        posting_test(an_outcome_that_nobody_knows_is_a_persons_to_decide),
        posting_test(what_did_not_happen_is_posted_again_by_a_persons_word),
        posting_test(what_was_sent_before_a_crash_is_a_persons_to_decide),
        posting_test(a_shipment_that_may_be_there_is_asked_about_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
