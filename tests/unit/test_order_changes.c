/* Cancelling at every stage, revisions, holds, refusals of the ERP and those who wait for its word: what is
 * left of the order, at its sites, in stock, of the credit and at the ERP. */
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGES_TOLD "SELECT count(*) FROM event WHERE type = 'crossdock.order.changed.v1'"

static void never_lands(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = -1, .answers_ms = 50, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
}

static void is_slow(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    (void)call;
    *plan = (struct call_plan){.lands_ms = 5000, .answers_ms = 6000};
}

static void assert_gone(struct hub_world *world, int number) {
    assert_status(world, number, "CANCELLED");
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_exposure(world, "CUST-1", "0");
}

/* Stock of 20 at WH1 alone, and a credit limit of 1000. */
static int with_credit(void **state) {
    int result = hub_world_setup(state);
    world_stock(*state, "WH1", "WIDGET", "20");
    world_put(*state, "customers",
              "{\"code\":\"CUST-1\",\"name\":\"One\",\"active\":true,\"credit_limit\":\"1000\"}");
    return result;
}

/* ---- cancelling whole ---- */

static void a_held_order_is_cancelled_at_once(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"look\"}"), 202);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_gone(world, 1);
    assert_int_equal(world_cancel(world, 1, ""), 202); /* twice is once */
    assert_step(world, 1, "order.cancel_requested", 1);
}

static void what_was_not_called_for_is_withdrawn_and_never_sold(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    for (int number = 2; number <= 4; number++) { /* all workers are busy */
        assert_int_equal(world_simple(world, number, "", "1"), 202);
    }
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_stock(world, "WH1", "WIDGET", "20 13");
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_status(world, 1, "CANCELLED");
    assert_stock(world, "WH1", "WIDGET", "20 3");
    world_quiet(world);
    assert_sale(world, 1, "1", "none");
    assert_count(world, "SELECT count(*) FROM job WHERE state = 5", 1);
}

static void a_sale_under_way_is_taken_back_when_it_is_there(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_gone(world, 1);
    world_quiet(world);
    assert_gone(world, 1);
    assert_sale(world, 1, "1", "0 2.5 0");
    assert_releases(world, 1, 1);
    assert_release(world, 1, 1, "WH1 CANCELLED NONE 1"); /* it never left */
    assert_null(hub_world_heard(&world->sites[0], "release", "PO-1"));
}

static void what_is_released_is_cancelled_when_its_site_agrees(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"reason\":\"sorry\"}"), 202);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    assert_exposure(world, "CUST-1", "25");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_gone(world, 1);
    assert_sale(world, 1, "1", "0 2.5 0");
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'cancelled'", 1);
}

static void what_its_site_keeps_ships(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REFUSED 2");
    assert_raised(world, "CANCEL_REFUSED", 1);
    world_ships(world, 1, 1, "7", "BACKORDER"); /* nobody wants the rest */
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 7 3 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 0);
    assert_exposure(world, "CUST-1", "0");
    assert_int_equal(world_cancel(world, 1, ""),
                     202); /* the wish was taken; the answer says what became of it */
}

static void what_ships_meanwhile_counts_and_a_person_is_told(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_status(world, 1, "SHIPPED");
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 1);
    assert_sale(world, 1, "1", "10 2.5 10");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED"); /* too late to be true */
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SHIPPED ACCEPTED 2");
    assert_status(world, 1, "SHIPPED");
}

static void what_was_given_up_and_ships_nevertheless_counts(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_sale(world, 1, "1", "0 2.5 0");
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_status(world, 1, "SHIPPED");
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 1);
    assert_sale(world, 1, "1", "10 2.5 10");
    assert_stock(world, "WH1", "WIDGET", "10 0");
    assert_exposure(world, "CUST-1", "0");
}

static void after_a_part_has_shipped_the_rest_can_be_cancelled(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "4", NULL);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 4 6 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\"}]}"), 202);
    world_quiet(world);
    assert_count(world, CHANGES_TOLD, 1); /* no shipment tells that it is over */
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED ACCEPTED 2");
    assert_sale(world, 1, "1", "4 2.5 4");
    assert_stock(world, "WH1", "WIDGET", "16 0");
}

static void orders_of_others_are_not_there(void **state) {
    static const struct xd_client_row stranger = {.client = "x", .tenant = "other", .role = "channel"};
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], body[] = "";
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_order_id(world, "PO-1", id);
    struct api_call api = {.write = xd_hub_order_cancel, .id = id, .client = &stranger, .body = body};
    assert_int_equal(hub_world_post(world, &api), 404);
    hub_world_api_free(&api);
    api = (struct api_call){.write = xd_hub_order_revise, .id = id, .client = &stranger, .body = body};
    assert_int_equal(hub_world_post(world, &api), 404);
    hub_world_api_free(&api);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
}

/* ---- cancelling parts ---- */

static void a_part_is_cancelled_by_a_change_that_the_site_takes(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, id);
    assert_heard(&world->sites[0], "release", id, "\"purpose\":\"CHANGE\"");
    assert_heard(&world->sites[0], "release", id, "\"qty\":\"6\"");
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_sale(world, 1, "1", "6 2.5 0");
    assert_stock(world, "WH1", "WIDGET", "20 6");
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED ACCEPTED 2");
}

static void a_change_that_the_site_answers_after_it_shipped_the_rest_is_done(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 0); /* that was to ship */
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    world_answer(world, 1, 1, 2, "PACKED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 6 4 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_count(world, CHANGES_TOLD, 1);
}

static void a_refusal_that_crosses_a_part_cancelled_sends_on_only_what_is_wanted(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_stock(world, "WH2", "WIDGET", "20 6");
    assert_sale(world, 1, "1", "6 2.5 0");
}

/* The site has the release: only of the first revision would it mean that it does not. */
static void a_change_that_is_refused_after_the_next_one_was_asked_for_refuses_nothing_else(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"7\"}]}"), 202);
    world_answer(world, 1, 1, 2, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 3");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    world_answer(world, 1, 1, 3, "REJECTED");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REFUSED 3");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_releases(world, 1, 1);
}

