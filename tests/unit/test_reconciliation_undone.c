/* What is left of a release when something that its site had shipped is taken back or said otherwise: what
 * it shipped of what it had given up is given up again, and what it said of the rest still holds. */
#include "unit/hub_world_orders.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 1024

/* ---- what WH1 says ---- */

static void says(struct hub_world *world, const char *id, int version, const char *kind, const char *shipment,
                 const char *release_id, const char *lines) {
    char text[TEXT_SIZE];
    int size = snprintf(text, sizeof text,
                        "{\"confirmation_id\":\"%s\",\"version\":%d,\"kind\":\"%s\",\"shipment_id\":\"%s\","
                        "\"release_ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\","
                        "\"lines\":[%s]}",
                        id, version, kind, shipment, release_id, lines);
    assert_true(size > 0 && (size_t)size < sizeof text);
    hub_world_wms(&world->sites[0], "confirmation", text);
    world_quiet(world);
}

/* Version `version` of a confirmation, of a shipment of the same name; status "": none. */
static void ships(struct hub_world *world, const char *id, int version, const char *release_id,
                  const char *qty, const char *status) {
    char line[256], member[64] = "";
    if (status[0] != 0) {
        (void)snprintf(member, sizeof member, ",\"status\":\"%s\"", status);
    }
    (void)snprintf(line, sizeof line,
                   "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"%s\",\"uom\":\"EA\"%s}", qty,
                   member);
    says(world, id, version, "SHIP", id, release_id, line);
}

static void takes_back(struct hub_world *world, const char *id, const char *shipment, const char *release_id,
                       const char *qty) {
    char line[256];
    (void)snprintf(line, sizeof line,
                   "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"%s\",\"uom\":\"EA\"}", qty);
    says(world, id, 1, "REVERSAL", shipment, release_id, line);
}

static void voids(struct hub_world *world, const char *id, const char *shipment, const char *release_id) {
    says(world, id, 1, "VOID", shipment, release_id, "");
}

/* All is done, and everything agrees. */
static void settles(struct hub_world *world) {
    world_quiet(world);
    assert_agrees(world);
    assert_erp_agrees(world);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 7", 0); /* nothing is held for ever */
}

static void assert_over(struct hub_world *world, int64_t expected) {
    assert_count(world, "SELECT sum(CAST(overshipped AS INTEGER)) FROM order_line", expected);
    assert_count(world, "SELECT sum(CAST(over AS INTEGER)) FROM release_line", expected);
}

/* PO-1: ten of WH1, which has 100. */
static struct hub_world *ten(void **state, char release_id[XD_ID_SIZE]) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    return world;
}

/* The same, of which it agreed to ship seven when three were cancelled. */
static struct hub_world *seven(void **state, char release_id[XD_ID_SIZE]) {
    struct hub_world *world = ten(state, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"3\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    settles(world);
    assert_line(world, 1, "1", "0 0 7 0 3 0 0");
    return world;
}

/* ---- what was given up, and shipped nevertheless ---- */

static void what_was_given_up_and_shipped_is_given_up_again_by_a_void(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "9", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 9 1 0 0");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 7 0 3 0 0");
    assert_stock(world, "WH1", "WIDGET", "100 7");
    assert_sale(world, 1, "1", "7 2.5 0");
    ships(world, "C-2", 1, release_id, "8", ""); /* anew, and again more than was agreed */
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_over(world, 0);
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 2);
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 1);
    assert_stock(world, "WH1", "WIDGET", "92 0");
}

static void what_was_given_up_and_shipped_is_given_up_again_by_a_correction(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "9", "");
    ships(world, "C-1", 2, release_id, "8", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 1); /* it still ships too much, and somebody is told */
    ships(world, "C-1", 3, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 1 6 3 0 0");
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 0);
    ships(world, "C-1", 4, release_id, "12", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_over(world, 2);
    assert_stock(world, "WH1", "WIDGET", "88 0");
}

static void what_was_given_up_and_shipped_is_given_up_again_by_a_reversal_first(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "9", "");
    takes_back(world, "B-1", "C-1", release_id, "1");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    takes_back(world, "B-2", "C-1", release_id, "3");
    settles(world);
    assert_line(world, 1, "1", "0 0 2 5 3 0 0");
    assert_stock(world, "WH1", "WIDGET", "95 2");
}

