/* What sites answer for some lines only, what becomes of orders that ship whole or not at all when a site
 * gives back its part, and the words that an operator has in every state. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <string.h>

#define AT_WH1 "\"preferred_site\":\"WH1\","
#define TWO_LINES                                                                                            \
    "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"3\",\"uom\":\"EA\",\"unit_price\":\"2.50\"},"  \
    "{\"external_line_id\":\"2\",\"sku\":\"WIDGET\",\"qty\":\"5\",\"uom\":\"EA\",\"unit_price\":\"2.50\"}"

/* Both sites have enough; the order is with WH1. */
static struct hub_world *with_two_lines(void **state, const char *profile) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    if (profile != NULL) {
        world_put(world, "sites", profile);
    }
    assert_int_equal(world_order(world, 1, AT_WH1, TWO_LINES), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    return world;
}

/* ---- answers by lines ---- */

static void a_line_that_is_refused_ships_from_another_site_and_the_others_stay(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", NULL);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH1", "WIDGET", "20 3");
    assert_stock(world, "WH2", "WIDGET", "20 5");
    assert_raised(world, "RELEASE_REJECTED", 1);
    world_ships(world, 1, 1, "3", NULL);
    world_ships_line(world, 1, 2, "2", "WIDGET", "5", "EA", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 3 0 0 0");
    assert_line(world, 1, "2", "0 0 0 5 0 0 0");
    assert_status(world, 1, "SHIPPED");
    assert_raised(world, "OVERSHIP", 0);
    assert_int_equal(hub_world_difference(world), 0);
}

static void work_is_allocated_when_each_line_is_reserved_or_refused(void **state) {
    struct hub_world *world = with_two_lines(state, "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    assert_line(world, 1, "1", "3 0 0 0 0 0 3");
    world_answer_line(world, 1, 1, 1, "RESERVED", "1", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "3 0 0 0 0 0 3"); /* of the other line nothing is known */
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 3 0 0 0 0 0");
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    assert_release(world, 1, 1, "WH1 ACKED NONE 1");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
}

static void work_is_allocated_when_what_was_not_reserved_is_given_back(void **state) {
    struct hub_world *world =
        with_two_lines(state, "{\"site\":\"WH1\",\"reserves\":\"WMS\",\"ack_minutes\":5}");
    world_answer_line(world, 1, 1, 1, "RESERVED", "1", NULL);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\"}]}"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 3 0 0 0 0 0");
    assert_release(world, 1, 1, "WH1 ACKED ACCEPTED 2");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_raised(world, "ACK_TIMEOUT", 0);
}

static void lines_that_are_not_reserved_in_time_are_asked_back(void **state) {
    struct hub_world *world =
        with_two_lines(state, "{\"site\":\"WH1\",\"reserves\":\"WMS\",\"ack_minutes\":5}");
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_answer_line(world, 1, 1, 1, "RESERVED", "2", NULL);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED"); /* to the change */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH1", "WIDGET", "20 5");
    assert_stock(world, "WH2", "WIDGET", "20 3");
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
}

static void part_of_a_line_that_is_refused_ships_from_another_site(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", "2");
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH1", "WIDGET", "20 6");
    assert_stock(world, "WH2", "WIDGET", "20 2");
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
}

static void a_site_that_reserves_less_is_asked_for_the_rest(void **state) {
    struct hub_world *world = with_two_lines(state, "{\"site\":\"WH1\",\"reserves\":\"WMS\"}");
    world_answer_line(world, 1, 1, 1, "RESERVED", "1", NULL);
    world_answer_line(world, 1, 1, 1, "RESERVED", "2", "4");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    assert_releases(world, 1, 1); /* it has not said that it does not ship it */
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1"); /* not WH1 again, which has enough by its stock */
    assert_stock(world, "WH1", "WIDGET", "20 7");
    assert_stock(world, "WH2", "WIDGET", "20 1");
}

