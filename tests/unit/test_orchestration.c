/* Where an order goes: over which sites, what is left when stock is not enough, and what becomes of it when a
 * site refuses it or says nothing. Each with the lines' quantities, the releases, the stock that is reserved,
 * and the sale at the ERP. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT_PREFERRED "\"preferred_site\":\"WH1\","

/* ---- splitting and policies ---- */

static void an_order_ships_from_two_sites_when_neither_has_all(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "10");
    world_stock(world, "WH2", "WIDGET", "5");
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 11 0 0 0 0");
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH1", "WIDGET", "6 6");
    assert_stock(world, "WH2", "WIDGET", "5 5");
    assert_status(world, 1, "IN_FULFILMENT");
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_status(world, 1, "PART_SHIPPED");
    assert_stock(world, "WH1", "WIDGET", "0 0");
    world_ships(world, 1, 2, "5", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_line(world, 1, "1", "0 0 0 11 0 0 0");
    assert_sale(world, 1, "1", "11 2.5 11");
    assert_int_equal(hub_world_difference(world), 0);
}

static void fill_or_kill_ships_all_or_is_cancelled_and_is_never_sold(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "4");
    assert_int_equal(world_simple(world, 1, "\"fulfilment_policy\":\"FILL_OR_KILL\",", "11"), 202);
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_reason(world, 1, "fill_or_kill", "");
    assert_line(world, 1, "1", "0 0 0 0 11 0 0");
    assert_releases(world, 1, 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
    assert_int_equal(world_simple(world, 2, "\"fulfilment_policy\":\"FILL_OR_KILL\",", "10"), 202);
    world_quiet(world);
    assert_line(world, 2, "1", "0 0 10 0 0 0 0");
    assert_releases(world, 2, 2);
}

static void fill_all_waits_until_stock_for_all_of_it_is_there(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "0");
    assert_int_equal(world_simple(world, 1, "\"fulfilment_policy\":\"FILL_ALL\",", "8"), 202);
    world_quiet(world);
    assert_status(world, 1, "BACKORDERED");
    assert_line(world, 1, "1", "8 0 0 0 0 8 0");
    assert_sale(world, 1, "1", "8 2.5 0");
    world_stock(world, "WH1", "WIDGET", "7");
    world_quiet(world);
    assert_line(world, 1, "1", "8 0 0 0 0 8 0");
    assert_releases(world, 1, 0);
    world_stock(world, "WH1", "WIDGET", "8");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 8 0 0 0 0");
    assert_stock(world, "WH1", "WIDGET", "8 8");
    assert_status(world, 1, "IN_FULFILMENT");
}

static void what_is_missing_is_backordered_and_ships_by_itself_when_stock_comes(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "0");
    assert_int_equal(world_simple(world, 1, "\"backorder_policy\":\"CREATE\",", "10"), 202);
    assert_int_equal(world_simple(world, 2, "", "3"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "4 0 6 0 0 4 0");
    assert_line(world, 2, "1", "3 0 0 0 0 3 0");
    world_stock(world, "WH2", "WIDGET", "5"); /* the older order first */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_line(world, 2, "1", "2 0 1 0 0 2 0");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH2", "WIDGET", "5 5");
    world_ships(world, 1, 1, "6", NULL);
    world_ships(world, 1, 2, "4", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_status(world, 2, "IN_FULFILMENT");
}

static void is_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 5000, .answers_ms = 6000};
}