/* The site ships what the first change left to it: that holds whatever becomes of the second one. */
static void what_a_site_agreed_to_holds_when_it_refuses_the_next_change(void **state) {
    struct hub_world *world = *state;
    for (int number = 1; number <= 2; number++) {
        assert_int_equal(world_simple(world, number, "", "10"), 202);
        world_quiet(world);
        world_answer(world, number, 1, 1, "ACKNOWLEDGED");
        assert_int_equal(world_cancel(world, number, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
        world_quiet(world);
        assert_int_equal(world_cancel(world, number, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"7\"}]}"), 202);
        world_quiet(world);
        world_answer(world, number, 1, number == 1 ? 2 : 3, number == 1 ? "ACKNOWLEDGED" : "REJECTED");
        world_quiet(world);
        assert_line(world, number, "1", number == 1 ? "0 0 6 0 4 0 0" : "0 0 10 0 0 0 0");
        world_answer(world, number, 1, number == 1 ? 3 : 2, number == 1 ? "REJECTED" : "ACKNOWLEDGED");
        world_quiet(world);
        assert_line(world, number, "1", "0 0 6 0 4 0 0");
        world_ships(world, number, 1, "6", NULL);
        world_quiet(world);
        assert_status(world, number, "CLOSED_SHORT");
        assert_sale(world, number, "1", "6 2.5 6");
    }
}

static void what_is_cancelled_of_a_silent_release_ships_from_nowhere(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"ack_minutes\":5}");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_stock(world, "WH1", "WIDGET", "20 0");
    assert_stock(world, "WH2", "WIDGET", "20 6");
}

static void a_site_that_is_silent_about_a_change_is_asked_for_all_of_it(void **state) {
    struct hub_world *world = world_with_stock(state, "20", "20");
    world_put(world, "sites", "{\"site\":\"WH1\",\"ack_minutes\":5}");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    hub_world_run(world, 6 * MINUTE_MS);
    assert_release(world, 1, 1, "WH1 ACK_TIMEOUT REQUESTED 3");
    world_answer(world, 1, 1, 3, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_release(world, 1, 2, "WH2 SENT NONE 1");
}

static void lines_that_the_order_does_not_have_cannot_be_cancelled(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"9\"}]}"), 422);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"0\"}]}"), 422);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\"},{\"line_id\":\"1\"}]}"), 422);
    assert_int_equal(world_cancel(world, 1, "{\"line\":1}"), 422);
    assert_int_equal(world_cancel(world, 1, "{"), 400);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void assert_not_cancelled(struct hub_world *world, const char *lines, const char *code,
                                 const char *pointer) {
    char id[XD_ID_SIZE], body[256], member[120];
    hub_world_order_id(world, "PO-1", id);
    snprintf(body, sizeof body, "{\"lines\":[%s]}", lines);
    struct api_call api = {.write = xd_hub_order_cancel, .id = id, .body = body};
    assert_int_equal(hub_world_post(world, &api), 422);
    snprintf(member, sizeof member, "\"code\":\"%s\",\"pointer\":\"%s\"", code, pointer);
    assert_non_null(strstr(api.text, member));
    hub_world_api_free(&api);
}

static void more_than_was_ordered_cannot_be_cancelled(void **state) {
    struct hub_world *world = *state;
    char lines[768], one[256], two[256];
    world_put(
        world, "products",
        "{\"sku\":\"WIDGET\",\"description\":\"w\",\"active\":true,\"base_uom\":\"EA\",\"uoms\":[{\"uom\":"
        "\"TH\",\"num\":1,\"den\":3}]}");
    snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", one),
             world_line("2", "WIDGET", "9", "TH", two));
    assert_int_equal(world_order(world, 1, "", lines), 202);
    world_quiet(world);
    assert_not_cancelled(world, "{\"line_id\":\"1\",\"qty\":\"99\"}", "more_than_ordered", "/lines/0/qty");
    assert_not_cancelled(world, "{\"line_id\":\"1\",\"qty\":\"10.5\"}", "more_than_ordered", "/lines/0/qty");
    assert_not_cancelled(world, "{\"line_id\":\"1\"},{\"line_id\":\"2\",\"qty\":\"9.3\"}",
                         "more_than_ordered", "/lines/1/qty");
    assert_not_cancelled(world, "{\"line_id\":\"2\",\"qty\":\"1\"}", "quantity_not_exact", "/lines/0/qty");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_step(world, 1, "order.cancel_requested", 0);
    world_ships(world, 1, 1, "7", NULL);
    world_quiet(world);
    /* what was ordered is what it is held against: what has shipped meanwhile counts, again, too */
    for (int times = 0; times < 2; times++) {
        assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"10\"}]}"), 202);
    }
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 7 3 0 0");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"10\"}]}"), 202);
    assert_not_cancelled(world, "{\"line_id\":\"1\",\"qty\":\"11\"}", "more_than_ordered", "/lines/0/qty");
}

static void a_part_asked_for_again_is_cancelled_once(void **state) {
    static const char body[] = "{\"lines\":[{\"external_line_id\":\"1\",\"qty\":\"4\"}]}";
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, body), 202);
    assert_int_equal(world_cancel(world, 1, body), 202);
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 SENT REQUESTED 2");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, body), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
}

/* Who did not hear the answer asks again; what was done is no conflict, and what was not done is one. */
static void what_was_cancelled_is_so_when_the_order_is_over(void **state) {
    static const char body[] = "{\"lines\":[{\"external_line_id\":\"1\",\"qty\":\"4\"}]}";
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, body), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_ships(world, 1, 1, "6", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_int_equal(world_cancel(world, 1, body), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"5\"}]}"), 409);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\"}]}"), 409);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"9\",\"qty\":\"1\"}]}"), 409);
    assert_int_equal(world_cancel(world, 1, ""), 409);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 6 4 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
}

