/* A hub that is set back to an older copy: its sites give back the releases that it forgot, and what they had
 * confirmed meanwhile. */
#include "unit/hub_world_orders.h"

#include <stdio.h>

static void a_restored_hub_learns_of_a_split_order_from_its_sites(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "5");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_releases(world, 1, 2);
    assert_line(world, 1, "1", "0 0 11 0 0 0 0");
    assert_agrees(world);
    world_ships(world, 1, 1, "6", NULL);
    world_ships(world, 1, 2, "5", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "1", "11 2.5 11");
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_exceptions(world, "RELEASED_TWICE", 0);
}

static void an_order_sent_again_to_a_restored_hub_before_its_sites_speak_is_not_shipped_twice(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    hub_world_copy(world);
    world_stock(world, "WH1", "WIDGET", "0");
    assert_int_equal(world_simple(world, 1, "", "10"), 202); /* WH2 */
    world_quiet(world);
    assert_release(world, 1, 1, "WH2 SENT NONE 1");
    hub_world_site_crash(&world->sites[1]);
    hub_world_restore(world); /* which takes WH1's stock for 20 */
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, MINUTE_MS);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    hub_world_site_start(&world->sites[1]);
    world_quiet(world);
    assert_releases(world, 1, 2);
    assert_exceptions(world, "RELEASED_TWICE", 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_sale(world, 1, "1", "10 2.5 0");
    world_ships(world, 1, 1, "10", NULL);
    world_ships(world, 1, 2, "10", NULL); /* nobody stopped it: it is over-shipment, and told */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_exceptions(world, "OVERSHIP", 1);
    assert_sale(world, 1, "1", "10 2.5 20");
    assert_erp_agrees(world);
}

static void an_order_routed_otherwise_by_a_restored_hub_gets_what_its_site_has(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    const char *head = "\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"CREATE\",";
    hub_world_copy(world);
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 8 0 0 0 0");
    hub_world_site_crash(&world->sites[0]);
    hub_world_restore(world);
    world_stock(world, "WH1", "WIDGET", "13");
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    hub_world_run(world, MINUTE_MS);
    assert_line(world, 1, "2", "5 0 3 0 0 5 0"); /* under the same name as the release that WH1 has */
    hub_world_site_start(&world->sites[0]);
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_line(world, 1, "2", "0 0 8 0 0 0 0");
    assert_agrees(world);
    world_ships_line(world, 1, 1, "1", "WIDGET", "10", "EA", NULL);
    world_ships_line(world, 1, 1, "2", "WIDGET", "8", "EA", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "2", "8 2.5 8");
    assert_exceptions(world, "RELEASED_TWICE", 0);
    assert_exceptions(world, "OVERSHIP", 0);
}

static void what_a_restored_hub_gave_elsewhere_and_its_site_has_is_told(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    hub_world_copy(world);
    assert_int_equal(world_two_lines(world, 1, "", "10", "8"), 202);
    world_quiet(world);
    assert_releases(world, 1, 1);
    hub_world_site_crash(&world->sites[0]);
    hub_world_restore(world);
    world_stock(world, "WH1", "WIDGET", "10");
    world_stock(world, "WH2", "WIDGET", "8");
    assert_int_equal(world_two_lines(world, 1, "", "10", "8"), 202);
    hub_world_run(world, MINUTE_MS);
    assert_releases(world, 1, 2); /* line 2 is with WH2 now */
    hub_world_site_start(&world->sites[0]);
    world_quiet(world);
    assert_exceptions(world, "RELEASED_TWICE", 1);
    assert_line(world, 1, "2", "0 0 8 0 0 0 0");
    assert_agrees(world);
}

static void answers_in_an_hour(struct hub_world *world, const struct xd_erp_call *call,
                               struct call_plan *plan) {
    (void)world;
    (void)call;
    plan->lands_ms = plan->answers_ms = 60 * MINUTE_MS;
}

static void what_waited_for_a_release_is_applied_when_another_shipment_shows_it(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "4", NULL);
    world_quiet(world);
    hub_world_restore(world);
    world->plan = answers_in_an_hour; /* so long nobody knows whether the sale is there */
    hub_world_run(world, 5 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 DRAFT NONE 1");
    world_ships(world, 1, 1, "6", NULL);
    hub_world_run(world, MINUTE_MS);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 180 * MINUTE_MS));
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_erp_agrees(world);
}