/* Nobody says again that there is stock. */
static void stock_that_comes_before_the_sale_is_taken_after_it(void **state) {
    struct hub_world *world = world_with_stock(state, "0", "0");
    world->plan = is_slow;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    world_stock(world, "WH1", "WIDGET", "10");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void without_backorders_the_rest_is_cancelled_and_the_sale_has_what_ships(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "0");
    assert_int_equal(world_simple(world, 1, "\"backorder_policy\":\"NONE\",", "10"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_sale(world, 1, "1", "6 2.5 0");
    assert_int_equal(world_simple(world, 2, "\"backorder_policy\":\"CANCEL\",", "10"), 202);
    world_quiet(world);
    assert_status(world, 2, "CANCELLED");
    assert_reason(world, 2, "no_backorders", "");
    assert_sale(world, 2, "1", "none");
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'shipped'", 1);
}

static void a_person_decides_about_the_rest_when_the_order_says_so(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "0");
    assert_int_equal(world_simple(world, 1, "\"backorder_policy\":\"MANUAL\",", "10"), 202);
    assert_int_equal(world_simple(world, 2, "\"backorder_policy\":\"MANUAL\",", "10"), 202);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_line(world, 1, "1", "4 6 0 0 0 4 0");
    assert_exceptions(world, "BACKORDER_DECISION", 2);
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
    assert_int_equal(world_resolve(world, "BACKORDER_DECISION", "accept"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "4 0 6 0 0 4 0");
    assert_sale(world, 1, "1", "10 2.5 0");
    assert_int_equal(world_resolve(world, "BACKORDER_DECISION", "reject"), 202);
    world_quiet(world);
    assert_status(world, 2, "CANCELLED");
    assert_sale(world, 2, "1", "none");
    assert_exceptions(world, "BACKORDER_DECISION", 0);
    assert_stock(world, "WH1", "WIDGET", "6 6");
}

static void cases_are_never_cut_and_stock_is_kept_in_pieces(void **state) {
    struct hub_world *world = *state;
    char line[256];
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":12}]}");
    (void)world_with_stock(state, "30", "23");
    assert_int_equal(world_order(world, 1, "", world_line("1", "WIDGET", "4", "CS", line)), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "1 0 3 0 0 1 0"); /* two cases of 30 pieces, one of 23 */
    assert_stock(world, "WH1", "WIDGET", "30 24");
    assert_stock(world, "WH2", "WIDGET", "23 12");
    world_ships_line(world, 1, 1, "1", "WIDGET", "2", "CS", NULL);
    world_ships_line(world, 1, 2, "1", "WIDGET", "1", "CS", NULL);
    world_quiet(world);
    assert_stock(world, "WH1", "WIDGET", "6 0");
    assert_stock(world, "WH2", "WIDGET", "11 0");
    world_stock(world, "WH2", "WIDGET", "12");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 1 3 0 0 0");
    assert_sale(world, 1, "1", "4 2.5 3");
}

/* ---- a site refuses ---- */

static void what_a_site_refuses_ships_from_another_and_never_goes_back(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 REJECTED NONE 1");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_stock(world, "WH2", "WIDGET", "20 10");
    assert_raised(world, "RELEASE_REJECTED", 1);
    assert_exceptions(world, "RELEASE_REJECTED", 0); /* for the record: it found its way */
    world_answer(world, 1, 2, 1, "REJECTED");
    world_quiet(world);
    assert_line(world, 1, "1", "10 0 0 0 0 10 0");
    assert_status(world, 1, "BACKORDERED");
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    hub_world_run(world, MINUTE_MS);
    assert_releases(world, 1, 2); /* never by itself */
    assert_int_equal(world_resolve(world, "RELEASE_REJECTED", "retry"), 202);
    world_quiet(world);
    assert_release(world, 1, 3, "WH1 SENT NONE 1"); /* but by an operator's word */
    assert_step(world, 1, "exception.resolved", 1);
    assert_exceptions(world, "RELEASE_REJECTED", 0);
    assert_sale(world, 1, "1", "10 2.5 0");
}

static void what_the_only_site_refuses_waits_for_an_operator(void **state) {
    struct hub_world *world = *state;
    hub_world_place(world, 1, "10"); /* nobody lists stock: the sites know */
    world_quiet(world);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_line(world, 1, "1", "10 0 0 0 0 10 0");
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    (void)hub_world_add_site(world, "WH2");
    world_quiet(world);
    assert_releases(world, 1, 1); /* its stock is not known: no order goes there by itself */
    assert_int_equal(world_resolve(world, "RELEASE_REJECTED", "retry"), 202);
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_exceptions(world, "RELEASE_REJECTED", 0);
}

static void what_was_refused_and_ships_nevertheless_counts_once(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    world_ships(world, 1, 1, "10", NULL); /* in spite of its own word */
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT REQUESTED 2"); /* the second is asked back */
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_stock(world, "WH1", "WIDGET", "10 0");
    assert_stock(world, "WH2", "WIDGET", "20 0");
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_status(world, 1, "SHIPPED");
}

/* ---- silence ---- */

static void impatient(struct hub_world *world) {
    world_put(world, "sites", "{\"site\":\"WH1\",\"ack_minutes\":5}");
}

static void what_a_silent_site_gives_back_ships_from_another(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    impatient(world);
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    assert_count(world,
                 "SELECT count(*) FROM timeline WHERE step = 'release.cancel_requested'"
                 " AND detail ->> 'code' = 'ACK_TIMEOUT' AND detail ->> 'reason' LIKE '%in time.'",
                 1);
    assert_exceptions(world, "ACK_TIMEOUT", 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0"); /* nobody else gets it before the site has said so */
    assert_releases(world, 1, 1);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 CANCELLED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_sale(world, 1, "1", "10 2.5 0");
}

static void a_silent_site_that_keeps_its_release_ships_it(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    impatient(world);
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    hub_world_run(world, 6 * MINUTE_MS);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REFUSED 2");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_releases(world, 1, 1);
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
}

static void an_acknowledgement_that_crosses_the_question_back_leaves_the_question_open(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    impatient(world);
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    hub_world_run(world, 6 * MINUTE_MS);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED"); /* of what it got first */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    assert_releases(world, 1, 1);
    world_ships(world, 1, 1, "10", NULL); /* its answer to the question: it ships */
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_sale(world, 1, "1", "10 2.5 10");
}

static void a_release_that_the_agent_never_showed_is_given_back_by_the_agent_itself(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    char id[XD_ID_SIZE];
    impatient(world);
    world->sites[0].site.wms_up = false;
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 CANCELLED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    world->sites[0].site.wms_up = true;
    world_quiet(world);
    world_release_id(world, 1, 1, id);
    assert_int_equal(hub_world_heard_count(&world->sites[0], "release", id), 0);
}

static void a_site_that_is_cut_off_is_asked_when_it_is_back_and_nothing_ships_twice(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    impatient(world);
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    hub_world_site_crash(&world->sites[0]);
    hub_world_run(world, 10 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    assert_releases(world, 1, 1);
    hub_world_site_start(&world->sites[0]);
    world_ships(world, 1, 1, "10", NULL); /* it left in the meantime */
    hub_world_run(world, MINUTE_MS);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_releases(world, 1, 1);
    assert_sale(world, 1, "1", "10 2.5 10");
}

/* Its agent has not come yet. */
static void a_site_that_was_never_heard_of_gets_nothing_while_another_can_ship(void **state) {
    struct hub_world *world = *state;
    hub_world_site_crash(hub_world_add_site(world, "AA1"));
    hub_world_run(world, MINUTE_MS);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_simple(world, 2, "\"preferred_site\":\"AA1\",", "10"), 202);
    world_put(world, "sites", "{\"site\":\"AA1\",\"offline_minutes\":60}");
    assert_int_equal(world_simple(world, 3, "\"preferred_site\":\"AA1\",", "10"), 202);
    hub_world_run(world, MINUTE_MS); /* what is for AA1 waits at the broker */
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    assert_release(world, 2, 1, "AA1 QUEUED NONE 1"); /* the order names it */
    assert_release(world, 3, 1, "WH1 SENT NONE 1");
}

/* ---- sites that reserve themselves ---- */

static void quantities_wait_for_the_word_of_a_site_that_reserves_itself(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "10 0 0 0 0 0 10");
    assert_stock(world, "WH1", "WIDGET", "20 10");
    world_answer(world, 1, 1, 1, "RESERVED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 10 0 0 0 0 0");
    assert_status(world, 1, "ALLOCATED");
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    world_answer(world, 1, 1, 1, "RESERVED"); /* late: nothing goes back */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_status(world, 1, "IN_FULFILMENT");
}

static struct hub_world *reserving(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"reserves\":\"WMS\",\"ack_minutes\":5}");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    return world;
}