static void a_line_that_was_cancelled_is_so_when_the_order_is_over(void **state) {
    static const char body[] = "{\"lines\":[{\"line_id\":\"2\"}]}";
    char lines[600], first[256], second[256];
    struct hub_world *world = *state;
    world_stock(world, "WH1", "GADGET", "100");
    (void)snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", first),
                   world_line("2", "GADGET", "5", "EA", second));
    assert_int_equal(world_order(world, 1, "", lines), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, body), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_int_equal(world_cancel(world, 1, body), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\"}]}"), 409);
}

static void all_lines_cancelled_one_by_one_before_the_call_are_never_sold(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    for (int number = 2; number <= 4; number++) {
        assert_int_equal(world_simple(world, number, "", "1"), 202);
    }
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\"}]}"), 202);
    assert_status(world, 1, "CANCELLED");
    world_quiet(world);
    assert_sale(world, 1, "1", "none");
}

/* ---- revisions ---- */

static unsigned revise(struct hub_world *world, int number, const char *if_match, const char *lines) {
    char text[ORDER_TEXT_SIZE];
    return world_revise(world, number, if_match, world_order_text(number, "", lines, text));
}

static void a_revision_needs_the_revision_that_was_seen(void **state) {
    struct hub_world *world = *state;
    char line[256];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    (void)world_line("1", "WIDGET", "12", "EA", line);
    assert_int_equal(revise(world, 1, NULL, line), 428);
    assert_int_equal(revise(world, 1, "\"7\"", line), 412);
    assert_int_equal(revise(world, 1, "\"1\"", line), 202);
    assert_int_equal(revise(world, 1, "\"1\"", line), 202); /* the answer was lost: it is so already */
    world_quiet(world);
    assert_count(world, "SELECT revision FROM orders", 2);
    assert_line(world, 1, "1", "0 0 12 0 0 0 0");
    assert_release(world, 1, 2, "WH1 SENT NONE 1"); /* more travels as a new release */
    assert_sale(world, 1, "1", "12 2.5 0");
    assert_exposure(world, "CUST-1", "30");
}

static void lines_come_go_shrink_and_change_their_price(void **state) {
    struct hub_world *world = *state;
    char one[256], two[256], lines[1024];
    snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", one),
             world_line("2", "WIDGET", "3", "EA", two));
    assert_int_equal(world_order(world, 1, "", lines), 202);
    world_quiet(world);
    snprintf(lines, sizeof lines,
             "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"8\",\"uom\":\"EA\",\"unit_price\":"
             "\"3\"},%s",
             world_line("3", "GADGET", "5", "EA", two));
    world_stock(world, "WH1", "GADGET", "5");
    assert_int_equal(revise(world, 1, "\"1\"", lines), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0"); /* the site has not answered yet */
    assert_line(world, 1, "3", "0 0 5 0 0 0 0");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 8 0 2 0 0");
    assert_line(world, 1, "2", "0 0 0 0 3 0 0");
    assert_sale(world, 1, "1", "8 3 0");
    assert_sale(world, 1, "2", "0 2.5 0");
    assert_sale(world, 1, "3", "5 2.5 0");
    assert_exposure(world, "CUST-1", "36.5");
    world_ships(world, 1, 1, "8", NULL);
    world_ships_line(world, 1, 2, "3", "GADGET", "5", "EA", NULL);
    world_quiet(world);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_exposure(world, "CUST-1", "0");
}

static void changes_follow_each_other_to_the_erp(void **state) {
    struct hub_world *world = *state;
    char line[256];
    world->plan = is_slow;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "12", "EA", line)), 202);
    hub_world_run(world, 8000); /* the sale is there, its change under way */
    assert_int_equal(revise(world, 1, "\"2\"", world_line("1", "WIDGET", "14", "EA", line)), 202);
    assert_int_equal(revise(world, 1, "\"3\"", world_line("1", "WIDGET", "15", "EA", line)), 202);
    world_quiet(world);
    assert_sale(world, 1, "1", "15 2.5 0");
    assert_line(world, 1, "1", "0 0 15 0 0 0 0");
    assert_count(world, "SELECT changing FROM orders", 0);
    assert_ledger(world, "SELECT count(*) FROM sale_change", 2);
}

static void what_ships_of_a_new_line_is_posted_after_the_line_is(void **state) {
    struct hub_world *world = *state;
    char one[256], two[256], lines[1024];
    world_stock(world, "WH1", "GADGET", "5");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world->plan = is_slow;
    snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", one),
             world_line("2", "GADGET", "5", "EA", two));
    assert_int_equal(revise(world, 1, "\"1\"", lines), 202);
    hub_world_run(world, 1000);
    world_ships_line(world, 1, 2, "2", "GADGET", "5", "EA", NULL);
    hub_world_run(world, 1000);
    world->plan = NULL; /* the shipment would overtake the change */
    world_quiet(world);
    assert_raised(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_sale(world, 1, "2", "5 2.5 5");
}

/* PO-1 gets a line that the ERP does not know for now. */
static void change_is_refused(struct hub_world *world) {
    char one[256], two[256], lines[1024];
    (void)hub_world_ledger(world, "UPDATE product SET active = 0 WHERE sku = 'GADGET'");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", one),
             world_line("2", "GADGET", "5", "EA", two));
    assert_int_equal(revise(world, 1, "\"1\"", lines), 202);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_CHANGE", 1);
    assert_sale(world, 1, "2", "none");
    (void)hub_world_ledger(world, "UPDATE product SET active = 1 WHERE sku = 'GADGET'");
}

static void a_change_that_the_erp_refuses_is_posted_again_when_an_operator_says_so(void **state) {
    struct hub_world *world = *state;
    change_is_refused(world);
    assert_int_equal(world_resolve(world, "ERP_REJECTED_CHANGE", "retry"), 202);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_CHANGE", 0);
    assert_sale(world, 1, "2", "5 2.5 0");
}