/* WH1 was silent, gave up what it had, and WH2 ships it: this hub knows of neither. */
static void what_was_asked_back_before_the_restore_is_not_waited_for(void **state, unsigned first) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"ack_minutes\":30}");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    hub_world_run(world, 31 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    hub_world_site_crash(&world->sites[1 - first]);
    hub_world_restore(world);
    hub_world_run(world, 5 * MINUTE_MS);
    hub_world_site_start(&world->sites[1 - first]);
    world_quiet(world);
    assert_releases(world, 1, 2);
    assert_exceptions(world, "RELEASED_TWICE", 0);
    assert_int_equal(hub_world_events(world, "acme.order.cancelled.portal", NULL), 0);
    assert_agrees(world);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    world_ships(world, 1, 2, "10", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 10 10 0 0"); /* whether it was ten in all the sites do not tell */
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_erp_agrees(world);
}

static void a_silent_site_speaks_first_after_the_restore(void **state) {
    what_was_asked_back_before_the_restore_is_not_waited_for(state, 0);
}

static void who_ships_instead_speaks_first_after_the_restore(void **state) {
    what_was_asked_back_before_the_restore_is_not_waited_for(state, 1);
}

/* The release is not as far as the one that the site has: a draft, or not reserved yet. */
static void a_release_that_is_not_as_far_gets_what_its_site_has(void **state, bool reserves) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    const char *head = "\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"CREATE\",";
    if (reserves) {
        world_put(world, "sites", "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    }
    hub_world_copy(world);
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    world_quiet(world);
    hub_world_site_crash(&world->sites[0]);
    hub_world_restore(world);
    world_stock(world, "WH1", "WIDGET", "13");
    world->plan = reserves ? NULL : world_erp_away;
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    hub_world_run(world, MINUTE_MS);
    hub_world_site_start(&world->sites[0]);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_line(world, 1, "2", reserves ? "8 0 0 0 0 0 8" : "0 8 0 0 0 0 0");
    world->plan = NULL;
    hub_world_run(world, 30 * MINUTE_MS);
    if (reserves) {
        world_answer(world, 1, 1, 1, "RESERVED");
    }
    world_quiet(world);
    assert_agrees(world);
    world_ships_line(world, 1, 1, "1", "WIDGET", "10", "EA", NULL);
    world_ships_line(world, 1, 1, "2", "WIDGET", "8", "EA", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
}

static void a_draft_gets_what_its_site_has(void **state) {
    a_release_that_is_not_as_far_gets_what_its_site_has(state, false);
}

static void a_release_to_be_reserved_gets_what_its_site_has(void **state) {
    a_release_that_is_not_as_far_gets_what_its_site_has(state, true);
}

static void what_a_site_had_refused_to_give_up_is_posted_when_it_ships(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_erp_agrees(world);
}

static void a_cancellation_that_a_restored_hub_forgot_can_be_asked_for_again(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    hub_world_copy(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_sale(world, 1, "1", "0 2.5 0");
}

static void what_its_site_does_not_have_of_a_release_is_placed_anew(void **state) {
    struct hub_world *world = world_with_stock(state, "13", "0");
    const char *head = "\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"CREATE\",";
    hub_world_copy(world);
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    world_quiet(world);
    assert_line(world, 1, "2", "5 0 3 0 0 5 0");
    hub_world_site_crash(&world->sites[0]);
    hub_world_restore(world);
    world_stock(world, "WH1", "WIDGET", "30");
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    hub_world_run(world, MINUTE_MS);
    assert_line(world, 1, "2", "0 0 8 0 0 0 0"); /* under the same name as the release that WH1 has */
    hub_world_site_start(&world->sites[0]);
    world_quiet(world);
    assert_releases(world, 1, 2);
    assert_line(world, 1, "2", "0 0 8 0 0 0 0");
    world_ships_line(world, 1, 1, "1", "WIDGET", "10", "EA", NULL);
    world_ships_line(world, 1, 1, "2", "WIDGET", "3", "EA", NULL);
    world_ships_line(world, 1, 2, "2", "WIDGET", "5", "EA", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "2", "8 2.5 8");
    assert_erp_agrees(world);
}

/* The line is of a release that the hub drafted otherwise; what the site has comes after what it ships. */
static void a_line_that_the_site_ships_waits_for_what_the_site_has(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    const char *head = "\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",\"backorder_policy\":\"CREATE\",";
    hub_world_copy(world);
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    world_quiet(world);
    char release_id[XD_ID_SIZE], text[640];
    world_release_id(world, 1, 1, release_id);
    hub_world_crash(world);
    (void)snprintf(text, sizeof text,
                   "{\"confirmation_id\":\"C-1\",\"kind\":\"SHIP\",\"shipment_id\":\"S-1\",\"shipped_at\":"
                   "\"2026-11-23T10:00:00+01:00\",\"release_ids\":[\"%s\"],\"lines\":["
                   "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"4\",\"uom\":\"EA\"},"
                   "{\"line_id\":\"2\",\"sku\":\"WIDGET\",\"qty_shipped\":\"8\",\"uom\":\"EA\"}]}",
                   release_id);
    hub_world_wms(&world->sites[0], "confirmation", text);
    hub_world_run(world, MINUTE_MS);
    hub_world_site_crash(&world->sites[0]);
    hub_world_restore(world);
    world_stock(world, "WH1", "WIDGET", "10");
    assert_int_equal(world_two_lines(world, 1, head, "10", "8"), 202);
    hub_world_run(world, MINUTE_MS);
    assert_line(world, 1, "2", "8 0 0 0 0 8 0");
    hub_world_site_start(&world->sites[0]);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 4 0 0 0");
    assert_line(world, 1, "2", "0 0 0 8 0 0 0");
    assert_sale(world, 1, "2", "8 2.5 8");
    assert_exceptions(world, "UNMATCHED_LINE", 0);
}

/* What a revision says is the whole of it, whoever ships what of it. */
static void an_order_that_came_back_can_be_revised(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "5");
    char line[256], text[ORDER_TEXT_SIZE];
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    hub_world_site_crash(&world->sites[1]);
    world->plan = world_erp_away; /* what is not at a site yet, as far as the hub knows, may be revised */
    hub_world_restore(world);
    hub_world_run(world, 5 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 DRAFT NONE 1");
    (void)world_order_text(1, "", world_line("1", "WIDGET", "14", "EA", line), text);
    assert_int_equal(world_revise(world, 1, "*", text), 202);
    world->plan = NULL;
    hub_world_run(world, 30 * MINUTE_MS);
    world_stock(world, "WH1", "WIDGET", "30"); /* what waits is placed: its document is read again */
    hub_world_run(world, 5 * MINUTE_MS);
    hub_world_site_start(&world->sites[1]);
    world_quiet(world);
    assert_count(world, "SELECT CAST(ordered AS INTEGER) FROM order_line", 14);
    assert_sale(world, 1, "1", "14 2.5 0");
    assert_agrees(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, hub_world_teardown)
        WITH(a_restored_hub_learns_of_a_split_order_from_its_sites, world_two_sites),
        WITH(an_order_sent_again_to_a_restored_hub_before_its_sites_speak_is_not_shipped_twice,
             world_two_sites),
        WITH(an_order_routed_otherwise_by_a_restored_hub_gets_what_its_site_has, world_two_sites),
        WITH(what_a_restored_hub_gave_elsewhere_and_its_site_has_is_told, world_two_sites),
        WITH(what_waited_for_a_release_is_applied_when_another_shipment_shows_it, world_two_sites),
        WITH(a_silent_site_speaks_first_after_the_restore, world_two_sites),
        WITH(who_ships_instead_speaks_first_after_the_restore, world_two_sites),
        WITH(a_cancellation_that_a_restored_hub_forgot_can_be_asked_for_again, world_two_sites),
        WITH(a_draft_gets_what_its_site_has, world_two_sites),
        WITH(a_release_to_be_reserved_gets_what_its_site_has, world_two_sites),
        WITH(what_a_site_had_refused_to_give_up_is_posted_when_it_ships, world_two_sites),
        WITH(what_its_site_does_not_have_of_a_release_is_placed_anew, world_two_sites),
        WITH(a_line_that_the_site_ships_waits_for_what_the_site_has, world_two_sites),
        WITH(an_order_that_came_back_can_be_revised, world_two_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