static void all_lines_refused_one_by_one_end_the_release(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "1", NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "1", NULL);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 REJECTED NONE 1");
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_stock(world, "WH2", "WIDGET", "20 8");
    assert_line(world, 1, "1", "0 0 3 0 0 0 0");
}

static void a_cancellation_is_answered_line_by_line(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    world_answer_line(world, 1, 1, 2, "CANCEL_ACCEPTED", "1", NULL);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2"); /* the other is not answered */
    assert_line(world, 1, "1", "0 0 0 0 3 0 0");
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    assert_status(world, 1, "IN_FULFILMENT");
    world_answer_line(world, 1, 1, 2, "CANCEL_REFUSED", "2", NULL);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REFUSED 2");
    world_ships_line(world, 1, 1, "2", "WIDGET", "5", "EA", NULL);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 0 5 0 0 0");
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 0); /* it said that it keeps it */
    assert_sale(world, 1, "1", "0 2.5 0");
    assert_sale(world, 1, "2", "5 2.5 5");
}

static void what_is_picked_is_not_refused_any_more(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "PICKING", "1", NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "1", NULL);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 PICKING NONE 1");
    assert_releases(world, 1, 1);
    assert_raised(world, "RELEASE_REJECTED", 0);
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", NULL);
    world_quiet(world);
    assert_releases(world, 1, 2);
}

static void a_line_that_there_is_not_is_told(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "REJECTED", "7", NULL);
    world_quiet(world);
    assert_exceptions(world, "UNMATCHED_LINE", 1);
    assert_raised(world, "RELEASE_REJECTED", 0);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 3 0 0 0 0");
    assert_releases(world, 1, 1);
}

static void lines_that_were_not_answered_in_time_are_asked_back(void **state) {
    struct hub_world *world = with_two_lines(state, "{\"site\":\"WH1\",\"ack_minutes\":5}");
    world_answer_line(world, 1, 1, 1, "ACKNOWLEDGED", "1", NULL);
    world_quiet(world);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED"); /* agrees to the change */
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_stock(world, "WH1", "WIDGET", "20 3");
    assert_stock(world, "WH2", "WIDGET", "20 5");
}

static void a_refusal_with_a_quantity_asks_for_no_more(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_answer_line(world, 1, 1, 2, "CANCEL_REFUSED", "2", "3"); /* it keeps 3 of the 4 */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 4 0 1 0 0");
    assert_releases(world, 1, 1);
}

static void a_change_that_is_taken_with_a_quantity_leaves_that(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_answer_line(world, 1, 1, 2, "ACKNOWLEDGED", "2", "1");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 1 0 4 0 0");
    assert_release(world, 1, 1, "WH1 SENT ACCEPTED 2"); /* of line 1 it has said nothing yet */
}

static void
what_was_cancelled_since_ships_from_nowhere_when_the_site_agrees_to_an_earlier_question(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer_line(world, 1, 1, 1, "ACKNOWLEDGED", "2", "1"); /* it takes 1 of 5 */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_answer(world, 1, 1, 3, "CANCEL_REFUSED");
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_line(world, 1, "2", "0 0 1 0 4 0 0");
}

static void revise(struct hub_world *world, const char *seen, const char *first, const char *second) {
    char text[ORDER_TEXT_SIZE], lines[512], line[2][256];
    snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", first, "EA", line[0]),
             world_line("2", "WIDGET", second, "EA", line[1]));
    assert_int_equal(world_revise(world, 1, seen, world_order_text(1, AT_WH1, lines, text)), 202);
    world_quiet(world);
}

static void what_is_wanted_again_ships_when_the_site_agrees_to_the_question_before(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    revise(world, "\"1\"", "2", "3"); /* question 2: 1 less, and 2 less of line 2 */
    revise(world, "\"2\"", "1", "3"); /* question 3: and 1 less of line 1 */
    revise(world, "\"3\"", "1", "9"); /* but 6 more of line 2 */
    assert_line(world, 1, "2", "0 0 9 0 0 0 0");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 9 0 0 0 0"); /* 3 there, and 4 and 2 by releases of their own */
    assert_sale(world, 1, "2", "9 2.5 0");
    world_answer(world, 1, 1, 3, "CANCEL_REFUSED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 2 0 1 0 0");
    assert_line(world, 1, "2", "0 0 9 0 0 0 0");
}