static void a_change_that_the_erp_refuses_is_replayed(void **state) {
    struct hub_world *world = *state;
    change_is_refused(world);
    assert_int_equal(world_replay(world, "{\"code\":\"ERP_REJECTED_CHANGE\"}", "\"replayed\":1,\"left\":0"),
                     200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_CHANGE", 0);
    assert_sale(world, 1, "2", "5 2.5 0");
}

static void corrects(struct hub_world *world, int version, const char *qty) {
    char id[XD_ID_SIZE], text[512];
    world_release_id(world, 1, 2, id);
    (void)snprintf(
        text, sizeof text,
        "{\"confirmation_id\":\"K-9\",\"version\":%d,\"kind\":\"SHIP\",\"shipment_id\":\"S-9\","
        "\"release_ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\",\"lines\":[{\"line_id\":"
        "\"2\",\"sku\":\"GADGET\",\"qty_shipped\":\"%s\",\"uom\":\"EA\",\"status\":\"SHORT_FINAL\"}]}",
        version, id, qty);
    hub_world_wms(&world->sites[0], "confirmation", text);
    world_quiet(world);
}

/* The ERP has the line first when it has no form in cases any more: it was sold in pieces, and stays so. */
static void a_line_that_was_sold_in_pieces_is_changed_in_pieces(void **state) {
    struct hub_world *world = *state;
    char lines[1024], one[256];
    world_put(world, "products", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\"}");
    world_put(world, "products",
              "{\"sku\":\"GADGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":12}]}");
    world_stock(world, "WH1", "GADGET", "100");
    (void)hub_world_ledger(world, "UPDATE product SET active = 0 WHERE sku = 'GADGET'");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    snprintf(lines, sizeof lines,
             "%s,{\"external_line_id\":\"2\",\"sku\":\"GADGET\",\"qty\":\"5\",\"uom\":\"CS\","
             "\"unit_price\":\"24.00\"}",
             world_line("1", "WIDGET", "10", "EA", one));
    assert_int_equal(revise(world, 1, "\"1\"", lines), 202);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_CHANGE", 1);
    world_ships_line(world, 1, 2, "2", "GADGET", "2", "CS", NULL);
    world_quiet(world);
    corrects(world, 1, "31");
    assert_line(world, 1, "2", "0 0 0 55 5 0 0");
    (void)hub_world_ledger(world, "UPDATE product SET active = 1 WHERE sku = 'GADGET'");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_CHANGE", "retry"), 202);
    world_quiet(world);
    assert_sale(world, 1, "2", "55 2 0");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200); /* the two cases, too */
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_sale(world, 1, "2", "55 2 55");
    corrects(world, 2, "24"); /* four cases in all */
    assert_exceptions(world, "ERP_REJECTED_CHANGE", 0);
    assert_sale(world, 1, "2", "48 2 48");
}

static void more_than_the_credit_allows_waits_and_what_was_ordered_goes_on(void **state) {
    struct hub_world *world = *state;
    char line[256];
    world_stock(world, "WH1", "WIDGET", "2000");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "1000", "EA", line)), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "990 0 10 0 0 0 0");
    assert_exceptions(world, "CREDIT_HOLD", 1);
    assert_exposure(world, "CUST-1", "25");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "accept"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 1000 0 0 0 0");
    assert_exposure(world, "CUST-1", "2500");
}

static void once_released_only_lines_can_change(void **state) {
    struct hub_world *world = *state;
    char line[256], text[ORDER_TEXT_SIZE];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    (void)world_order_text(1, "\"customer_po\":\"another\",", world_line("1", "WIDGET", "9", "EA", line),
                           text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 409);
    (void)world_order_text(2, "", line, text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 409);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "GADGET", "9", "EA", line)), 422);
    world_ships(world, 1, 1, "10", NULL);
    world_quiet(world);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "9", "EA", line)), 409);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
}

/* Else a shipment would be billed to somebody who has ordered nothing. */
static void who_a_released_order_is_for_stays_though_the_name_moves_on(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256], *at;
    world_put(world, "customers", "{\"code\":\"CUST-1\",\"aliases\":[{\"ref\":\"SHOP-7\"}]}");
    world_order_text(1, "", world_line("1", "WIDGET", "10", "EA", line), text);
    at = strstr(text, "CUST-1");
    assert_non_null(at);
    memcpy(at, "SHOP-7", 6);
    assert_int_equal(world_take(world, 1, text), 202);
    world_quiet(world);
    world_put(world, "customers", "{\"code\":\"CUST-1\"}");
    world_put(world, "customers", "{\"code\":\"CUST-2\",\"aliases\":[{\"ref\":\"SHOP-7\"}]}");
    at = strstr(text, "\"10\"");
    assert_non_null(at);
    memcpy(at, "\"12\"", 4);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    world_quiet(world);
    assert_count(world, "SELECT count(*) FROM orders WHERE customer_code = 'CUST-1'", 1);
    assert_line(world, 1, "1", "0 0 12 0 0 0 0");
}

static void whose_an_order_is_stays_once_the_erp_has_it(void **state) {
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], line[256], *at;
    world_put(world, "customers", "{\"code\":\"CUST-1\"}");
    world_put(world, "customers", "{\"code\":\"CUST-2\",\"aliases\":[{\"ref\":\"SHOP-7\"}]}");
    world_order_text(1, "", world_line("1", "WIDGET", "50", "EA", line), text); /* more than there is */
    at = strstr(text, "CUST-1");
    assert_non_null(at);
    world->plan = is_slow;
    assert_int_equal(world_take(world, 1, text), 202);
    world->plan = NULL;
    world_quiet(world);
    memcpy(at, "SHOP-7", 6);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 409);
    memcpy(at, "CUST-1", 6);
    at = strstr(text, "\"50\"");
    assert_non_null(at);
    memcpy(at, "\"60\"", 4);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    world_quiet(world);
    assert_sale(world, 1, "1", "60 2.5 0");
}

/* ---- how it is to be shipped ---- */