static void who_acknowledges_first_and_reserves_later_is_waited_for(void **state) {
    struct hub_world *world = reserving(state);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "10 0 0 0 0 0 10");
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    world_answer(world, 1, 1, 1, "RESERVED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0"); /* it has said both */
    assert_status(world, 1, "IN_FULFILMENT");
    assert_release(world, 1, 1, "WH1 ACKED NONE 1");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_raised(world, "ACK_TIMEOUT", 0);
}

static void who_acknowledges_and_never_reserves_is_asked_to_give_it_back(void **state) {
    struct hub_world *world = reserving(state);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    assert_exceptions(world, "ACK_TIMEOUT", 1);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED"); /* no more than before */
    world_quiet(world);
    assert_exceptions(world, "ACK_TIMEOUT", 1);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_release(world, 1, 1, "WH1 CANCELLED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void who_does_not_give_back_what_it_has_not_reserved_has_taken_it(void **state) {
    struct hub_world *world = reserving(state);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    hub_world_run(world, 6 * MINUTE_MS);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REFUSED 2");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_raised(world, "ACK_TIMEOUT", 1);
}

static void what_is_picked_or_shipped_was_reserved(void **state) {
    struct hub_world *world = reserving(state);
    assert_int_equal(world_simple(world, 2, EXPECT_PREFERRED, "4"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_answer(world, 1, 1, 1, "PICKING");
    world_answer(world, 2, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    world_ships(world, 2, 1, "3", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_line(world, 2, "1", "0 0 1 3 0 0 0");
    assert_raised(world, "ACK_INFERRED", 0); /* that it has it was said */
    hub_world_run(world, 6 * MINUTE_MS);
    assert_raised(world, "ACK_TIMEOUT", 0);
}

static void who_gives_some_back_still_owes_the_rest(void **state) {
    struct hub_world *world = reserving(state);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT ACCEPTED 2");
    assert_line(world, 1, "1", "6 0 0 0 4 0 6");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 3");
}

static void what_was_reserved_and_refused_ships_from_another(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "RESERVED");
    world_quiet(world);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 REJECTED NONE 1");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_stock(world, "WH2", "WIDGET", "20 10");
}

static void a_confirmation_alone_says_all_that_was_not_answered(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "4", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 4 0 0 0");
    assert_stock(world, "WH1", "WIDGET", "16 6");
    assert_raised(world, "ACK_INFERRED", 1);
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_stock(world, "WH1", "WIDGET", "10 0");
}

/* ---- short shipments of a split order ---- */

static void one_site_closing_its_part_short_leaves_the_other_its_part(void **state) {
    struct hub_world *world = world_with_stock(state, "6", "5");
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "4", "SHORT_FINAL");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 5 4 2 0 0");
    assert_ledger(world, "SELECT count(*) FROM sale_line WHERE closed = 1", 0);
    assert_sale(world, 1, "1", "9 2.5 4");
    world_ships(world, 1, 2, "5", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_sale(world, 1, "1", "9 2.5 9");
}

static void a_short_shipment_is_backordered_and_ships_later_from_elsewhere(void **state) {
    struct hub_world *world = world_with_stock(state, "10", "0");
    assert_int_equal(world_simple(world, 1, EXPECT_PREFERRED, "10"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "7", "BACKORDER");
    world_quiet(world);
    assert_stock(world, "WH1", "WIDGET",
                 "3 3"); /* what the site did not find is still listed: it ships that */
    assert_line(world, 1, "1", "0 0 3 7 0 0 0");
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED NONE 1");
    assert_releases(world, 1, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, hub_world_teardown)
        WITH(an_order_ships_from_two_sites_when_neither_has_all, world_two_sites),
        WITH(fill_or_kill_ships_all_or_is_cancelled_and_is_never_sold, world_two_sites),
        WITH(fill_all_waits_until_stock_for_all_of_it_is_there, world_two_sites),
        WITH(what_is_missing_is_backordered_and_ships_by_itself_when_stock_comes, world_two_sites),
        WITH(stock_that_comes_before_the_sale_is_taken_after_it, world_two_sites),
        WITH(without_backorders_the_rest_is_cancelled_and_the_sale_has_what_ships, world_two_sites),
        WITH(a_person_decides_about_the_rest_when_the_order_says_so, world_two_sites),
        WITH(cases_are_never_cut_and_stock_is_kept_in_pieces, world_two_sites),
        WITH(what_a_site_refuses_ships_from_another_and_never_goes_back, world_two_sites),
        WITH(what_the_only_site_refuses_waits_for_an_operator, hub_world_setup),
        WITH(what_was_refused_and_ships_nevertheless_counts_once, world_two_sites),
        WITH(what_a_silent_site_gives_back_ships_from_another, world_two_sites),
        WITH(a_silent_site_that_keeps_its_release_ships_it, world_two_sites),
        WITH(an_acknowledgement_that_crosses_the_question_back_leaves_the_question_open, world_two_sites),
        WITH(a_release_that_the_agent_never_showed_is_given_back_by_the_agent_itself, world_two_sites),
        WITH(a_site_that_is_cut_off_is_asked_when_it_is_back_and_nothing_ships_twice, world_two_sites),
        WITH(a_site_that_was_never_heard_of_gets_nothing_while_another_can_ship, hub_world_setup),
        WITH(quantities_wait_for_the_word_of_a_site_that_reserves_itself, world_two_sites),
        WITH(who_acknowledges_first_and_reserves_later_is_waited_for, world_two_sites),
        WITH(who_acknowledges_and_never_reserves_is_asked_to_give_it_back, world_two_sites),
        WITH(who_does_not_give_back_what_it_has_not_reserved_has_taken_it, world_two_sites),
        WITH(what_is_picked_or_shipped_was_reserved, world_two_sites),
        WITH(who_gives_some_back_still_owes_the_rest, world_two_sites),
        WITH(what_was_reserved_and_refused_ships_from_another, world_two_sites),
        WITH(a_confirmation_alone_says_all_that_was_not_answered, world_two_sites),
        WITH(one_site_closing_its_part_short_leaves_the_other_its_part, world_two_sites),
        WITH(a_short_shipment_is_backordered_and_ships_later_from_elsewhere, world_two_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