/* Not the one that took it: what ships in all counts. */
static void what_was_given_up_is_given_up_again_whichever_shipment_is_taken_back(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "7", "");
    ships(world, "C-2", 1, release_id, "4", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_over(world, 1);
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 3 4 3 0 0");
    assert_over(world, 0);
    assert_stock(world, "WH1", "WIDGET", "96 3");
}

/* The order was cancelled whole by then: what the site had not given up it is asked for. */
static void what_was_given_up_is_given_up_again_of_an_order_that_is_cancelled(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "9", "");
    settles(world);
    (void)world_cancel(world, 1, NULL);
    world_quiet(world);
    voids(world, "V-1", "C-1", release_id);
    world_quiet(world);
    char text[256];
    world_query(world, "SELECT closed || ' ' || shipped FROM release_line", text);
    assert_string_equal(text, "3 0");
    assert_agrees(world);
}

/* WH1 refused it, so it is WH2's; WH1 ships it all the same, and then it never left. */
static void what_was_refused_and_shipped_is_open_again_by_a_void(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = world_with_stock(state, "20", "20");
    assert_int_equal(world_simple(world, 1, "\"preferred_site\":\"WH1\",", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    world_answer(world, 1, 1, 1, "REJECTED");
    world_quiet(world);
    assert_releases(world, 1, 2);
    world_answer(world, 1, 2, 1, "ACKNOWLEDGED");
    world_quiet(world);
    ships(world, "C-1", 1, release_id, "10", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    settles(world);
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_releases(world, 1, 3); /* somebody is to ship it */
    assert_count(world, "SELECT count(*) FROM release_line WHERE closed = '10'", 2);
    ships(world, "C-2", 1, release_id, "4", ""); /* it is still a shipment of what was not its own */
    settles(world);
    assert_over(world, 0);
    assert_count(world, "SELECT count(*) FROM order_line WHERE shipped = '4' AND released = '6'", 1);
}

/* ---- an order that was cancelled by then ---- */

/* PO-1: six of WH1, and five of WH2, which gave them up when the order was cancelled; of WH1, which had
 * shipped `qty` by then, nothing was asked. */
static struct hub_world *six_left(void **state, const char *qty, const char *status,
                                  char release_id[XD_ID_SIZE]) {
    struct hub_world *world = world_with_stock(state, "6", "5");
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    ships(world, "C-1", 1, release_id, qty, status);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    world_quiet(world);
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    settles(world);
    return world;
}

static void a_correction_of_what_had_shipped_before_the_order_was_cancelled(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = six_left(state, "6", "", release_id);
    assert_line(world, 1, "1", "0 0 0 6 5 0 0");
    ships(world, "C-1", 2, release_id, "5", "SHORT_FINAL");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 5 6 0 0");
    assert_over(world, 0);
    assert_raised(world, "SHIPPED_AFTER_CANCEL", 0);
    assert_raised(world, "OVERSHIP", 0);
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED NONE 1");
    ships(world, "C-1", 3, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 6 5 0 0");
    assert_over(world, 0);
    assert_stock(world, "WH1", "WIDGET", "0 0");
}

static void what_a_correction_leaves_of_a_cancelled_order_is_asked_back(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = six_left(state, "6", "", release_id);
    ships(world, "C-1", 2, release_id, "4", "");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 2 4 5 0 0");
    assert_release(world, 1, 1, "WH1 PART_SHIPPED REQUESTED 2");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 4 7 0 0");
    assert_stock(world, "WH1", "WIDGET", "2 0");
}

static void a_correction_that_waits_leaves_what_had_shipped_with_the_site(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = six_left(state, "6", "", release_id);
    says(world, "C-1", 2, "SHIP", "C-1", release_id,
         "{\"line_id\":\"1\",\"sku\":\"GADGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\"}");
    world_quiet(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2");
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 6 0 5 0 0");
    ships(world, "C-1", 3, release_id, "5", "SHORT_FINAL");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 5 6 0 0");
    assert_over(world, 0);
}

static void pieces_of_a_case_that_were_given_up_are_given_up_again(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = *state;
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":12}]}");
    world_stock(world, "WH1", "WIDGET", "1000");
    assert_int_equal(world_order(world, 1, "",
                                 "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"10\",\"uom\":"
                                 "\"CS\",\"unit_price\":\"24.00\"}"),
                     202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"3\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    says(world, "C-1", 1, "SHIP", "C-1", release_id,
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"8\",\"uom\":\"CS\"}");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    ships(world, "C-2", 1, release_id, "5", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 101 19 0 0");
    says(world, "C-1", 2, "SHIP", "C-1", release_id,
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"7\",\"uom\":\"CS\"}");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 89 31 0 0");
    assert_stock(world, "WH1", "WIDGET", "911 0");
}

/* Whatever it says: what it ships is not known to be of that line. */
static void a_line_that_is_parked_takes_nothing(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    says(world, "C-1", 1, "SHIP", "C-1", release_id,
         "{\"line_id\":\"1\",\"sku\":\"GADGET\",\"qty_shipped\":\"9\",\"uom\":\"EA\"}");
    settles(world);
    assert_line(world, 1, "1", "0 0 7 0 3 0 0");
}

/* ---- what was said of the rest ---- */

/* Documents of a site reach the hub out of order: it ships eight in place of the ten that never left. */
static struct hub_world *eight(void **state, char release_id[XD_ID_SIZE], const char *status) {
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    ships(world, "C-2", 1, release_id, "8", status);
    settles(world);
    assert_over(world, 8);
    return world;
}

static void a_line_of_which_no_more_comes_is_closed_by_the_void_before(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = eight(state, release_id, "SHORT_FINAL");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_over(world, 0);
    assert_status(world, 1, "CLOSED_SHORT");
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED NONE 1");
    assert_raised(world, "SHORT_CLOSED", 1);
    assert_stock(world, "WH1", "WIDGET", "92 0");
    voids(world, "V-2", "C-2", release_id); /* whose word it was */
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_count(world, "SELECT count(*) FROM remainder", 0);
}

static void a_line_of_which_the_rest_is_a_backorder_is_open_by_the_void_before(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = eight(state, release_id, "BACKORDER");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_count(world, "SELECT count(*) FROM release_line WHERE shipped = '8' AND closed = '2'", 1);
    assert_line(world, 1, "1", "0 0 2 8 0 0 0");
    assert_releases(world, 1, 2); /* somebody ships it */
}

static void a_line_of_which_no_more_comes_is_closed_by_the_correction_before(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    ships(world, "C-2", 1, release_id, "3", "SHORT_FINAL");
    ships(world, "C-1", 2, release_id, "5", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_over(world, 0);
}

static void a_line_of_which_nothing_comes_is_closed_by_the_void_before(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    says(world, "C-2", 1, "SHORT_CLOSE", "C-2", release_id,
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"0\",\"uom\":\"EA\"}");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 0 0 10 0 0");
    assert_status(world, 1, "CANCELLED");
}

static void what_was_said_of_the_rest_is_over_when_its_shipment_is_taken_back(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = eight(state, release_id, "SHORT_FINAL");
    voids(world, "V-2", "C-2", release_id);
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

/* It is its own word that is taken back. */
static void a_void_takes_back_what_the_shipment_said_of_the_rest(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "SHORT_FINAL");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

/* The one that is a backorder is with another release since the first of them said so. */
static void what_was_said_of_the_rest_is_said_of_what_is_closed_already(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "9", "BACKORDER");
    voids(world, "V-1", "C-1", release_id);
    ships(world, "C-2", 1, release_id, "5", "");
    ships(world, "C-3", 1, release_id, "4", "BACKORDER");
    voids(world, "V-2", "C-2", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 6 4 0 0 0");
    assert_releases(world, 1, 2);
    assert_count(world, "SELECT count(*) FROM release_line WHERE closed = '1'", 1);
}

/* One was said not to come; six others never left, and come anew. */
static void what_was_said_of_the_rest_is_not_said_of_what_is_left_later(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "6", "");
    ships(world, "C-2", 1, release_id, "3", "SHORT_FINAL");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 6 3 1 0 0");
    ships(world, "C-3", 1, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 9 1 0 0");
    assert_over(world, 0);
}

/* It ships less than it had agreed to, after it had shipped all of that. */
static void what_was_given_up_and_what_does_not_come_are_told_apart(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = seven(state, release_id);
    ships(world, "C-1", 1, release_id, "7", "");
    ships(world, "C-2", 1, release_id, "5", "SHORT_FINAL");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 0 5 5 0 0");
    voids(world, "V-2", "C-2", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 7 0 3 0 0");
}

/* ---- what the site was told meanwhile ---- */

/* A change of another line tells the site of what is left of this one, too. */
static void what_a_document_has_left_out_since_does_not_come_back_by_a_void(void **state) {
    char release_id[XD_ID_SIZE], first[256], second[256], lines[600];
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    world_stock(world, "WH1", "GADGET", "100");
    (void)snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", first),
                   world_line("2", "GADGET", "5", "EA", second));
    assert_int_equal(world_order(world, 1, "", lines), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    ships(world, "C-1", 1, release_id, "8", "SHORT_FINAL");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\",\"qty\":\"1\"}]}"), 202);
    world_quiet(world);
    assert_heard(&world->sites[0], "release", release_id, "\"qty\":\"8\"");
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 8 0 2 0 0");
    ships(world, "C-2", 1, release_id, "8", ""); /* by what it knows that is all */
    world_ships_line(world, 1, 1, "2", "GADGET", "4", "EA", NULL);
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_stock(world, "WH1", "WIDGET", "92 0");
}

static void what_a_site_refused_to_leave_out_comes_back_by_a_void(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"3\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    ships(world, "C-1", 1, release_id, "8", "SHORT_FINAL");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    voids(world, "V-1", "C-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

/* ---- what a hub that was set back knows in part ---- */

/* Its site gave line 2 up and shipped it all the same, with the other: that was one posting. The hub goes
 * back to when it knew the order and had nothing to release. */
static void forget_defied(struct hub_world *world) {
    static const char both[] = "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"},"
                               "{\"line_id\":\"2\",\"sku\":\"GADGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\"}";
    char release_id[XD_ID_SIZE], first[256], second[256], lines[600];
    (void)snprintf(lines, sizeof lines, "%s,%s", world_line("1", "WIDGET", "10", "EA", first),
                   world_line("2", "GADGET", "5", "EA", second));
    world_stock(world, "WH1", "WIDGET", "0");
    world_stock(world, "WH1", "GADGET", "0");
    assert_int_equal(world_order(world, 1, "\"fulfilment_policy\":\"FILL_ALL\",", lines), 202);
    world_quiet(world);
    hub_world_copy(world);
    world_stock(world, "WH1", "WIDGET", "10");
    world_stock(world, "WH1", "GADGET", "5");
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"2\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 1, 2, "ACKNOWLEDGED");
    says(world, "C-1", 1, "SHIP", "C-1", release_id, both);
    assert_int_equal(hub_world_ledger(world, "SELECT count(*) FROM shipment"), 1);
    hub_world_restore(world);
}

/* The release comes back as it was last, without that line, and then as it was first. */
static void what_was_one_posting_is_one_when_the_release_comes_back_in_parts(void **state) {
    struct hub_world *world = *state;
    forget_defied(world);
    world_quiet(world);
    assert_releases(world, 1, 1);
    assert_int_equal(hub_world_ledger(world, "SELECT count(*) FROM shipment"), 1);
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 1", 1);
    assert_count(world, "SELECT count(*) FROM parked_line", 0);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE lines_applied = 2", 1);
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
}

static void forget_first_revision(struct world_site *site) {
    sqlite3 *database = NULL;
    hub_world_site_crash(site);
    assert_int_equal(sqlite3_open(site->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "DELETE FROM held_release WHERE revision = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    hub_world_site_start(site);
}

static void what_waits_for_a_first_revision_that_does_not_come_is_applied_without(void **state) {
    struct hub_world *world = *state;
    forget_defied(world);
    forget_first_revision(&world->sites[0]);
    world_quiet(world);
    assert_exceptions(world, "UNKNOWN_RELEASE", 1);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE waits_for <> ''", 1);
    hub_world_run(world, XD_HOUR_MS + MINUTE_MS);
    world_quiet(world);
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_exceptions(world, "UNMATCHED_LINE", 1); /* a person decides */
    assert_count(world, "SELECT count(*) FROM confirmation WHERE lines_applied = 1 AND lines_parked = 1", 1);
    assert_int_equal(hub_world_ledger(world, "SELECT count(*) FROM shipment"), 1);
}

/* ---- versions of what was taken back ---- */

/* It may have been said before the shipment was taken back, or after. */
static void a_version_of_what_was_taken_back_waits_for_a_person(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    voids(world, "V-1", "C-1", release_id);
    ships(world, "C-1", 2, release_id, "8", "");
    settles(world);
    assert_exceptions(world, "RESTATED_AFTER_VOID", 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_int_equal(world_resolve(world, "RESTATED_AFTER_VOID", "retry"), 409);
    ships(world, "C-1", 3, release_id, "9", ""); /* which takes the place of the second */
    settles(world);
    assert_exceptions(world, "RESTATED_AFTER_VOID", 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_int_equal(world_resolve(world, "RESTATED_AFTER_VOID", "accept"), 200);
    settles(world);
    assert_line(world, 1, "1", "0 0 1 9 0 0 0");
    ships(world, "C-1", 4, release_id, "10", ""); /* nobody is asked twice */
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_stock(world, "WH1", "WIDGET", "90 0");
}

static void a_version_of_what_was_taken_back_is_rejected_and_ships_as_another(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    takes_back(world, "B-1", "C-1", release_id, "10");
    ships(world, "C-1", 2, release_id, "8", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_int_equal(world_resolve(world, "RESTATED_AFTER_VOID", "reject"), 200);
    ships(world, "C-2", 1, release_id, "10", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

/* The site has said it in that order. */
static void a_version_after_a_void_of_its_own_counts(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, "C-1", 1, release_id, "10", "");
    says(world, "C-1", 2, "VOID", "C-1", release_id, "");
    ships(world, "C-1", 3, release_id, "8", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 2 8 0 0 0");
    assert_exceptions(world, "RESTATED_AFTER_VOID", 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, hub_world_setup, hub_world_teardown)
#define TEST_OF_TWO(test) cmocka_unit_test_setup_teardown(test, world_two_sites, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_was_given_up_and_shipped_is_given_up_again_by_a_void),
        TEST(what_was_given_up_and_shipped_is_given_up_again_by_a_correction),
        TEST(what_was_given_up_and_shipped_is_given_up_again_by_a_reversal_first),
        TEST(what_was_given_up_is_given_up_again_whichever_shipment_is_taken_back),
        TEST(what_was_given_up_is_given_up_again_of_an_order_that_is_cancelled),
        TEST_OF_TWO(what_was_refused_and_shipped_is_open_again_by_a_void),
        TEST_OF_TWO(a_correction_of_what_had_shipped_before_the_order_was_cancelled),
        TEST_OF_TWO(what_a_correction_leaves_of_a_cancelled_order_is_asked_back),
        TEST_OF_TWO(a_correction_that_waits_leaves_what_had_shipped_with_the_site),
        TEST(pieces_of_a_case_that_were_given_up_are_given_up_again),
        TEST(a_line_that_is_parked_takes_nothing),
        TEST(a_line_of_which_no_more_comes_is_closed_by_the_void_before),
        TEST(a_line_of_which_the_rest_is_a_backorder_is_open_by_the_void_before),
        TEST(a_line_of_which_no_more_comes_is_closed_by_the_correction_before),
        TEST(a_line_of_which_nothing_comes_is_closed_by_the_void_before),
        TEST(what_was_said_of_the_rest_is_over_when_its_shipment_is_taken_back),
        TEST(a_void_takes_back_what_the_shipment_said_of_the_rest),
        TEST(what_was_said_of_the_rest_is_said_of_what_is_closed_already),
        TEST(what_was_said_of_the_rest_is_not_said_of_what_is_left_later),
        TEST(what_was_given_up_and_what_does_not_come_are_told_apart),
        TEST(what_a_document_has_left_out_since_does_not_come_back_by_a_void),
        TEST(what_a_site_refused_to_leave_out_comes_back_by_a_void),
        TEST(what_was_one_posting_is_one_when_the_release_comes_back_in_parts),
        TEST(what_waits_for_a_first_revision_that_does_not_come_is_applied_without),
        TEST(a_version_of_what_was_taken_back_waits_for_a_person),
        TEST(a_version_of_what_was_taken_back_is_rejected_and_ships_as_another),
        TEST(a_version_after_a_void_of_its_own_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