#define HOW_DATES                                                                                            \
    "\"dates\":{\"requested_ship\":\"2026-12-03\",\"requested_delivery\":\"2026-12-05\","                    \
    "\"ship_not_before\":\"2026-12-02\",\"ship_not_after\":\"2026-12-04\",\"cancel_after\":\"2026-12-08\"}"
#define HOW_FREIGHT                                                                                          \
    "\"freight\":{\"terms\":\"COLLECT\",\"mode\":\"LTL\",\"scac\":\"UPSN\",\"service\":\"GROUND\","          \
    "\"account\":\"A1\"}"
#define HOW_LINE                                                                                             \
    "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,\"serial_required\":true,"          \
    "\"hazmat\":{\"un\":\"UN1993\"},\"temperature_class\":\"COLD\""
#define HOW_MARK_FOR "\"mark_for\":{\"name\":\"%s\"}"

/* All that an order can say of how to ship. */
static void how_text(const char *qty, const char *dates, const char *mark_for, const char *line,
                     char out[ORDER_TEXT_SIZE]) {
    char head[1024], lines[1024], text[ORDER_TEXT_SIZE];
    (void)snprintf(head, sizeof head, "%s,%s,", dates, HOW_FREIGHT);
    (void)snprintf(lines, sizeof lines,
                   "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"%s\",\"uom\":\"EA\","
                   "\"unit_price\":\"2.50\",%s}",
                   qty, line);
    char *parties = strstr(world_order_text(1, head, lines, text), "\"parties\":{") + strlen("\"parties\":{");
    int size = snprintf(out, ORDER_TEXT_SIZE, "%.*s" HOW_MARK_FOR ",%s", (int)(parties - text), text,
                        mark_for, parties);
    assert_true(size > 0 && (size_t)size < ORDER_TEXT_SIZE);
}

static unsigned take_how(struct hub_world *world, const char *dates) {
    char text[ORDER_TEXT_SIZE];
    how_text("10", dates, "Dept 7", HOW_LINE, text);
    return world_take(world, 1, text);
}

static unsigned revise_how(struct hub_world *world, const char *if_match, const char *qty,
                           const char *mark_for, const char *line) {
    char text[ORDER_TEXT_SIZE];
    how_text(qty, HOW_DATES, mark_for, line, text);
    return world_revise(world, 1, if_match, text);
}

static void assert_how(const char *release, const char *mark_for) {
    char marked[64];
    (void)snprintf(marked, sizeof marked, HOW_MARK_FOR, mark_for);
    assert_non_null(release);
    assert_non_null(strstr(release, HOW_DATES));
    assert_non_null(strstr(release, HOW_FREIGHT));
    assert_non_null(strstr(release, HOW_LINE));
    assert_non_null(strstr(release, marked));
    assert_non_null(strstr(release, "\"ship_by\":\"2026-12-04T00:00:00.000Z\""));
}

static void what_an_order_says_of_how_to_ship_reaches_its_site(void **state) {
    struct hub_world *world = *state;
    const struct world_site *site = &world->sites[0];
    char deadline[64], time[XD_TIME_TEXT_MAX], due[256];
    world_put(world, "sites", "{\"site\":\"WH1\",\"kind\":\"warehouse\",\"ack_minutes\":60}");
    assert_int_equal(take_how(world, HOW_DATES), 202);
    world_quiet(world);
    const char *release = hub_world_heard(site, "release", "\"revision\":1");
    assert_how(release, "Dept 7");
    world_query(world, "SELECT ack_by FROM release", due);
    (void)xd_time_write(strtoll(due, NULL, 10), time);
    (void)snprintf(deadline, sizeof deadline, "\"ack_deadline\":\"%s\"", time);
    assert_non_null(strstr(release, deadline));
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_how(hub_world_heard(site, "release", "\"purpose\":\"CHANGE\""), "Dept 7");
}

static void what_an_order_does_not_say_no_release_says(void **state) {
    struct hub_world *world = *state;
    assert_int_equal(world_simple(world, 1, "\"dates\":{\"ship_not_after\":\"2026-12-04\"},", "10"), 202);
    world_quiet(world);
    const char *release = hub_world_heard(&world->sites[0], "release", "\"revision\":1");
    static const char *const absent[] = {"mark_for",          "freight",       "ack_deadline",
                                         "lot_constraint",    "hazmat",        "serial_required",
                                         "temperature_class", "requested_ship"};
    for (size_t index = 0; index < sizeof absent / sizeof absent[0]; index++) {
        assert_null(strstr(release, absent[index]));
    }
    assert_non_null(strstr(release, "\"ship_by\":\"2026-12-05T00:00:00.000Z\"")); /* then by the last day */
}

static void how_to_ship_can_change_until_a_site_has_it(void **state) {
    struct hub_world *world = *state;
    static const char *const others[] = {
        "\"lot_constraint\":{\"lot\":\"L2\"},\"min_remaining_shelf_life\":30,\"serial_required\":true,"
        "\"hazmat\":{\"un\":\"UN1993\"},\"temperature_class\":\"COLD\"",
        "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":31,\"serial_required\":true,"
        "\"hazmat\":{\"un\":\"UN1993\"},\"temperature_class\":\"COLD\"",
        "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,"
        "\"hazmat\":{\"un\":\"UN1993\"},\"temperature_class\":\"COLD\"",
        "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,\"serial_required\":true,"
        "\"temperature_class\":\"COLD\"",
        "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,\"serial_required\":true,"
        "\"hazmat\":{\"un\":\"UN1993\"}"};
    world->plan = is_slow;
    assert_int_equal(take_how(world, "\"dates\":{}"), 202);
    assert_int_equal(revise_how(world, "\"1\"", "10", "Dept 8", HOW_LINE), 202);
    world->plan = NULL;
    world_quiet(world);
    assert_how(hub_world_heard(&world->sites[0], "release", "\"revision\":1"), "Dept 8");
    assert_int_equal(revise_how(world, "\"2\"", "10", "Dept 9", HOW_LINE), 409);
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        assert_int_equal(revise_how(world, "\"2\"", "10", "Dept 8", others[index]), 409);
    }
    assert_int_equal(revise_how(world, "\"2\"", "12", "Dept 8", HOW_LINE), 202); /* more of it, as before */
    world_quiet(world);
    char second[XD_ID_SIZE];
    world_release_id(world, 1, 2, second);
    assert_how(hub_world_heard(&world->sites[0], "release", second), "Dept 8");
}