static void what_a_site_refused_and_is_wanted_again_ships_when_it_agrees_after_all(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    revise(world, "\"1\"", "3", "3"); /* question 2: 2 less of line 2 */
    revise(world, "\"2\"", "3", "2"); /* question 3: and 1 less */
    world_answer(world, 1, 1, 3, "CANCEL_REFUSED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    revise(world, "\"3\"", "3", "5"); /* it may be so */
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    assert_releases(world, 1, 2);
}

static void what_a_site_refused_is_cancelled_when_it_agrees_after_all(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    revise(world, "\"1\"", "2", "3");
    revise(world, "\"2\"", "2", "2");
    world_answer(world, 1, 1, 3, "CANCEL_REFUSED");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 3 0 2 0 0");
    assert_releases(world, 1, 1);
}

static void more_is_wanted_again_of_what_its_site_is_asked_for(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    char text[ORDER_TEXT_SIZE];
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_int_equal(world_revise(world, 1, "\"1\"", world_order_text(1, AT_WH1, TWO_LINES, text)), 202);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED"); /* all the better */
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    assert_releases(world, 1, 1);
    assert_sale(world, 1, "2", "5 2.5 0");
}

/* The site agrees to both questions, one after the other, when all is wanted again. */
static void what_is_wanted_again_ships_when_the_site_agrees_to_an_earlier_question(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    char text[ORDER_TEXT_SIZE];
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"3\"}]}"), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 3");
    assert_int_equal(world_revise(world, 1, "\"1\"", world_order_text(1, AT_WH1, TWO_LINES, text)), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    world_answer(world, 1, 1, 3, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 5 0 0 0 0");
    assert_sale(world, 1, "2", "5 2.5 0");
}

/* ---- whole or not at all ---- */

static struct hub_world *split_whole(void **state, const char *policy) {
    struct hub_world *world = world_with_stock(state, "10", "10");
    char head[80];
    snprintf(head, sizeof head, "\"fulfilment_policy\":\"%s\",", policy);
    assert_int_equal(world_simple(world, 1, head, "15"), 202);
    world_quiet(world);
    assert_releases(world, 1, 2);
    return world;
}

static void fill_or_kill_is_cancelled_when_a_part_of_it_is_refused(void **state) {
    struct hub_world *world = split_whole(state, "FILL_OR_KILL");
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_answer(world, 1, 2, 1, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    assert_line(world, 1, "1", "0 0 10 0 5 0 0");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_reason(world, 1, "fill_or_kill", "");
    assert_line(world, 1, "1", "0 0 0 0 15 0 0");
    assert_sale(world, 1, "1", "0 2.5 0");
    assert_stock(world, "WH1", "WIDGET", "10 0");
}

static void fill_all_is_called_back_and_waits_when_a_part_of_it_is_refused(void **state) {
    struct hub_world *world = split_whole(state, "FILL_ALL");
    world_answer(world, 1, 2, 1, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    assert_line(world, 1, "1", "5 0 10 0 0 5 0");
    world_stock(world, "WH2", "WIDGET", "30"); /* nothing goes while it is in pieces */
    world_quiet(world);
    assert_releases(world, 1, 2);
    world_stock(world, "WH2", "WIDGET", "0");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "15 0 0 0 0 15 0");
    assert_releases(world, 1, 2);
    assert_status(world, 1, "BACKORDERED");
    world_stock(world, "WH1", "WIDGET", "15");
    world_quiet(world);
    assert_release(world, 1, 3, "WH1 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
    assert_sale(world, 1, "1", "15 2.5 0");
}

static void a_part_that_another_site_has_leaves_the_whole_as_it_is(void **state) {
    struct hub_world *world = split_whole(state, "FILL_OR_KILL");
    world_stock(world, "WH1", "WIDGET", "40");
    world_answer(world, 1, 2, 1, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
    assert_release(world, 1, 3, "WH1 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
}

static void fill_or_kill_is_killed_after_a_hold_as_well(void **state) {
    struct hub_world *world = split_whole(state, "FILL_OR_KILL");
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"x\"}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_answer(world, 1, 2, 2, "CANCEL_REFUSED");
    world_stock(world, "WH1", "WIDGET", "0");
    world_quiet(world);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 ACKED REQUESTED 3");
    assert_line(world, 1, "1", "0 0 5 0 10 0 0");
}

static void what_waited_to_be_whole_goes_on_when_the_last_site_keeps_its_part(void **state) {
    struct hub_world *world = split_whole(state, "FILL_ALL");
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"x\"}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "10 0 5 0 0 10 0"); /* WH2 has not answered */
    world_answer(world, 1, 2, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_release(world, 1, 3, "WH1 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
}

/* ---- operators ---- */

static void nothing_of_a_held_order_goes_out_by_a_retry(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"x\"}"), 202);
    world_answer(world, 1, 1, 1, "REJECTED"); /* it crosses the question */
    world_quiet(world);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_int_equal(world_resolve(world, "RELEASE_REJECTED", "retry"), 409);
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_step(world, 1, "exception.resolved", 0);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
}

static void a_backorder_is_held_when_stock_comes(void **state) {
    struct hub_world *world = world_with_stock(state, "0", "0");
    assert_int_equal(world_simple(world, 1, "", "5"), 202);
    world_quiet(world);
    assert_status(world, 1, "BACKORDERED");
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"x\"}"), 202);
    world_stock(world, "WH1", "WIDGET", "9");
    world_quiet(world);
    assert_releases(world, 1, 0);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT NONE 1");
}

static void what_sites_have_of_a_held_order_is_asked_back_and_goes_out_again_afterwards(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"recall?\"}"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "3 0 0 0 0 0 0");
    assert_releases(world, 1, 1);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_release(world, 1, 2, "WH1 SENT NONE 1");
    assert_line(world, 1, "1", "0 0 3 0 0 0 0");
    assert_sale(world, 1, "1", "3 2.5 0");
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"late\"}"), 409);
}