static void serial_numbers_are_asked_for_as_the_last_revision_says(void **state) {
    struct hub_world *world = *state;
    world->plan = is_slow;
    assert_int_equal(take_how(world, HOW_DATES), 202);
    assert_int_equal(revise_how(world, "\"1\"", "10", "Dept 7", "\"temperature_class\":\"COLD\""), 202);
    assert_count(world, "SELECT serials FROM order_line", 0);
    assert_int_equal(revise_how(world, "\"2\"", "10", "Dept 7", HOW_LINE), 202);
    assert_count(world, "SELECT serials FROM order_line", 1);
}

static void how_to_ship_comes_back_with_a_release(void **state) {
    struct hub_world *world = *state;
    world_quiet(world);
    hub_world_copy(world);
    assert_int_equal(take_how(world, HOW_DATES), 202);
    world_quiet(world);
    hub_world_restore(world);
    world_quiet(world);
    assert_count(world, "SELECT count(*) FROM orders WHERE client = 'adopted'", 1);
    assert_count(world, "SELECT serials FROM order_line", 1);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    assert_how(hub_world_heard(&world->sites[0], "release", "\"purpose\":\"CHANGE\""), "Dept 7");
}

static void a_revision_below_what_has_shipped_keeps_what_has_shipped(void **state) {
    struct hub_world *world = *state;
    char line[256];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_ships(world, 1, 1, "4", NULL);
    world_quiet(world);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "2", "EA", line)), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 4 6 0 0");
    assert_sale(world, 1, "1", "4 2.5 4");
}

static void a_revision_repeated_while_its_site_is_asked_asks_for_no_more(void **state) {
    struct hub_world *world = *state;
    char line[256];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "6", "EA", line)), 202);
    assert_int_equal(revise(world, 1, "\"2\"", world_line("1", "WIDGET", "5", "EA", line)), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 3, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 5 0 5 0 0");
    assert_sale(world, 1, "1", "5 2.5 0");
}

/* The answer's text in *api. */
static void revised(struct hub_world *world, const char *if_match, char *body, struct api_call *api) {
    char id[XD_ID_SIZE];
    hub_world_order_id(world, "PO-1", id);
    *api = (struct api_call){.write = xd_hub_order_revise, .id = id, .if_match = if_match, .body = body};
    assert_int_equal(hub_world_post(world, api), 202);
}

static void a_revision_tells_what_it_was_held_against_and_warned_of(void **state) {
    struct hub_world *world = *state;
    char one[256], two[256], both[513], text[ORDER_TEXT_SIZE], found[256];
    struct api_call api;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    snprintf(both, sizeof both, "%s,%s", world_line("1", "WIDGET", "6", "EA", one),
             world_line("2", "WIDGET", "2", "EA", two));
    for (int times = 0; times < 2; times++) { /* the second time it is there already */
        revised(world, "\"1\"", world_order_text(1, "", both, text), &api);
        assert_non_null(strstr(api.text, "\"warnings\":[{\"code\":\"possible_duplicate_line\""));
        hub_world_api_free(&api);
    }
    world_query(world,
                "SELECT json_extract(detail, '$.revision', '$.net', '$.customer_version', "
                "'$.warnings[0].code') FROM timeline WHERE step = 'order.revised'",
                found);
    assert_string_equal(found, "[2,\"20\",1,\"possible_duplicate_line\"]");
    revised(world, "\"2\"", world_order_text(1, "", world_line("1", "WIDGET", "6", "EA", one), text), &api);
    assert_null(strstr(api.text, "\"warnings\""));
    hub_world_api_free(&api);
    revised(world, "\"2\"", text, &api); /* nor when it is told again, whatever the one before had */
    assert_null(strstr(api.text, "\"warnings\""));
    hub_world_api_free(&api);
    world_quiet(world);
    assert_step(world, 1, "order.revised", 2);
}

/* ---- credit and the ERP's word ---- */

static void what_was_cancelled_is_wanted_again_when_the_same_revision_is_sent_again(void **state) {
    struct hub_world *world = *state;
    char lines[512], text[ORDER_TEXT_SIZE], one[256];
    snprintf(lines, sizeof lines, "%s", world_line("1", "WIDGET", "10", "EA", one));
    assert_int_equal(world_order(world, 1, "", lines), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"4\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 4 0 0");
    assert_int_equal(world_revise(world, 1, "\"1\"", world_order_text(1, "", lines, text)), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_releases(world, 1, 2);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"8\"}]}"), 202);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202); /* its answer was lost: it was before */
    world_quiet(world);
    assert_releases(world, 1, 2);
}

/* "who what why" of the resolved ones of that code, by the store and by what was told of them. */
static void assert_resolved(struct hub_world *world, const char *code, const char *expected) {
    char sql[512], found[256];
    snprintf(
        sql, sizeof sql,
        "SELECT group_concat(resolved_by || ' ' || action || ' ' || reason) FROM exception WHERE code = '%s'"
        " AND open = 0",
        code);
    world_query(world, sql, found);
    assert_string_equal(found, expected);
    snprintf(
        sql, sizeof sql,
        "WITH told AS (SELECT CAST(body AS TEXT) ->> '$.data.exception' AS e FROM event"
        " WHERE type = 'crossdock.exception.resolved.v1') SELECT group_concat((e ->> 'resolved_by') || ' ' ||"
        " (e ->> 'action') || ' ' || (e ->> 'reason')) FROM told WHERE e ->> 'code' = '%s'",
        code);
    world_query(world, sql, found);
    assert_string_equal(found, expected);
}