static void a_retry_that_finds_no_site_leaves_the_exception_open(void **state) {
    struct hub_world *world = world_with_stock(state, "10", "0");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_stock(world, "WH1", "WIDGET", "0");
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_int_equal(world_resolve(world, "RELEASE_REJECTED", "retry"), 409);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    world_stock(world, "WH1", "WIDGET", "10");
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_int_equal(world_resolve(world, "RELEASE_REJECTED", "retry"), 202);
    world_quiet(world);
    assert_release(world, 1, 2, "WH1 SENT NONE 1");
    assert_exceptions(world, "RELEASE_REJECTED", 0);
}

static int with_limit(void **state) {
    int result = world_two_sites(state);
    world_put(*state, "customers",
              "{\"code\":\"CUST-1\",\"name\":\"Shop\",\"credit_limit\":\"1000\",\"currency\":\"EUR\"}");
    return result;
}

static void credit_is_looked_at_again_by_a_retry_and_passed_by_accept_only(void **state) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "2000");
    assert_int_equal(world_simple(world, 1, "", "500"), 202); /* 1250 of 1000 */
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "retry"), 409);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_exceptions(world, "CREDIT_HOLD", 1);
    assert_raised(world, "CREDIT_HOLD", 1);
    assert_exposure(world, "CUST-1", "none");
    world_put(world, "customers",
              "{\"code\":\"CUST-1\",\"name\":\"Shop\",\"credit_limit\":\"2000\",\"currency\":\"EUR\"}");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "retry"), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_exposure(world, "CUST-1", "1250");
}