static void above_the_limit_an_order_waits_for_an_operator(void **state) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "2000");
    assert_int_equal(world_simple(world, 1, "", "300"), 202); /* 750 of 1000 */
    assert_int_equal(world_simple(world, 2, "", "200"), 202);
    assert_int_equal(world_simple(world, 3, "", "200"), 202);
    assert_int_equal(world_simple(world, 4, "\"payment\":{\"method\":\"PREPAID\"},", "400"), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_status(world, 2, "HELD");
    assert_status(world, 4, "IN_FULFILMENT");
    assert_exposure(world, "CUST-1", "750");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "accept"), 202);
    world_quiet(world);
    assert_status(world, 2, "IN_FULFILMENT");
    assert_exposure(world, "CUST-1", "1250");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "reject"), 202);
    world_quiet(world);
    assert_status(world, 3, "REJECTED");
    assert_reason(world, 3, "rejected_by_operator", "op");
    assert_resolved(world, "CREDIT_HOLD", "op accept looked,op reject looked");
    assert_sale(world, 3, "1", "none");
    world_ships(world, 1, 1, "300", NULL);
    world_ships(world, 2, 1, "200", NULL);
    world_ships(world, 4, 1, "400", NULL);
    world_quiet(world);
    assert_exposure(world, "CUST-1", "0");
    assert_int_equal(world_resolve(world, "CREDIT_HOLD", "accept"), 404);
}

static void a_sale_that_the_erp_refuses_is_held_retried_or_rejected(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_ledger(world, "UPDATE customer SET active = 0 WHERE code = 'CUST-1'");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_exceptions(world, "ERP_REJECTED_SALE", 1);
    assert_stock(world, "WH1", "WIDGET", "20 10");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SALE", "retry"), 202);
    world_quiet(world);
    assert_status(world, 1, "HELD"); /* nothing has changed there */
    assert_exceptions(world, "ERP_REJECTED_SALE", 1);
    (void)hub_world_ledger(world, "UPDATE customer SET active = 1 WHERE code = 'CUST-1'");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SALE", "retry"), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_sale(world, 1, "1", "10 2.5 0");
    (void)hub_world_ledger(world, "UPDATE customer SET active = 0 WHERE code = 'CUST-1'");
    assert_int_equal(world_simple(world, 2, "", "5"), 202);
    world_quiet(world);
    assert_stock(world, "WH1", "WIDGET", "20 15");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SALE", "reject"), 202);
    world_quiet(world);
    assert_status(world, 2, "REJECTED");
    assert_stock(world, "WH1", "WIDGET", "20 10");
    assert_sale(world, 2, "1", "none");
    assert_exposure(world, "CUST-1", "25");
}

static void what_is_cancelled_while_the_erp_refuses_is_gone(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_ledger(world, "UPDATE customer SET active = 0 WHERE code = 'CUST-1'");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    world_quiet(world);
    assert_gone(world, 1);
    assert_exceptions(world, "ERP_REJECTED_SALE", 0);
    assert_sale(world, 1, "1", "none");
}

static void a_hold_stops_an_order_before_its_sites_get_it(void **state) {
    struct hub_world *world = *state;
    world->plan = never_lands;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{}"), 422);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"fraud?\"}"), 202);
    world->plan = NULL;
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_line(world, 1, "1", "0 10 0 0 0 0 0");
    assert_null(hub_world_heard(&world->sites[0], "release", "PO-1"));
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"CREDIT\"}"), 409);
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void assert_by(struct hub_world *world, const char *step, int64_t expected) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM timeline WHERE step = '%s' AND detail LIKE '%%\"by\":\"portal\"%%'", step);
    assert_count(world, sql, expected);
}

static void the_timeline_says_who_wished_it(void **state) {
    struct hub_world *world = *state;
    char line[256];
    world->plan = never_lands;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(world_ask(world, xd_hub_order_hold, 1, "{\"reason\":\"fraud?\"}"), 202);
    assert_by(world, "order.held", 1);
    assert_int_equal(
        world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\",\"reason\":\"they agree\"}"), 202);
    assert_by(world, "order.hold_released", 1);
    assert_count(world, "SELECT count(*) FROM timeline WHERE detail ->> 'reason' = 'they agree'", 1);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "8", "EA", line)), 202);
    assert_by(world, "order.revised", 1);
    assert_by(world, "order.cancel_requested", 1); /* of what is less of it */
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"5\"}]}"), 202);
    assert_by(world, "order.cancel_requested", 2);
    assert_int_equal(world_cancel(world, 1, ""), 202);
    assert_by(world, "order.cancel_requested", 3);
    world->plan = NULL;
    world_quiet(world);
    assert_reason(world, 1, "cancelled", "portal");
}

static void a_hold_that_nobody_wished_names_nobody(void **state) {
    struct hub_world *world = *state;
    char line[256];
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    assert_int_equal(revise(world, 1, "\"1\"", world_line("1", "WIDGET", "500", "EA", line)), 202);
    assert_int_equal(world_simple(world, 2, "", "500"), 202);
    assert_step(world, 1, "order.held", 1);
    assert_step(world, 2, "order.held", 1);
    assert_by(world, "order.held", 0);
}