static void an_order_that_is_revised_below_the_limit_goes_on(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256];
    world_stock(world, "WH1", "WIDGET", "2000");
    assert_int_equal(world_simple(world, 1, "", "500"), 202);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_int_equal(world_revise(world, 1, "\"1\"",
                                  world_order_text(1, "", world_line("1", "WIDGET", "10", "EA", line), text)),
                     202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_exceptions(world, "CREDIT_HOLD", 0);
    assert_line(world, 1, "1", "0 0 10 0 490 0 0");
}

static void what_was_cancelled_and_is_wanted_again_is_ordered_once(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256];
    world_stock(world, "WH1", "WIDGET", "2000");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"2\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 8 0 2 0 0");
    assert_int_equal(world_revise(world, 1, "\"1\"",
                                  world_order_text(1, "", world_line("1", "WIDGET", "11", "EA", line), text)),
                     202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 11 0 0 0 0");
    assert_count(world, "SELECT count(*) FROM order_line WHERE ordered = '11'", 1);
    assert_sale(world, 1, "1", "11 2.5 0");
}

static void a_site_that_is_gone_is_given_up_by_an_operators_word(void **state) {
    struct hub_world *world = with_two_lines(state, "{\"site\":\"WH1\",\"ack_minutes\":5}");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    assert_int_equal(world_resolve(world, "ACK_TIMEOUT", "retry"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 CANCELLED ACCEPTED 2");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    world_ships(world, 1, 1, "3",
                NULL); /* it was not gone: its shipment counts, and WH2 is asked for the line */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 3 0 0 0");
    assert_release(world, 1, 2, "WH2 SENT REQUESTED 2");
}

static void a_site_that_answers_late_is_not_silent_any_more_and_is_still_asked(void **state) {
    struct hub_world *world = with_two_lines(state, "{\"site\":\"WH1\",\"ack_minutes\":5}");
    hub_world_run(world, 6 * MINUTE_MS);
    assert_exceptions(world, "ACK_TIMEOUT", 1);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED"); /* it crosses the question */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_int_equal(world_resolve(world, "ACK_TIMEOUT", "retry"), 404);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_exceptions(world, "CANCEL_PENDING", 1);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_exceptions(world, "CANCEL_PENDING", 0);
    assert_releases(world, 1, 1);
}

static void a_rejection_is_no_question_any_more_when_it_is_placed_or_over(void **state) {
    struct hub_world *world = world_with_stock(state, "10", "0");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    world_stock(world, "WH2", "WIDGET", "10");
    world_quiet(world);
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
    assert_exceptions(world, "RELEASE_REJECTED", 0);
    world_answer(world, 1, 2, 1, "REJECTED");
    world_quiet(world);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_exceptions(world, "RELEASE_REJECTED", 0);
}

static void a_cancellation_that_is_not_answered_is_told_and_can_be_decided(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_exceptions(world, "CANCEL_PENDING", 0);
    hub_world_run(world, 61 * MINUTE_MS);
    assert_exceptions(world, "CANCEL_PENDING", 1);
    assert_int_equal(world_resolve(world, "CANCEL_PENDING", "retry"), 202);
    world_quiet(world);
    assert_status(world, 1, "CANCELLED");
    assert_line(world, 1, "1", "0 0 0 0 3 0 0");
    assert_release(world, 1, 1, "WH1 CANCELLED ACCEPTED 2");
}

static void a_site_that_may_take_its_time_is_not_asked_for_more_than_was_cancelled(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"2\"}]}"), 202);
    hub_world_run(world, 61 * MINUTE_MS);
    assert_exceptions(world, "CANCEL_PENDING", 1);
    assert_exceptions(world, "ACK_TIMEOUT", 0);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
}

static void a_cancellation_that_is_answered_late_is_told_no_more(void **state) {
    struct hub_world *world = with_two_lines(state, NULL);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    hub_world_run(world, 61 * MINUTE_MS);
    assert_exceptions(world, "CANCEL_PENDING", 1);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_exceptions(world, "CANCEL_PENDING", 0);
    assert_status(world, 1, "CANCELLED");
}