static void a_channel_has_its_order_held(void **state) {
    struct hub_world *world = *state;
    char line[256], text[ORDER_TEXT_SIZE];
    assert_int_equal(
        world_simple(world, 1, "\"holds\":[{\"reason\":\"call me\"},{\"reason\":\"at 5\"}],", "10"), 202);
    assert_int_equal(world_simple(world, 2, "\"holds\":[],", "1"), 202);
    assert_int_equal(world_simple(world, 3, "\"holds\":[{}],", "1"), 422);
    assert_int_equal(world_simple(world, 4, "\"holds\":[\"call me\"],", "1"), 422);
    assert_int_equal(world_simple(world, 5, "\"holds\":[{\"reason\":\"a\",\"until\":\"b\"}],", "1"), 422);
    world_quiet(world);
    assert_status(world, 1, "HELD");
    assert_status(world, 2, "IN_FULFILMENT");
    assert_by(world, "order.held", 1);
    assert_count(
        world, "SELECT count(*) FROM timeline WHERE detail LIKE '%\"hold\":\"OPERATOR\"%call me; at 5%'", 1);
    /* the same order with less in it is not held anew */
    assert_int_equal(world_ask(world, xd_hub_order_unhold, 1, "{\"hold\":\"OPERATOR\"}"), 202);
    (void)world_order_text(1, "\"holds\":[{\"reason\":\"call me\"}],",
                           world_line("1", "WIDGET", "9", "EA", line), text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    world_quiet(world);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_int_equal(world_ask(world, xd_hub_order_hold, 3, "{\"reason\":\"none\"}"), 404);
}

static void long_reasons_of_a_hold_are_cut_between_characters(void **state) {
    struct hub_world *world = *state;
    char reason[256], head[400], text[256];
    for (size_t at = 0; at + 3 < 254; at += 3) {
        memcpy(reason + at, "\xe2\x82\xac", 4);
    }
    snprintf(head, sizeof head, "\"holds\":[{\"reason\":\"%s\"}],", reason);
    assert_int_equal(world_simple(world, 1, head, "10"), 202);
    assert_status(world, 1, "HELD");
    world_query(world,
                "SELECT length(json_extract(detail, '$.detail')) FROM timeline WHERE step = 'order.held'",
                text);
    assert_string_equal(text, "79"); /* of three bytes each */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, hub_world_teardown)
        WITH(a_held_order_is_cancelled_at_once, with_credit),
        WITH(what_was_not_called_for_is_withdrawn_and_never_sold, with_credit),
        WITH(the_timeline_says_who_wished_it, world_two_sites),
        WITH(a_hold_that_nobody_wished_names_nobody, with_credit),
        WITH(a_channel_has_its_order_held, world_two_sites),
        WITH(long_reasons_of_a_hold_are_cut_between_characters, world_two_sites),
        WITH(a_sale_under_way_is_taken_back_when_it_is_there, with_credit),
        WITH(what_is_released_is_cancelled_when_its_site_agrees, with_credit),
        WITH(what_its_site_keeps_ships, with_credit),
        WITH(what_ships_meanwhile_counts_and_a_person_is_told, with_credit),
        WITH(what_was_given_up_and_ships_nevertheless_counts, with_credit),
        WITH(after_a_part_has_shipped_the_rest_can_be_cancelled, with_credit),
        WITH(orders_of_others_are_not_there, with_credit),
        WITH(a_part_is_cancelled_by_a_change_that_the_site_takes, with_credit),
        WITH(a_change_that_the_site_answers_after_it_shipped_the_rest_is_done, with_credit),
        WITH(a_refusal_that_crosses_a_part_cancelled_sends_on_only_what_is_wanted, world_two_sites),
        WITH(what_a_site_agreed_to_holds_when_it_refuses_the_next_change, with_credit),
        WITH(what_was_cancelled_is_wanted_again_when_the_same_revision_is_sent_again, with_credit),
        WITH(a_change_that_is_refused_after_the_next_one_was_asked_for_refuses_nothing_else, world_two_sites),
        WITH(what_is_cancelled_of_a_silent_release_ships_from_nowhere, world_two_sites),
        WITH(a_site_that_is_silent_about_a_change_is_asked_for_all_of_it, world_two_sites),
        WITH(lines_that_the_order_does_not_have_cannot_be_cancelled, with_credit),
        WITH(more_than_was_ordered_cannot_be_cancelled, hub_world_setup),
        WITH(a_part_asked_for_again_is_cancelled_once, with_credit),
        WITH(what_was_cancelled_is_so_when_the_order_is_over, with_credit),
        WITH(a_line_that_was_cancelled_is_so_when_the_order_is_over, with_credit),
        WITH(all_lines_cancelled_one_by_one_before_the_call_are_never_sold, with_credit),
        WITH(a_revision_needs_the_revision_that_was_seen, with_credit),
        WITH(lines_come_go_shrink_and_change_their_price, with_credit),
        WITH(changes_follow_each_other_to_the_erp, with_credit),
        WITH(what_ships_of_a_new_line_is_posted_after_the_line_is, with_credit),
        WITH(a_change_that_the_erp_refuses_is_posted_again_when_an_operator_says_so, with_credit),
        WITH(a_change_that_the_erp_refuses_is_replayed, with_credit),
        WITH(a_line_that_was_sold_in_pieces_is_changed_in_pieces, with_credit),
        WITH(more_than_the_credit_allows_waits_and_what_was_ordered_goes_on, with_credit),
        WITH(once_released_only_lines_can_change, with_credit),
        WITH(who_a_released_order_is_for_stays_though_the_name_moves_on, world_two_sites),
        WITH(whose_an_order_is_stays_once_the_erp_has_it, world_two_sites),
        WITH(what_an_order_says_of_how_to_ship_reaches_its_site, with_credit),
        WITH(what_an_order_does_not_say_no_release_says, with_credit),
        WITH(how_to_ship_can_change_until_a_site_has_it, with_credit),
        WITH(serial_numbers_are_asked_for_as_the_last_revision_says, with_credit),
        WITH(how_to_ship_comes_back_with_a_release, with_credit),
        WITH(a_revision_below_what_has_shipped_keeps_what_has_shipped, with_credit),
        WITH(a_revision_repeated_while_its_site_is_asked_asks_for_no_more, with_credit),
        WITH(a_revision_tells_what_it_was_held_against_and_warned_of, with_credit),
        WITH(above_the_limit_an_order_waits_for_an_operator, with_credit),
        WITH(a_sale_that_the_erp_refuses_is_held_retried_or_rejected, with_credit),
        WITH(what_is_cancelled_while_the_erp_refuses_is_gone, with_credit),
        WITH(a_hold_stops_an_order_before_its_sites_get_it, with_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