static void a_refused_change_of_a_release_that_came_back_is_no_refusal_of_it(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_quiet(world);
    hub_world_copy(world);
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    hub_world_restore(world);
    world_quiet(world); /* WH1 gives back what it was asked last */
    assert_release(world, 1, 1, "WH1 SENT NONE 2");
    world_answer(world, 1, 1, 2, "REJECTED");
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_release(world, 1, 1, "WH1 SENT NONE 2");
    assert_raised(world, "RELEASE_REJECTED", 0);
}

static void what_a_release_was_before_its_site_refused_a_change_comes_back_too(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_quiet(world);
    hub_world_copy(world);
    assert_int_equal(world_order(world, 1, AT_WH1, TWO_LINES), 202);
    world_quiet(world);
    assert_int_equal(
        world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"1\"},{\"line_id\":\"2\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "REJECTED");
    world_quiet(world);
    hub_world_restore(world);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 2 0 1 0 0"); /* as it was asked last */
    assert_line(world, 1, "2", "0 0 0 0 5 0 0"); /* as it once was */
    assert_releases(world, 1, 1);
    world_ships_line(world, 1, 1, "2", "WIDGET", "5", "EA", NULL);
    world_ships_line(world, 1, 1, "1", "WIDGET", "3", "EA", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 3 0 0 0");
    assert_line(world, 1, "2", "0 0 0 5 0 0 0");
    assert_raised(world, "UNMATCHED_LINE", 0);
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 2);
    assert_sale(world, 1, "2", "5 2.5 5");
}

static void a_line_that_a_forgotten_revision_brought_comes_back_with_its_release(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    char text[ORDER_TEXT_SIZE], lines[512], one[256], two[256];
    world_quiet(world);
    hub_world_copy(world);
    assert_int_equal(world_order(world, 1, "", world_line("1", "WIDGET", "5", "EA", one)), 202);
    world_quiet(world);
    (void)snprintf(lines, sizeof lines, "%s,%s", one, world_line("2", "WIDGET", "3", "EA", two));
    assert_int_equal(world_revise(world, 1, "\"1\"", world_order_text(1, "", lines, text)), 202);
    world_quiet(world);
    xd_site_line_down(&world->sites[0].site);
    world->sites[0].online = false;
    hub_world_restore(world);
    assert_int_equal(world_order(world, 1, "", one), 202); /* the channel sends it again, as it first was */
    hub_world_run(world, 1000);
    world->sites[0].online = true;
    xd_site_line_up(&world->sites[0].site, world->now);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 3 0 0 0 0");
    world_ships_line(world, 1, 2, "2", "WIDGET", "3", "EA", NULL);
    world_quiet(world);
    assert_line(world, 1, "2", "0 0 0 3 0 0 0");
    assert_sale(world, 1, "2", "3 2.5 3");
}

static void that_an_exception_ended_with_its_order_is_told_with_the_order_as_it_is(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "0");
    char status[256];
    assert_int_equal(world_two_lines(world, 1, "\"fulfilment_policy\":\"FILL_ALL_AVAILABLE\",", "6", "4"),
                     202);
    world_quiet(world);
    world_answer_line(world, 1, 1, 1, "REJECTED", "2", NULL);
    world_ships_line(world, 1, 1, "1", "WIDGET", "6", "EA", NULL);
    world_quiet(world);
    assert_exceptions(world, "RELEASE_REJECTED", 1);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"external_line_id\":\"2\"}]}"), 202);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_exceptions(world, "RELEASE_REJECTED", 0);
    world_query(world,
                "SELECT json_extract(CAST(body AS TEXT), '$.data.status') FROM event"
                " WHERE type = 'crossdock.exception.resolved.v1' ORDER BY n DESC LIMIT 1",
                status);
    assert_string_equal(status, "CLOSED_SHORT");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, hub_world_teardown)
        WITH(a_line_that_is_refused_ships_from_another_site_and_the_others_stay, world_two_sites),
        WITH(work_is_allocated_when_each_line_is_reserved_or_refused, world_two_sites),
        WITH(work_is_allocated_when_what_was_not_reserved_is_given_back, world_two_sites),
        WITH(lines_that_are_not_reserved_in_time_are_asked_back, world_two_sites),
        WITH(part_of_a_line_that_is_refused_ships_from_another_site, world_two_sites),
        WITH(a_site_that_reserves_less_is_asked_for_the_rest, world_two_sites),
        WITH(all_lines_refused_one_by_one_end_the_release, world_two_sites),
        WITH(a_cancellation_is_answered_line_by_line, world_two_sites),
        WITH(what_is_picked_is_not_refused_any_more, world_two_sites),
        WITH(a_line_that_there_is_not_is_told, world_two_sites),
        WITH(lines_that_were_not_answered_in_time_are_asked_back, world_two_sites),
        WITH(fill_or_kill_is_cancelled_when_a_part_of_it_is_refused, world_two_sites),
        WITH(fill_all_is_called_back_and_waits_when_a_part_of_it_is_refused, world_two_sites),
        WITH(a_part_that_another_site_has_leaves_the_whole_as_it_is, world_two_sites),
        WITH(a_backorder_is_held_when_stock_comes, world_two_sites),
        WITH(what_sites_have_of_a_held_order_is_asked_back_and_goes_out_again_afterwards, world_two_sites),
        WITH(a_retry_that_finds_no_site_leaves_the_exception_open, world_two_sites),
        WITH(credit_is_looked_at_again_by_a_retry_and_passed_by_accept_only, with_limit),
        WITH(an_order_that_is_revised_below_the_limit_goes_on, with_limit),
        WITH(what_was_cancelled_and_is_wanted_again_is_ordered_once, world_two_sites),
        WITH(a_site_that_is_gone_is_given_up_by_an_operators_word, world_two_sites),
        WITH(a_cancellation_that_is_not_answered_is_told_and_can_be_decided, world_two_sites),
        WITH(a_site_that_may_take_its_time_is_not_asked_for_more_than_was_cancelled, world_two_sites),
        WITH(a_cancellation_that_is_answered_late_is_told_no_more, world_two_sites),
        WITH(a_refusal_with_a_quantity_asks_for_no_more, world_two_sites),
        WITH(a_change_that_is_taken_with_a_quantity_leaves_that, world_two_sites),
        WITH(what_is_wanted_again_ships_when_the_site_agrees_to_the_question_before, world_two_sites),
        WITH(what_a_site_refused_and_is_wanted_again_ships_when_it_agrees_after_all, world_two_sites),
        WITH(what_a_site_refused_is_cancelled_when_it_agrees_after_all, world_two_sites),
        WITH(what_was_cancelled_since_ships_from_nowhere_when_the_site_agrees_to_an_earlier_question,
             world_two_sites),
        WITH(more_is_wanted_again_of_what_its_site_is_asked_for, world_two_sites),
        WITH(what_is_wanted_again_ships_when_the_site_agrees_to_an_earlier_question, world_two_sites),
        WITH(fill_or_kill_is_killed_after_a_hold_as_well, world_two_sites),
        WITH(what_waited_to_be_whole_goes_on_when_the_last_site_keeps_its_part, world_two_sites),
        WITH(nothing_of_a_held_order_goes_out_by_a_retry, world_two_sites),
        WITH(a_site_that_answers_late_is_not_silent_any_more_and_is_still_asked, world_two_sites),
        WITH(a_rejection_is_no_question_any_more_when_it_is_placed_or_over, world_two_sites),
        WITH(a_refused_change_of_a_release_that_came_back_is_no_refusal_of_it, world_two_sites),
        WITH(what_a_release_was_before_its_site_refused_a_change_comes_back_too, world_two_sites),
        WITH(a_line_that_a_forgotten_revision_brought_comes_back_with_its_release, world_two_sites),
        WITH(that_an_exception_ended_with_its_order_is_told_with_the_order_as_it_is, world_two_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
