/* The reconciliation table (DOMAIN, section 3), row by row, through the whole hub: from what a WMS says to
 * what the books of the hub and of the ERP say afterwards. After each row quantities, releases, stock,
 * exposure and the ERP agree. */
#include "unit/hub_world_orders.h"

#include "erp/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a WMS says ---- */

#define TEXT_SIZE 4096
#define CARRIER ",\"carrier\":{\"scac\":\"DHLE\"},\"pro\":\"P-2\""

/* members: further ones, from a comma on; lines: the inside of lines[]. */
static void says(struct hub_world *world, const char *id, int version, const char *kind, const char *shipment,
                 const char *release_id, const char *members, const char *lines) {
    char text[TEXT_SIZE], named[64] = "";
    if (shipment != NULL) {
        snprintf(named, sizeof named, ",\"shipment_id\":\"%s\"", shipment);
    }
    int size =
        snprintf(text, sizeof text,
                 "{\"confirmation_id\":\"%s\",\"version\":%d,\"kind\":\"%s\"%s,\"release_ids\":[\"%s\"],"
                 "\"shipped_at\":\"2026-11-23T10:00:00+01:00\"%s,\"lines\":[%s]}",
                 id, version, kind, named, release_id, members, lines);
    assert_true(size > 0 && (size_t)size < sizeof text);
    hub_world_wms(&world->sites[0], "confirmation", text);
}

static const char *line(char out[512], const char *sku, const char *qty, const char *uom, const char *more) {
    snprintf(out, 512, "{\"line_id\":\"1\",\"sku\":\"%s\",\"qty_shipped\":\"%s\",\"uom\":\"%s\"%s}", sku, qty,
             uom, more);
    return out;
}

/* Version `version` of C-1: qty of WIDGET in shipment S-1. */
static void ships(struct hub_world *world, int version, const char *release_id, const char *qty,
                  const char *more) {
    char text[512];
    says(world, "C-1", version, "SHIP", "S-1", release_id, "", line(text, "WIDGET", qty, "EA", more));
}

static void takes_back(struct hub_world *world, const char *id, const char *release_id, const char *qty) {
    char text[512];
    says(world, id, 1, "REVERSAL", "S-1", release_id, "", line(text, "WIDGET", qty, "EA", ""));
}

static void voids(struct hub_world *world, const char *id, const char *release_id) {
    says(world, id, 1, "VOID", "S-1", release_id, "", "");
}

/* PO-1, ten WIDGET at WH1, which has 100, released. */
static struct hub_world *ten(void **state, char release_id[XD_ID_SIZE]) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    world_stock(world, "WH1", "GADGET", "100");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    return world;
}

/* ---- what the books say ---- */

static void assert_settled(struct hub_world *world, const char *id, const char *part) {
    char document[96];
    snprintf(document, sizeof document, "\"document_id\":\"%s\"", id);
    assert_heard(&world->sites[0], "settled", document, part);
}

static void assert_state(struct hub_world *world, const char *id, int version, const char *expected) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT state FROM confirmation WHERE confirmation_id = '%s' AND version = %d",
             id, version);
    const char *name = xd_confirmation_state_names[hub_world_count(world, sql)];
    if (strcmp(name, expected) != 0) {
        fail_msg("%s version %d is %s, not %s", id, version, name, expected);
    }
}

static void assert_shipments(struct hub_world *world, int64_t shipments, int64_t reversals) {
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reverses = 0", shipments);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE reverses > 0", reversals);
}

/* All is done, and everything agrees. */
static void settles(struct hub_world *world) {
    world_quiet(world);
    assert_erp_agrees(world);
    assert_count(world, "SELECT count(*) FROM job WHERE state = 7", 0); /* nothing is held for ever */
}

static void assert_both_stocks(struct hub_world *world, const char *sku, const char *here, int64_t change) {
    char sql[128];
    assert_stock(world, "WH1", sku, here);
    snprintf(sql, sizeof sql, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = '%s'", sku);
    assert_ledger(world, sql, change);
}

/* ---- exact, short, over ---- */

/* One more shipment of the release, that of qty pieces. */
static void ships_again(struct hub_world *world, const char *release_id, const char *qty) {
    char text[512], id[32];
    snprintf(id, sizeof id, "C-of-%s", qty);
    says(world, id, 1, "SHIP", id, release_id, "", line(text, "WIDGET", qty, "EA", ""));
    settles(world);
}

static void ships_lot(struct hub_world *world, const char *release_id, const char *qty, const char *lot) {
    char text[512], id[32], more[64];
    snprintf(id, sizeof id, "C-lot-%s", qty);
    snprintf(more, sizeof more, ",\"lot\":\"%s\"", lot);
    says(world, id, 1, "SHIP", id, release_id, "", line(text, "WIDGET", qty, "EA", more));
    settles(world);
}

static void exact(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_status(world, 1, "SHIPPED");
    assert_both_stocks(world, "WIDGET", "90 0", -10);
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
    assert_int_equal(hub_world_difference(world), 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void short_backorder_allowed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", ",\"status\":\"BP\"");
    settles(world);
    assert_raised(world, "SHORT_BACKORDER", 1);
    assert_exceptions(world, "SHORT_BACKORDER", 0);
    assert_release(world, 1, 1, "WH1 SHORT_CLOSED NONE 1");
    assert_ledger(world, "SELECT sum(qty) FROM shipment_line", 6);
    assert_ledger(world, "SELECT closed FROM sale_line", 0);
}

static void short_without_a_status_stays_open(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    assert_release(world, 1, 1, "WH1 PART_SHIPPED NONE 1");
}

static void short_without_a_status_is_closed_where_the_setting_says_so(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->hub.config.policies.unshipped_means = XD_UNSHIPPED_CLOSED;
    ships(world, 1, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 6 4 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_ledger(world, "SELECT closed FROM sale_line", 1);
}

static void short_without_a_status_is_asked_about(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->hub.config.policies.unshipped_means = XD_UNSHIPPED_ASK;
    ships(world, 1, release_id, "6", "");
    settles(world);
    assert_exceptions(world, "SHORT_UNSTATED", 1);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    assert_int_equal(world_resolve(world, "SHORT_UNSTATED", "accept"), 200);
    settles(world);
    assert_line(world, 1, "1", "0 0 0 6 4 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_exceptions(world, "SHORT_UNSTATED", 0);
}

/* Each site for itself; the hub's policy is for those that do not say it. */
static void short_without_a_status_is_what_its_site_means(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->hub.config.policies.unshipped_means = XD_UNSHIPPED_CLOSED;
    world_put(world, "sites", "{\"site\":\"WH2\",\"unshipped_means\":\"ASK\"}");
    world_put(world, "sites", "{\"site\":\"WH1\",\"unshipped_means\":\"OPEN\"}");
    ships(world, 1, release_id, "6", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    world_put(world, "sites", "{\"site\":\"WH1\",\"unshipped_means\":\"ASK\"}");
    ships_again(world, release_id, "1");
    assert_exceptions(world, "SHORT_UNSTATED", 1);
    assert_line(world, 1, "1", "0 0 3 7 0 0 0");
    world_put(world, "sites", "{\"site\":\"WH1\"}");
    ships_again(world, release_id, "2");
    assert_line(world, 1, "1", "0 0 0 9 1 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
}

static void short_final(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", ",\"status\":\"CP\"");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 6 4 0 0");
    assert_raised(world, "SHORT_CLOSED", 1);
    assert_ledger(world, "SELECT closed FROM sale_line", 1);
    assert_both_stocks(world, "WIDGET", "94 0", -6);
}

static void a_status_that_contradicts_the_quantity_holds_the_remainder(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", ",\"status\":\"CC\"");
    settles(world);
    assert_exceptions(world, "STATUS_QTY_CONFLICT", 1);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    assert_int_equal(world_resolve(world, "STATUS_QTY_CONFLICT", "reject"), 409);
    assert_int_equal(world_resolve(world, "STATUS_QTY_CONFLICT", "retry"), 200);
    settles(world);
    assert_exceptions(world, "STATUS_QTY_CONFLICT", 0);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0"); /* the backorder went out again */
    assert_releases(world, 1, 2);
}

static void over_within_tolerance(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10.5", "");
    settles(world);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '10.5' AND unbilled = '0'", 1);
}

/* The exception of that code says so. */
static void assert_detail(struct hub_world *world, const char *code, const char *part) {
    char sql[400];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM exception WHERE code = '%s' AND instr(detail, '%s') > 0",
             code, part);
    assert_count(world, sql, 1);
}

static void over_beyond_tolerance(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "12", "");
    settles(world);
    assert_exceptions(world, "OVERSHIP", 1);
    assert_detail(world, "OVERSHIP", "Line 1, WIDGET: 12 EA; 2 EA beyond the 10 released. More was shipped");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '12' AND unbilled = '2'", 1);
    assert_both_stocks(world, "WIDGET", "88 0", -12);
}

static void over_what_went_to_another_release_says_so(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", ",\"status\":\"BACKORDER\"");
    settles(world);
    ships(world, 2, release_id, "7", "");
    settles(world);
    assert_detail(
        world, "OVERSHIP",
        "Line 1, WIDGET: 7 EA; 1 EA beyond the 10 released, of which 4 were not to come any more. More");
}

static void the_tolerance_is_the_tenants_where_it_has_one(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"over_tolerance_pct\":\"20\"}");
    ships(world, 1, release_id, "12", "");
    settles(world);
    assert_exceptions(world, "OVERSHIP", 0);
}

/* Ten of PO-1, whose tenant tolerates 20 percent; head: of the order. */
static struct hub_world *ten_tolerant(void **state, const char *head, char release_id[XD_ID_SIZE]) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    world_put(world, "tenants", "{\"tenant\":\"acme\",\"over_tolerance_pct\":\"20\"}");
    assert_int_equal(world_simple(world, 1, head, "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    return world;
}

static void the_tolerance_is_the_orders_own_where_it_says_one(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_tolerant(state, "\"over_pct\":\"50\",", release_id);
    ships(world, 1, release_id, "14", "");
    settles(world);
    assert_exceptions(world, "OVERSHIP", 0);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '14' AND unbilled = '0'", 1);
    ships_again(world, release_id, "2"); /* 6 of 10 over in all */
    assert_exceptions(world, "OVERSHIP", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '2' AND unbilled = '2'", 1);
}

static void an_order_that_tolerates_nothing_is_shipped_over_by_any_excess(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_tolerant(state, "\"over_pct\":\"0\",", release_id);
    ships(world, 1, release_id, "11", "");
    settles(world);
    assert_exceptions(world, "OVERSHIP", 1);
}

static void an_order_that_tolerates_more_than_can_be_counted_is_billed_in_full(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_tolerant(state, "\"over_pct\":\"999999999999999999\",", release_id);
    ships(world, 1, release_id, "1000", "");
    settles(world);
    assert_exceptions(world, "OVERSHIP", 0);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '1000' AND unbilled = '0'", 1);
}

/* ---- other items ---- */

#define INSTEAD ",\"original_sku\":\"WIDGET\""

static void says_gadget(struct hub_world *world, const char *release_id, const char *more) {
    char text[512];
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "", line(text, "GADGET", "10", "EA", more));
}

static void a_substitute_that_is_allowed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    world_stock(world, "WH1", "GADGET", "100");
    assert_int_equal(world_simple(world, 1, "\"substitution_policy\":\"ALLOW\",", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    says_gadget(world, release_id, INSTEAD);
    settles(world);
    assert_raised(world, "SUBSTITUTED", 1);
    assert_exceptions(world, "SUBSTITUTED", 0);
    assert_status(world, 1, "SHIPPED");
    assert_both_stocks(world, "GADGET", "90 0", -10);
    assert_stock(world, "WH1", "WIDGET", "100 0");
    assert_ledger(world, "SELECT unit_price FROM shipment_line WHERE sku = 'GADGET'", 1); /* its own */
    voids(world, "V-1", release_id);
    settles(world);
    assert_both_stocks(world, "GADGET", "100 0", 0);
    assert_stock(world, "WH1", "WIDGET", "100 10");
}

static void a_substitute_that_is_not_allowed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    says_gadget(world, release_id, INSTEAD);
    settles(world);
    assert_exceptions(world, "UNAUTHORISED_SUBSTITUTE", 1);
    assert_shipments(world, 0, 0);
    assert_int_equal(world_resolve(world, "UNAUTHORISED_SUBSTITUTE", "retry"), 409);
    assert_int_equal(world_resolve(world, "UNAUTHORISED_SUBSTITUTE", "accept"), 200);
    settles(world);
    assert_exceptions(world, "UNAUTHORISED_SUBSTITUTE", 0);
    assert_status(world, 1, "SHIPPED");
    assert_both_stocks(world, "GADGET", "90 0", -10);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE lines_applied = 1 AND lines_parked = 0", 1);
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
}

static void a_line_that_matches_nothing(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "",
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"},"
         "{\"line_id\":\"9\",\"sku\":\"WIDGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\"}");
    settles(world);
    assert_exceptions(world, "UNMATCHED_LINE", 1);
    assert_ledger(world, "SELECT sum(qty) FROM shipment_line", 10);
    assert_settled(world, "C-1", "LINES_PARKED");
    assert_int_equal(world_resolve(world, "UNMATCHED_LINE", "reject"), 200);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE lines_parked = 0 AND lines_rejected = 1", 1);
    assert_exceptions(world, "UNMATCHED_LINE", 0);
}

static void an_item_that_the_site_calls_otherwise(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "", line(text, "W-OLD", "10", "EA", ""));
    settles(world);
    assert_exceptions(world, "UNMATCHED_LINE", 1);
    world_put(world, "products", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"aliases\":[\"W-OLD\"]}");
    settles(world);
    assert_exceptions(world, "UNMATCHED_LINE", 0); /* by itself */
    assert_status(world, 1, "SHIPPED");
}

/* ---- several, twice, corrected ---- */

static void several_shipments_of_one_release(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "4", "");
    says(world, "C-2", 1, "SHIP", "S-2", release_id, "", line(text, "WIDGET", "6", "EA", ""));
    settles(world);
    assert_shipments(world, 2, 0);
    assert_status(world, 1, "SHIPPED");
    voids(world, "V-1", release_id); /* the first of them never happened */
    settles(world);
    assert_shipments(world, 2, 1);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
}

static void a_duplicate_is_ignored(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_shipments(world, 1, 0);
    assert_count(world, "SELECT count(*) FROM confirmation", 1);
}

static void the_same_version_with_other_content_is_parked(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    ships(world, 1, release_id, "9", "");
    settles(world);
    assert_exceptions(world, "CONFLICTING_CONFIRMATION", 1);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
}

static void a_correction_of_the_carrier_is_patched(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    says(world, "C-1", 2, "SHIP", "S-1", release_id, CARRIER, line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_shipments(world, 1, 0);
    assert_state(world, "C-1", 1, "SUPERSEDED");
    assert_state(world, "C-1", 2, "POSTED");
    assert_step(world, 1, "confirmation.patched", 1);
    voids(world, "V-1", release_id); /* undoes the posting of the first version */
    settles(world);
    assert_shipments(world, 1, 1);
    assert_state(world, "C-1", 2, "REVERSED");
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
}

static void never_answers(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    *plan = (struct call_plan){.lands_ms = call->find ? 0 : 400, .answers_ms = call->find ? 0 : 500};
}

static void a_correction_of_the_carrier_comes_while_the_erp_is_called(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    world->plan = never_answers;
    ships(world, 1, release_id, "10", "");
    says(world, "C-1", 2, "SHIP", "S-1", release_id, CARRIER, line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_shipments(world, 1, 0);
    assert_state(world, "C-1", 1, "SUPERSEDED");
    assert_state(world, "C-1", 2, "POSTED");
    assert_count(world, "SELECT fate_version FROM confirmation WHERE version = 1", 1); /* it is told so */
}

static void a_correction_of_the_quantity_reverses_and_reposts(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    ships(world, 2, release_id, "8", ",\"status\":\"CP\"");
    settles(world);
    assert_shipments(world, 2, 1);
    assert_line(world, 1, "1", "0 0 0 8 2 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_both_stocks(world, "WIDGET", "92 0", -8);
    assert_state(world, "C-1", 1, "SUPERSEDED");
    assert_state(world, "C-1", 2, "POSTED");
    assert_int_equal(hub_world_difference(world), 0);
    ships(world, 3, release_id, "9", ",\"status\":\"CP\"");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 9 1 0 0");
    assert_shipments(world, 3, 2);
}

static void a_correction_of_the_lot_reverses_and_reposts(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", ",\"lot\":\"L1\"");
    ships(world, 2, release_id, "10", ",\"lot\":\"L2\"");
    settles(world);
    assert_shipments(world, 2, 1);
    assert_ledger(world,
                  "SELECT sum(qty) FROM shipment s JOIN shipment_line l ON l.shipment = s.number"
                  " WHERE lot = 'L1'",
                  0);
    assert_ledger(world,
                  "SELECT sum(qty) FROM shipment s JOIN shipment_line l ON l.shipment = s.number"
                  " WHERE lot = 'L2'",
                  10);
}

/* The first posting, its reversal and the new one are one after the other, however slow the ERP is. */
static void a_correction_waits_for_what_it_corrects(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->plan = never_answers;
    ships(world, 1, release_id, "10", "");
    ships(world, 2, release_id, "7", "");
    ships(world, 3, release_id, "8", "");
    settles(world);
    assert_shipments(world, 3, 2);
    assert_line(world, 1, "1", "0 0 2 8 0 0 0");
    assert_ledger(
        world,
        "SELECT group_concat(l.qty, ' ') = '10 -10 7 -7 8' FROM (SELECT qty FROM shipment_line ORDER BY "
        "shipment) l",
        1);
}

static void versions_that_come_out_of_order(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 3, release_id, "10", "");
    ships(world, 1, release_id, "4", "");
    ships(world, 2, release_id, "5", "");
    settles(world);
    assert_shipments(world, 1, 0);
    assert_state(world, "C-1", 1, "SUPERSEDED");
    assert_state(world, "C-1", 2, "SUPERSEDED");
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void a_correction_of_what_the_erp_refused(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'OTHER'");
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'WIDGET'");
    ships(world, 2, release_id, "8", "");
    settles(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_shipments(world, 1, 0);
    assert_line(world, 1, "1", "0 0 2 8 0 0 0");
}

/* What the second version should have undone still stands in the ERP when the third one comes. */
static void a_correction_whose_reversal_the_erp_refused_is_corrected_again(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    (void)hub_world_ledger(world, "UPDATE shipment SET reference = 'away'");
    ships(world, 2, release_id, "8", "");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    ships(world, 3, release_id, "9", "");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    char sql[160];
    (void)snprintf(sql, sizeof sql, "UPDATE shipment SET reference = 'WH1/C-1/1/%s'", release_id);
    (void)hub_world_ledger(world, sql);
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    settles(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_state(world, "C-1", 3, "POSTED");
    assert_line(world, 1, "1", "0 0 1 9 0 0 0");
}

static void a_posting_that_the_erp_refused_is_tried_again(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'OTHER'");
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'WIDGET'");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    settles(world);
    assert_shipments(world, 1, 0);
    assert_state(world, "C-1", 1, "POSTED");
}

static void what_is_left_of_a_refused_posting_is_posted(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'OTHER'");
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'WIDGET'");
    takes_back(world, "B-1", release_id, "4");
    settles(world);
    assert_shipments(world, 1, 0);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
    assert_state(world, "C-1", 1, "POSTED");
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0); /* it was about what is not to be posted any more */
}

static void what_is_left_of_a_refused_posting_is_refused(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'OTHER'");
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    takes_back(world, "B-1", release_id, "4");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'WIDGET'");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    settles(world);
    assert_state(world, "C-1", 1, "POSTED");
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
}

/* PO-1's ten and PO-2's five leave in one shipment; the ERP refuses what it has of those that `where` says.
 */
static struct hub_world *two_leave(void **state, const char *where, char second[XD_ID_SIZE]) {
    char first[XD_ID_SIZE], ids[128], lines[400], sql[160];
    struct hub_world *world = ten(state, first);
    assert_int_equal(world_simple(world, 2, "", "5"), 202);
    world_quiet(world);
    world_release_id(world, 2, 1, second);
    (void)snprintf(sql, sizeof sql, "UPDATE sale_line SET sku = 'OTHER' WHERE %s", where);
    (void)hub_world_ledger(world, sql);
    (void)snprintf(ids, sizeof ids, "%s\",\"%s", first, second);
    (void)snprintf(
        lines, sizeof lines,
        "{\"release_id\":\"%s\",\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"},"
        "{\"release_id\":\"%s\",\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\"}",
        first, second);
    says(world, "C-1", 1, "SHIP", "S-1", ids, "", lines);
    world_quiet(world);
    assert_state(world, "C-1", 1, "APPLIED");
    return world;
}

static void one_of_two_refused_postings_is_taken_back(void **state) {
    char second[XD_ID_SIZE];
    struct hub_world *world = two_leave(state, "1 = 1", second);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 2);
    takes_back(world, "B-1", second, "5");
    world_quiet(world);
    assert_line(world, 2, "1", "0 0 5 0 0 0 0");
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1); /* of the other one */
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'WIDGET'");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_SHIPMENT", "retry"), 200);
    settles(world);
    assert_state(world, "C-1", 1, "POSTED");
    assert_shipments(world, 1, 0);
}

static void the_refused_one_of_two_postings_is_taken_back(void **state) {
    char second[XD_ID_SIZE];
    struct hub_world *world = two_leave(state, "qty = '5'", second);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    takes_back(world, "B-1", second, "5");
    settles(world);
    assert_state(world, "C-1", 1, "POSTED");
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_shipments(world, 1, 0);
}

/* A confirmation of the same id, that was refused too, is another matter. */
static void an_adjustment_that_the_erp_refused_is_tried_again(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    struct world_site *site = &world->sites[0];
    (void)hub_world_ledger(world, "UPDATE sale_line SET sku = 'OTHER'");
    ships(world, 1, release_id, "10", "");
    hub_world_wms(site, "inventory",
                  "{\"advice_id\":\"C-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"GIZMO\",\"qty\":\"1\","
                  "\"uom\":\"EA\",\"reason\":\"FOUND\"}]}");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1);
    assert_int_equal(world_resolve(world, "ERP_REJECTED_ADJUSTMENT", "retry"), 200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1); /* the product is still unknown there */
    assert_int_equal(hub_world_ledger(world, "SELECT count(*) FROM stock WHERE sku = 'GIZMO'"), 0);
    (void)hub_world_ledger(world, "INSERT INTO product(sku, description, uom, active, lot_tracked) "
                                  "VALUES('GIZMO', 'Gizmo', 'EA', 1, 0)");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_ADJUSTMENT", "retry"), 200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 0);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    assert_int_equal(hub_world_ledger(world, "SELECT count(*) FROM stock WHERE sku = 'GIZMO' AND qty = '1'"),
                     1);
    assert_heard(site, "settled", "C-1",
                 "\"document\":\"inventory\",\"document_version\":1,\"version\":4,"
                 "\"outcome\":\"posted\"");
}

/* ---- the ERP's day ---- */

static void shipped_in_a_closed_period(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    (void)hub_world_ledger(world, "INSERT INTO period VALUES(1, '2026-11-30')");
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_raised(world, "PERIOD_CLOSED", 1);
    assert_exceptions(world, "PERIOD_CLOSED", 0);
    assert_count(world,
                 "SELECT count(*) FROM exception WHERE code = 'PERIOD_CLOSED' AND detail LIKE "
                 "'%2026-12-01%'",
                 1);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE shipped_at < dated",
                  1); /* keeps the true one */
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
}

/* ---- releases ---- */

static void an_unknown_release_parks_until_it_comes_or_somebody_is_told(void **state) {
    struct hub_world *world = *state;
    ships(world, 1, "RNOBODYKNOWSTHIS00", "10", "");
    world_quiet(world);
    assert_exceptions(world, "UNKNOWN_RELEASE", 1);
    assert_exceptions(world, "UNKNOWN_RELEASE_OVERDUE", 0);
    world->now.monotonic += 3600000;
    world->now.wall += 3600000;
    hub_world_run(world, 2000);
    assert_exceptions(world, "UNKNOWN_RELEASE_OVERDUE", 1);
    assert_int_equal(world_resolve(world, "UNKNOWN_RELEASE_OVERDUE", "retry"), 409);
    assert_int_equal(world_resolve(world, "UNKNOWN_RELEASE_OVERDUE", "accept"), 200);
    assert_exceptions(world, "UNKNOWN_RELEASE", 1); /* it still waits */
    assert_exceptions(world, "UNKNOWN_RELEASE_OVERDUE", 0);
    assert_int_equal(world_resolve(world, "UNKNOWN_RELEASE", "reject"), 200);
    world_quiet(world);
    assert_state(world, "C-1", 1, "REJECTED");
    assert_settled(world, "C-1", "\"outcome\":\"rejected\"");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void an_unknown_release_is_told_of_after_the_time_of_the_policy(void **state) {
    struct hub_world *world = *state;
    world->hub.config.unknown_release_ms = 4 * XD_HOUR_MS;
    ships(world, 1, "RNOBODYKNOWSTHIS00", "10", "");
    world_quiet(world);
    world->now.monotonic += 3 * XD_HOUR_MS;
    world->now.wall += 3 * XD_HOUR_MS;
    hub_world_run(world, 2000);
    assert_exceptions(world, "UNKNOWN_RELEASE_OVERDUE", 0);
    world->now.monotonic += XD_HOUR_MS;
    world->now.wall += XD_HOUR_MS;
    hub_world_run(world, 2000);
    assert_exceptions(world, "UNKNOWN_RELEASE_OVERDUE", 1);
}

/* The hub goes back to before the order, and gets its release back from the site. */
static void an_unknown_release_resumes_by_itself(void **state) {
    char release_id[XD_ID_SIZE], key[32] = "key-1";
    struct hub_world *world = *state;
    char text[ORDER_TEXT_SIZE], part[256];
    hub_world_copy(world);
    world->sites[0].online = false;
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    hub_world_run(world, 1000);
    world_release_id(world, 1, 1, release_id);
    hub_world_restore(world);
    world->sites[0].online = true;
    ships(world, 1, release_id, "10", "");
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
    assert_exceptions(world, "UNKNOWN_RELEASE", 1);
    world_order_text(1, "", world_line("1", "WIDGET", "10", "EA", part), text);
    assert_int_equal(hub_world_order(world, key, text), 202);
    settles(world);
    assert_exceptions(world, "UNKNOWN_RELEASE", 0);
    assert_status(world, 1, "SHIPPED");
}

static void before_the_release_was_acknowledged(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "4", "");
    settles(world);
    assert_raised(world, "ACK_INFERRED", 1);
    assert_exceptions(world, "ACK_INFERRED", 0);
}

static void cancel_requested_and_not_yet_shipped(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    settles(world);
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 2"); /* the site answers */
    assert_shipments(world, 0, 0);
    world->now.monotonic += 2 * 3600000;
    world->now.wall += 2 * 3600000;
    hub_world_run(world, 3000);
    assert_exceptions(world, "CANCEL_PENDING", 1);
    world_answer(world, 1, 1, 2, "CANCEL_ACCEPTED");
    settles(world);
    assert_exceptions(world, "CANCEL_PENDING", 0);
    assert_status(world, 1, "CANCELLED");
}

static void shipped_while_the_cancel_was_pending(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 1); /* stays open until a return is agreed on */
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_shipments(world, 1, 0);
    assert_int_equal(world_resolve(world, "SHIPPED_AFTER_CANCEL", "accept"), 200);
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 0);
}

static void shipped_after_cancel_and_taken_back_is_cancelled(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_answer(world, 1, 1, 1, "ACKNOWLEDGED");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    voids(world, "V-1", release_id);
    world_quiet(world);
    assert_line(world, 1, "1", "0 0 0 0 10 0 0");
    assert_status(world, 1, "CANCELLED");
    assert_both_stocks(world, "WIDGET", "100 0", 0);
    assert_exceptions(world, "SHIPPED_AFTER_CANCEL", 0);
}

/* ---- units, lots, serial numbers, totals ---- */

/* It was never asked for these: they had shipped when the order was cancelled. */
static void shipped_before_the_cancel_and_taken_back_is_asked_for(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "4", "");
    settles(world);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    settles(world);
    world_answer(world, 1, 1, 2, "CANCEL_REFUSED");
    settles(world);
    voids(world, "V-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_release(world, 1, 1, "WH1 ACKED REQUESTED 3");
    world_answer(world, 1, 1, 3, "CANCEL_ACCEPTED");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 0 10 0 0");
    assert_status(world, 1, "CANCELLED");
    assert_shipments(world, 1, 1);
}

static void another_unit_that_converts_exactly(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"BOX\",\"num\":5}]}");
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "", line(text, "WIDGET", "2", "BOX", ""));
    settles(world);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_both_stocks(world, "WIDGET", "90 0", -10);
}

static void another_unit_that_does_not_convert_resumes_when_its_factor_comes(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "", line(text, "WIDGET", "2", "BOX", ""));
    settles(world);
    assert_exceptions(world, "UOM_MISMATCH", 1);
    assert_shipments(world, 0, 0);
    assert_state(world, "C-1", 1, "PARKED");
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"BOX\",\"num\":1,\"den\":3}]}");
    settles(world);
    assert_exceptions(world, "UOM_MISMATCH", 1); /* two thirds are no decimal */
    assert_raised(world, "UOM_MISMATCH", 1);
    assert_int_equal(world_resolve(world, "UOM_MISMATCH", "retry"), 409);
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"BOX\",\"num\":5}]}");
    settles(world);
    assert_exceptions(world, "UOM_MISMATCH", 0);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_state(world, "C-1", 1, "POSTED");
    assert_count(world, "SELECT count(*) FROM parked_line", 0);
}

/* PO-1: ten cases of twelve at 24.00, released. */
static struct hub_world *ten_cases(void **state, char release_id[XD_ID_SIZE]) {
    struct hub_world *world = *state;
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":12}]}");
    world_stock(world, "WH1", "WIDGET", "1000");
    assert_int_equal(world_order(world, 1, "\"preferred_site\":\"WH1\",",
                                 "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"10\",\"uom\":"
                                 "\"CS\",\"unit_price\":\"24.00\"}"),
                     202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    return world;
}

static void ships_of_cases(struct hub_world *world, const char *id, const char *release_id, const char *qty,
                           const char *uom, const char *more) {
    char text[512];
    says(world, id, 1, "SHIP", id, release_id, "", line(text, "WIDGET", qty, uom, more));
    settles(world);
}

static void pieces_of_a_case_are_compared_in_base_units(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", "");
    assert_exceptions(world, "UOM_MISMATCH", 0);
    assert_line(world, 1, "1", "0 0 115 5 0 0 0");
    assert_count(world, "SELECT count(*) FROM order_line WHERE uom = 'EA' AND ordered_uom = 'CS'", 1);
    assert_both_stocks(world, "WIDGET", "995 115", -5);
    assert_ledger(world,
                  "SELECT count(*) FROM shipment_line WHERE qty = '5' AND uom = 'EA' AND base_qty = '5'", 1);
    ships_of_cases(world, "C-2", release_id, "115", "EA", "");
    assert_line(world, 1, "1", "0 0 0 120 0 0 0");
    assert_status(world, 1, "SHIPPED");
    assert_int_equal(hub_world_difference(world), 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

/* The WMS goes on in cases, of which it knows nothing else, although the product is sold in others by now. */
static void cases_count_by_their_frozen_factor_after_pieces_too(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", "");
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"uoms\":[{\"uom\":\"CS\",\"num\":10}]}");
    ships_of_cases(world, "C-2", release_id, "9", "CS", "");
    assert_line(world, 1, "1", "0 0 7 113 0 0 0");
    ships_of_cases(world, "C-3", release_id, "7", "EA", "");
    assert_status(world, 1, "SHIPPED");
    assert_ledger(world, "SELECT sum(base_qty) FROM shipment_line", 120);
}

static void pieces_that_are_short_are_a_backorder_of_pieces(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", ",\"status\":\"BP\"");
    assert_raised(world, "SHORT_BACKORDER", 1);
    assert_line(world, 1, "1", "0 0 115 5 0 0 0"); /* the backorder went out again */
    assert_releases(world, 1, 2);
    assert_heard(&world->sites[0], "release", "\"split\":{\"n\":2", "\"qty\":\"115\",\"uom\":\"EA\"");
}

static void pieces_that_are_short_for_good_close_the_line(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "113", "EA", ",\"status\":\"CP\"");
    assert_line(world, 1, "1", "0 0 0 113 7 0 0");
    assert_status(world, 1, "CLOSED_SHORT");
    assert_ledger(world, "SELECT closed FROM sale_line", 1);
    assert_both_stocks(world, "WIDGET", "887 0", -113);
}

static void pieces_beyond_the_cases_are_an_overshipment_of_pieces(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "127", "EA", "");
    assert_exceptions(world, "OVERSHIP", 1);
    assert_line(world, 1, "1", "0 0 0 120 0 0 0");
    assert_count(world, "SELECT count(*) FROM order_line WHERE overshipped = '7'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '127' AND unbilled = '7'", 1);
}

static void pieces_that_are_whole_cases_are_cases(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "24", "EA", "");
    assert_line(world, 1, "1", "0 0 8 2 0 0 0");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '2' AND uom = 'CS'", 1);
}

static void lots_of_pieces_in_a_case(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten_cases(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id,
         ",\"cartons\":[{\"sscc\":\"1\",\"contents\":[{\"line_id\":\"1\",\"qty\":\"5\",\"lot\":\"A\"},"
         "{\"line_id\":\"1\",\"qty\":\"7\",\"lot\":\"B\"}]}]",
         line(text, "WIDGET", "12", "EA", ""));
    settles(world);
    assert_line(world, 1, "1", "0 0 108 12 0 0 0");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '5' AND lot = 'A'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '7' AND lot = 'B'", 1);
}

/* Two cases, then pieces: what was posted in cases is undone in cases, and counts in pieces. */
static void cases_are_taken_back_after_pieces(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "2", "CS", "");
    ships_of_cases(world, "C-2", release_id, "5", "EA", "");
    assert_line(world, 1, "1", "0 0 91 29 0 0 0");
    says(world, "C-3", 1, "VOID", "C-1", release_id, "", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 115 5 0 0 0");
    assert_both_stocks(world, "WIDGET", "995 115", -5);
    ships_of_cases(world, "C-4", release_id, "1", "CS", "");
    says(world, "C-5", 1, "REVERSAL", "C-4", release_id, "", line(text, "WIDGET", "3", "EA", ""));
    settles(world);
    assert_line(world, 1, "1", "0 0 106 14 0 0 0");
    assert_both_stocks(world, "WIDGET", "986 106", -14);
}

static void pieces_of_a_case_are_taken_back(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "2", "CS", ",\"status\":\"BP\"");
    says(world, "C-2", 1, "REVERSAL", "C-1", release_id, "", line(text, "WIDGET", "5", "EA", ""));
    settles(world);
    assert_line(world, 1, "1", "0 0 101 19 0 0 0");
    assert_ledger(world, "SELECT sum(base_qty) FROM shipment_line", 19);
    says(world, "C-3", 1, "VOID", "C-1", release_id, "", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 120 0 0 0 0");
}

/* Who speaks of the order does so in what was ordered, or says otherwise. */
static void an_order_that_counts_in_pieces_is_changed_in_cases(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", ",\"status\":\"BP\"");
    assert_int_equal(
        world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"3\",\"uom\":\"BOX\"}]}"), 422);
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"2\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    settles(world);
    assert_line(world, 1, "1", "0 0 91 5 24 0 0");
    assert_int_equal(
        world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"25\",\"uom\":\"EA\"}]}"), 202);
    world_quiet(world);
    world_answer(world, 1, 2, 3, "CANCEL_ACCEPTED");
    settles(world);
    assert_line(world, 1, "1", "0 0 90 5 25 0 0");
}

static void an_order_that_counts_in_pieces_is_revised_in_cases(void **state) {
    char release_id[XD_ID_SIZE], text[ORDER_TEXT_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", "");
    world_order_text(1, "\"preferred_site\":\"WH1\",",
                     "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"12\",\"uom\":\"CS\","
                     "\"unit_price\":\"24.00\"}",
                     text);
    assert_int_equal(world_revise(world, 1, "\"1\"", text), 202);
    settles(world);
    assert_line(world, 1, "1", "0 0 139 5 0 0 0");
    assert_int_equal(world_revise(world, 1, "\"2\"", text), 202); /* the same again is so already */
    settles(world);
    assert_count(world, "SELECT revision FROM orders", 2);
    assert_sale(world, 1, "1", "144 24 5");
}

/* The site has been told of cases, and answers in them. */
static void a_site_answers_in_the_unit_that_it_was_told(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten_cases(state, release_id);
    ships_of_cases(world, "C-1", release_id, "5", "EA", "");
    world_answer_line(world, 1, 1, 1, "REJECTED", "1", "2");
    settles(world);
    assert_count(world, "SELECT count(*) FROM release_line WHERE closed = '24'", 1);
}

static void several_lots(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id,
         ",\"cartons\":[{\"sscc\":\"1\",\"contents\":[{\"line_id\":\"1\",\"qty\":\"3\",\"lot\":\"A\"},"
         "{\"line_id\":\"1\",\"qty\":\"5\",\"lot\":\"B\"}]},{\"sscc\":\"2\",\"contents\":[{\"line_id\":\"1\","
         "\"qty\":\"2\",\"lot\":\"A\"}]}]",
         line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_shipments(world, 1, 0);
    assert_ledger(world, "SELECT sum(qty) FROM shipment_line WHERE lot = 'A'", 5);
    assert_ledger(world, "SELECT sum(qty) FROM shipment_line WHERE lot = 'B'", 5);
}

static void several_lots_line_by_line(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    says(
        world, "C-1", 1, "SHIP", "S-1", release_id, "",
        "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"4\",\"uom\":\"EA\",\"lot\":\"A\",\"status\":"
        "\"CP\"},{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\",\"lot\":\"B\","
        "\"status\":\"CP\"}");
    settles(world);
    assert_line(world, 1, "1", "0 0 0 9 1 0 0");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE lot <> ''", 2);
}

static void a_lot_that_is_recalled(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", ",\"status\":\"RI\",\"lot\":\"L1\"");
    settles(world);
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 1);
    assert_detail(world, "RECALLED_LOT_SHIPPED",
                  "Line 1, WIDGET: 10 EA, lot L1; status RI. A lot was shipped");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '10' AND unbilled = '10'", 1);
    assert_both_stocks(world, "WIDGET", "90 0", -10);
}

/* Nobody at the site knows of it: the reference data does. Another product's lots are its own. */
static void a_lot_that_the_reference_data_names_as_recalled(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world_put(world, "products",
              "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"recalled_lots\":[\"L1\",\"L 2\"]}");
    world_put(world, "products",
              "{\"sku\":\"GADGET\",\"base_uom\":\"EA\",\"recalled_lots\":[\"L1\",\"L3\"]}");
    ships(world, 1, release_id, "4", ",\"lot\":\"L3\"");
    settles(world);
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 0);
    ships_lot(world, release_id, "2", "L 2");
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 1);
    assert_detail(world, "RECALLED_LOT_SHIPPED", "Line 1, WIDGET: 2 EA, lot L 2; lot L 2 is recalled. ");
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '2' AND unbilled = '2'", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment_line WHERE qty = '4' AND unbilled = '0'", 1);
    assert_both_stocks(world, "WIDGET", "94 4", -6);
    world_put(world, "products", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\"}"); /* not any more */
    ships_lot(world, release_id, "1", "L1");
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 1);
}

static void a_recalled_lot_in_a_carton(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    world_put(world, "products", "{\"sku\":\"WIDGET\",\"base_uom\":\"EA\",\"recalled_lots\":[\"B\"]}");
    says(world, "C-1", 1, "SHIP", "S-1", release_id,
         ",\"cartons\":[{\"contents\":[{\"line_id\":\"1\",\"qty\":\"7\",\"lot\":\"A\"},{\"line_id\":\"1\","
         "\"qty\":\"3\",\"lot\":\"B\"}]}]",
         line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 1);
    assert_detail(world, "RECALLED_LOT_SHIPPED",
                  "Line 1, WIDGET: 10 EA, lots A (7 EA), B (3 EA); lot B is recalled. ");
    assert_ledger(world, "SELECT sum(unbilled) FROM shipment_line", 10);
}

static void a_lot_that_had_expired(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id,
         ",\"cartons\":[{\"contents\":[{\"line_id\":\"1\",\"qty\":\"10\",\"lot\":\"A\",\"expiry\":\"2026-11-"
         "22\"}"
         "]}]",
         line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_exceptions(world, "RECALLED_LOT_SHIPPED", 1);
    assert_detail(world, "RECALLED_LOT_SHIPPED", "lots A (10 EA); lot A is expired. ");
    assert_ledger(world, "SELECT unbilled FROM shipment_line", 10);
}

static void serials(void **state, const char *cartons, int64_t expected) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = *state;
    assert_int_equal(
        world_order(world, 1, "",
                    "{\"external_line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"2\",\"uom\":\"EA\","
                    "\"unit_price\":\"1\",\"serial_required\":true}"),
        202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, cartons, line(text, "WIDGET", "2", "EA", ""));
    settles(world);
    assert_exceptions(world, "SERIAL_MISMATCH", expected);
    assert_status(world, 1, "SHIPPED"); /* the quantity counts in any case */
    assert_shipments(world, 1, 0);
}

#define CONTENTS(serials)                                                                                    \
    ",\"cartons\":[{\"contents\":[{\"line_id\":\"1\",\"qty\":\"2\",\"serials\":[" serials "]}]}]"

static void serial_numbers_that_fit(void **state) {
    serials(state, CONTENTS("\"A\",\"B\""), 0);
}

static void serial_numbers_that_are_missing(void **state) {
    serials(state, CONTENTS("\"A\""), 1);
}

static void serial_numbers_that_are_repeated(void **state) {
    serials(state, CONTENTS("\"A\",\"A\""), 1);
}

static void serial_numbers_that_nobody_named(void **state) {
    serials(state, "", 1);
}

static void control_totals_that_fail(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, ",\"control_totals\":{\"lines\":1,\"qty\":\"11\"}",
         line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_exceptions(world, "HASH_TOTAL", 1);
    assert_shipments(world, 0, 0);
    assert_settled(world, "C-1", "HASH_TOTAL");
    assert_int_equal(world_resolve(world, "HASH_TOTAL", "retry"), 409);
    assert_int_equal(world_resolve(world, "HASH_TOTAL", "accept"), 200);
    settles(world);
    assert_exceptions(world, "HASH_TOTAL", 0);
    assert_status(world, 1, "SHIPPED");
}

static void control_totals_that_hold(void **state) {
    char release_id[XD_ID_SIZE], text[512];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id,
         ",\"control_totals\":{\"lines\":\"1\",\"qty\":\"10.0\",\"cartons\":0,\"other\":true}",
         line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_status(world, 1, "SHIPPED");
}

/* ---- taken back ---- */

static void a_void_undoes_the_whole_shipment(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", ",\"status\":\"CP\"");
    settles(world);
    assert_status(world, 1, "CLOSED_SHORT");
    voids(world, "V-1", release_id);
    settles(world);
    assert_shipments(world, 1, 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0"); /* also what it had closed */
    assert_status(world, 1, "IN_FULFILMENT");
    assert_release(world, 1, 1, "WH1 ACKED NONE 1");
    assert_both_stocks(world, "WIDGET", "100 10", 0);
    assert_raised(world, "REVERSED", 1);
    assert_exceptions(world, "REVERSED", 0);
    assert_state(world, "C-1", 1, "REVERSED");
    assert_state(world, "V-1", 1, "POSTED");
    assert_settled(world, "C-1", "REVERSED");
    assert_settled(world, "V-1", "\"outcome\":\"posted\"");
    assert_step(world, 1, "confirmation.reversed", 1);
    assert_step(world, 1, "reversal.posted", 1);
    voids(world, "V-2", release_id); /* once more: nothing is left */
    settles(world);
    assert_shipments(world, 1, 1);
    char text[512];
    says(world, "C-2", 1, "SHIP", "S-2", release_id, "", line(text, "WIDGET", "10", "EA", ""));
    settles(world);
    assert_status(world, 1, "SHIPPED");
    assert_both_stocks(world, "WIDGET", "90 0", -10);
    assert_int_equal(hub_world_difference(world), 1 - 1);
}

static void a_void_of_a_version_of_itself(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    says(world, "C-1", 2, "VOID", NULL, release_id, ",\"supersedes\":1", "");
    settles(world);
    assert_shipments(world, 1, 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    ships(world, 3, release_id, "9", "");
    settles(world);
    assert_line(world, 1, "1", "0 0 1 9 0 0 0");
}

static void a_void_that_comes_before_its_shipment_waits_for_it(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    voids(world, "V-1", release_id);
    settles(world);
    assert_exceptions(world, "UNKNOWN_SHIPMENT", 1);
    assert_int_equal(world_resolve(world, "UNKNOWN_SHIPMENT", "retry"), 409);
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_exceptions(world, "UNKNOWN_SHIPMENT", 0);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_shipments(world, 1, 1);
    assert_state(world, "V-1", 1, "POSTED");
}

static void a_void_of_a_confirmation_that_is_parked(void **state) {
    struct hub_world *world = *state;
    ships(world, 1, "RNOBODYKNOWSTHIS00", "10", "");
    world_quiet(world);
    voids(world, "V-1", "RNOBODYKNOWSTHIS00");
    world_quiet(world);
    assert_state(world, "C-1", 1, "REVERSED");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void a_reversal_of_a_line_in_full(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    takes_back(world, "B-1", release_id, "10");
    settles(world);
    assert_shipments(world, 1, 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_raised(world, "REVERSED", 1);
    assert_state(world, "C-1", 1, "REVERSED");
    assert_state(world, "B-1", 1, "POSTED");
}

static void a_reversal_of_a_part_reposts_what_is_left(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "10", "");
    settles(world);
    takes_back(world, "B-1", release_id, "3");
    settles(world);
    assert_shipments(world, 2, 1);
    assert_line(world, 1, "1", "0 0 3 7 0 0 0");
    assert_both_stocks(world, "WIDGET", "93 3", -7);
    assert_state(world, "C-1", 1, "POSTED");
    takes_back(world, "B-2", release_id, "7");
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_both_stocks(world, "WIDGET", "100 10", 0);
    takes_back(world, "B-3", release_id, "1");
    settles(world);
    assert_exceptions(world, "UNKNOWN_SHIPMENT", 1); /* nothing is left to take back */
}

static void a_line_that_is_reversed_beside_one_that_ships(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "6", "");
    settles(world);
    says(world, "C-2", 1, "SHIP", "S-2", release_id, ",\"reporting\":\"EXCEPTIONS\"",
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"6\",\"uom\":\"EA\",\"reversal\":true},"
         "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"}");
    settles(world);
    assert_shipments(world, 2, 1);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void an_overshipment_that_is_taken_back(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "12", "");
    settles(world);
    voids(world, "V-1", release_id);
    settles(world);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_exceptions(world, "OVERSHIP", 0);
    assert_count(world, "SELECT count(*) FROM order_line WHERE overshipped <> '0'", 0);
    assert_both_stocks(world, "WIDGET", "100 10", 0);
}

static void a_shipment_is_taken_back_while_the_erp_has_not_got_it(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->plan = never_answers;
    ships(world, 1, release_id, "10", "");
    voids(world, "V-1", release_id);
    settles(world);
    assert_shipments(world, 1, 1);
    assert_line(world, 1, "1", "0 0 10 0 0 0 0");
    assert_state(world, "C-1", 1, "REVERSED");
}

static void what_is_open_again_counts_against_the_customers_limit(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = *state;
    world_put(world, "customers", "{\"code\":\"CUST-1\",\"credit_limit\":\"100\",\"currency\":\"EUR\"}");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    assert_exposure(world, "CUST-1", "25");
    ships(world, 1, release_id, "10", "");
    settles(world);
    assert_exposure(world, "CUST-1", "0");
    voids(world, "V-1", release_id);
    settles(world);
    assert_exposure(world, "CUST-1", "25");
}

#define ROW_OF_TWO(test) cmocka_unit_test_setup_teardown(test, world_two_sites, hub_world_teardown)
#define ROW(test) cmocka_unit_test_setup_teardown(test, hub_world_setup, hub_world_teardown)

/* ---- replay ---- */

#define EDIT_SIZE 2048

/* The document of the exception as `document` says, because of a typing error. */
static unsigned world_edit(struct hub_world *world, const char *id, const char *document,
                           const char *expected) {
    char body[EDIT_SIZE];
    int size =
        snprintf(body, sizeof body, "{\"exceptions\":[\"%s\"],\"reason\":\"a typing error\",\"document\":%s}",
                 id, document);
    assert_true(size > 0 && (size_t)size < sizeof body);
    unsigned status = world_replay(world, body, expected);
    world_quiet(world);
    return status;
}

static unsigned edits_of(struct hub_world *world, const char *id, const char *document,
                         const char *expected) {
    unsigned status = world_edit(world, id, document, expected);
    settles(world);
    return status;
}

/* The same of the oldest open exception of that code. */
static unsigned edits(struct hub_world *world, const char *code, const char *document, const char *expected) {
    char sql[160], id[256];
    snprintf(sql, sizeof sql, "SELECT id FROM exception WHERE open = 1 AND code = '%s' ORDER BY n LIMIT 1",
             code);
    world_query(world, sql, id);
    return edits_of(world, id, document, expected);
}

static const char *edited(char out[EDIT_SIZE], const char *release_id, const char *members,
                          const char *lines) {
    int size =
        snprintf(out, EDIT_SIZE,
                 "{\"confirmation_id\":\"C-1\",\"version\":1,\"kind\":\"SHIP\",\"shipment_id\":\"S-1\","
                 "\"release_ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\"%s,\"lines\":[%s]}",
                 release_id, members, lines);
    assert_true(size > 0 && size < EDIT_SIZE);
    return out;
}

static void a_parked_document_is_edited_and_replayed(void **state) {
    char release_id[XD_ID_SIZE], text[512], document[EDIT_SIZE];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, ",\"control_totals\":{\"qty\":\"10\"}",
         line(text, "WIDGET", "1", "EA", ""));
    settles(world);
    assert_exceptions(world, "HASH_TOTAL", 1);
    assert_int_equal(edits(world, "HASH_TOTAL",
                           edited(document, release_id, ",\"control_totals\":{\"qty\":\"10\"}",
                                  line(text, "WIDGET", "9", "EA", "")),
                           "\"replayed\":0,\"left\":1"),
                     200); /* it still does not add up: nothing is changed */
    assert_count(world, "SELECT count(*) FROM edit", 0);
    assert_exceptions(world, "HASH_TOTAL", 1);
    edited(document, release_id, ",\"control_totals\":{\"qty\":\"10\"}",
           line(text, "WIDGET", "10", "EA", ""));
    assert_int_equal(edits(world, "HASH_TOTAL", document, "\"replayed\":1,\"left\":0"), 200);
    assert_exceptions(world, "HASH_TOTAL", 0);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
    assert_count(world,
                 "SELECT count(*) FROM edit WHERE by = 'op' AND reason = 'a typing error' AND"
                 " CAST(before AS TEXT) LIKE '%\"qty_shipped\":\"1\"%' AND CAST(after AS TEXT) LIKE "
                 "'%\"qty_shipped\":\"10\"%'",
                 1);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, ",\"control_totals\":{\"qty\":\"10\"}",
         line(text, "WIDGET", "1", "EA", "")); /* the site repeats what it had said: that is known */
    settles(world);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_shipments(world, 1, 0);
}

static void a_parked_line_is_edited_and_nothing_else_of_its_document(void **state) {
    char release_id[XD_ID_SIZE], document[EDIT_SIZE];
    static const char good[] = "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"4\",\"uom\":\"EA\"}";
    static const char other[] = "{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"5\",\"uom\":\"EA\"}";
    struct hub_world *world = ten(state, release_id);
    char lines[512];
    snprintf(lines, sizeof lines,
             "%s,{\"line_id\":\"7\",\"sku\":\"WIDGET\",\"qty_shipped\":\"6\",\"uom\":\"EA\"}", good);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, "", lines);
    settles(world);
    assert_exceptions(world, "UNMATCHED_LINE", 1);
    assert_line(world, 1, "1", "0 0 6 4 0 0 0");
    snprintf(lines, sizeof lines,
             "%s,{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"6\",\"uom\":\"EA\"}", other);
    (void)edits(world, "UNMATCHED_LINE", edited(document, release_id, "", lines),
                "only the line that is parked");
    assert_line(world, 1, "1", "0 0 6 4 0 0 0");
    snprintf(lines, sizeof lines,
             "%s,{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"6\",\"uom\":\"EA\"}", good);
    (void)edits(world, "UNMATCHED_LINE", edited(document, release_id, "", lines),
                "\"replayed\":1,\"left\":0");
    assert_exceptions(world, "UNMATCHED_LINE", 0);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_count(world, "SELECT count(*) FROM edit", 1);
    assert_step(world, 1, "exception.resolved", 1);
}

static void an_edit_must_be_a_confirmation_of_that_id_and_say_why(void **state) {
    char release_id[XD_ID_SIZE], text[512], document[EDIT_SIZE];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, ",\"control_totals\":{\"qty\":\"10\"}",
         line(text, "WIDGET", "1", "EA", ""));
    settles(world);
    assert_int_equal(edits(world, "HASH_TOTAL", "{\"confirmation_id\":\"C-1\"}", "\"invalid_document\""),
                     422);
    assert_int_equal(edits(world, "HASH_TOTAL", "\"text\"", "/document"), 422);
    edited(document, release_id, "", line(text, "WIDGET", "10", "EA", ""));
    memcpy(strstr(document, "C-1"), "C-2", 3);
    assert_int_equal(edits(world, "HASH_TOTAL", document, "keeps its confirmation_id"), 200);
    assert_int_equal(world_replay(world, "{\"document\":{}}", "/exceptions"), 422);
    assert_int_equal(world_replay(world, "{\"exceptions\":[\"E1\"],\"document\":{}}", "/reason"), 422);
    assert_int_equal(world_replay(world, "{\"exceptions\":[\"E1\"]}", "not_found"), 404);
    assert_exceptions(world, "HASH_TOTAL", 1);
    assert_count(world, "SELECT count(*) FROM edit", 0);
}

static void plan_refuses_shipments(struct hub_world *world, const struct xd_erp_call *call,
                                   struct call_plan *plan) {
    (void)world;
    if (call->request.kind == XD_ERP_SHIPMENT) {
        *plan =
            (struct call_plan){.lands_ms = -1, .answers_ms = 10, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

/* Two that the ERP refused, and one that is parked for another reason. */
static void what_a_filter_finds_is_replayed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->plan = plan_refuses_shipments;
    ships(world, 1, release_id, "4", "");
    world_quiet(world);
    char text[512];
    says(world, "C-2", 1, "SHIP", "S-2", release_id, "", line(text, "WIDGET", "6", "EA", ""));
    says(world, "C-3", 1, "SHIP", "S-3", "RNOBODYKNOWSTHIS00", "", line(text, "WIDGET", "1", "EA", ""));
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 2);
    world->plan = NULL;
    assert_int_equal(
        world_replay(world, "{\"code\":\"ERP_REJECTED_SHIPMENT\",\"limit\":1}", "\"next_cursor\""), 200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    assert_int_equal(world_replay(world, "{\"site\":\"WH1\"}", "\"replayed\":1,\"left\":1"), 200);
    settles(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 0);
    assert_exceptions(world, "UNKNOWN_RELEASE", 1); /* its release is still not there */
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_shipments(world, 2, 0);
}

/* It is said once more after it was done: an answer may have been lost. Another edit has come too late. */
static void what_is_resolved_is_not_edited(void **state) {
    char release_id[XD_ID_SIZE], id[256], text[512], document[EDIT_SIZE];
    struct hub_world *world = ten(state, release_id);
    says(world, "C-1", 1, "SHIP", "S-1", release_id, ",\"control_totals\":{\"qty\":\"10\"}",
         line(text, "WIDGET", "1", "EA", ""));
    settles(world);
    world_query(world, "SELECT id FROM exception WHERE open = 1 AND code = 'HASH_TOTAL'", id);
    edited(document, release_id, "", line(text, "WIDGET", "10", "EA", ""));
    assert_int_equal(edits_of(world, id, document, "\"replayed\":1,\"left\":0"), 200);
    assert_int_equal(edits_of(world, id, document, "\"replayed\":1,\"left\":0"), 200);
    edited(document, release_id, "", line(text, "WIDGET", "9", "EA", ""));
    assert_int_equal(edits_of(world, id, document, "nothing is edited any more"), 409);
    assert_count(world, "SELECT count(*) FROM edit", 1);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_shipments(world, 1, 0);
}

static void plan_refuses_without_lot(struct hub_world *world, const struct xd_erp_call *call,
                                     struct call_plan *plan) {
    if (call->request.kind == XD_ERP_SHIPMENT && call->request.lines[0].lot == NULL) {
        plan_refuses_shipments(world, call, plan);
    }
}

/* The ERP wants a lot: it is added here, what left the site stays as its WMS says. */
static void a_refused_shipment_is_edited_and_posted_once(void **state) {
    static const char carton[] =
        ",\"cartons\":[{\"sscc\":\"00340123450000000018\",\"contents\":[{\"line_id\":\"1\","
        "\"qty\":\"6\",\"uom\":\"EA\",\"lot\":\"L-1\"},{\"line_id\":\"1\",\"qty\":\"4\","
        "\"uom\":\"EA\",\"lot\":\"L-2\"}]}]";
    char release_id[XD_ID_SIZE], text[512], document[EDIT_SIZE], id[256];
    struct hub_world *world = ten(state, release_id);
    world->plan = plan_refuses_without_lot;
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1);
    world_query(world, "SELECT id FROM exception WHERE open = 1", id);
    edited(document, release_id, "", line(text, "WIDGET", "9", "EA", ",\"lot\":\"L-1\""));
    (void)world_edit(world, id, document, "its WMS says that with the next version");
    edited(document, release_id, ",\"control_totals\":{\"qty\":\"9\"}",
           line(text, "WIDGET", "10", "EA", ",\"lot\":\"L-1\""));
    (void)world_edit(world, id, document, "would not add up");
    assert_count(world, "SELECT count(*) FROM edit", 0);
    edited(document, release_id, CARRIER, line(text, "WIDGET", "10", "EA", ""));
    (void)world_edit(world, id, document, "\"replayed\":1,\"left\":0");
    assert_exceptions(world, "ERP_REJECTED_SHIPMENT", 1); /* there is still no lot */
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    world_query(world, "SELECT id FROM exception WHERE open = 1", id);
    edited(document, release_id, carton, line(text, "WIDGET", "10", "EA", ""));
    assert_int_equal(edits_of(world, id, document, "\"replayed\":1,\"left\":0"), 200);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
    assert_line(world, 1, "1", "0 0 0 10 0 0 0");
    assert_both_stocks(world, "WIDGET", "90 0", -10);
    assert_shipments(world, 1, 0);
    assert_state(world, "C-1", 1, "POSTED");
    assert_settled(world, "C-1", "\"outcome\":\"posted\"");
    assert_count(world, "SELECT count(*) FROM edit", 2);
    assert_int_equal(hub_world_difference(world), 0);
    ships(world, 1, release_id, "10", ""); /* the site repeats what it had said: that is known */
    settles(world);
    ships(world, 2, release_id, "8", ""); /* what it says later counts as ever */
    world->plan = NULL;
    settles(world);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1 AND code LIKE 'CONFLICT%'", 0);
}

/* The order was cancelled after it had shipped, but for what another site gave up. */
static void a_refused_shipment_of_a_cancelled_order_is_edited_and_posted(void **state) {
    char release_id[XD_ID_SIZE], text[512], document[EDIT_SIZE];
    struct hub_world *world = world_with_stock(state, "6", "5");
    assert_int_equal(world_simple(world, 1, "", "11"), 202);
    world_quiet(world);
    world_release_id(world, 1, 1, release_id);
    world->plan = plan_refuses_without_lot;
    ships(world, 1, release_id, "6", "");
    world_quiet(world);
    assert_int_equal(world_cancel(world, 1, NULL), 202);
    world_quiet(world);
    world_answer(world, 1, 2, 2, "CANCEL_ACCEPTED");
    world_quiet(world);
    edited(document, release_id, "", line(text, "WIDGET", "6", "EA", ",\"lot\":\"L-1\""));
    assert_int_equal(edits(world, "ERP_REJECTED_SHIPMENT", document, "\"replayed\":1,\"left\":0"), 200);
    assert_line(world, 1, "1", "0 0 0 6 5 0 0");
    assert_state(world, "C-1", 1, "POSTED");
    assert_shipments(world, 1, 0);
    assert_count(world, "SELECT count(*) FROM exception WHERE open = 1", 0);
}

static void what_is_in_the_erp_in_part_is_not_edited(void **state) {
    char release_id[XD_ID_SIZE], text[512], document[EDIT_SIZE], id[256];
    struct hub_world *world = ten(state, release_id);
    world->plan = plan_refuses_shipments;
    ships(world, 1, release_id, "10", "");
    world_quiet(world);
    world->plan = NULL;
    takes_back(world, "V-1", release_id, "4"); /* six are left, and posted */
    world->plan = plan_refuses_shipments;
    world_quiet(world);
    world_query(world, "SELECT id FROM exception WHERE open = 1 AND code = 'ERP_REJECTED_SHIPMENT'", id);
    edited(document, release_id, "", line(text, "WIDGET", "10", "EA", ",\"lot\":\"L-1\""));
    (void)world_edit(world, id, document, "was taken back");
    assert_count(world, "SELECT count(*) FROM edit", 0);
    assert_line(world, 1, "1", "0 0 4 6 0 0 0");
}

static void refused_sales_are_replayed(void **state) {
    char id[256], body[512];
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "100");
    (void)hub_world_ledger(world, "UPDATE customer SET active = 0 WHERE code = 'CUST-1'");
    for (int number = 1; number <= 3; number++) {
        assert_int_equal(world_simple(world, number, "", "10"), 202);
    }
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SALE", 3);
    (void)hub_world_ledger(world, "UPDATE customer SET active = 1 WHERE code = 'CUST-1'");
    world_query(world,
                "SELECT e.id FROM exception e JOIN orders o ON o.order_id = e.order_id WHERE e.open = 1 AND"
                " o.external_order_id = 'PO-1'",
                id);
    snprintf(body, sizeof body, "{\"exceptions\":[\"%s\"],\"document\":{},\"reason\":\"try\"}", id);
    assert_int_equal(world_replay(world, body, "there is nothing to edit"), 200);
    snprintf(body, sizeof body, "{\"exceptions\":[\"%s\"],\"reason\":\"it is paid\"}", id);
    assert_int_equal(world_replay(world, body, "\"replayed\":1,\"left\":0"), 200);
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_SALE", 2);
    assert_status(world, 1, "IN_FULFILMENT");
    assert_step(world, 1, "exception.resolved", 1);
    assert_int_equal(world_replay(world, "{\"code\":\"ERP_REJECTED_SALE\"}", "\"replayed\":2,\"left\":0"),
                     200);
    settles(world);
    assert_exceptions(world, "ERP_REJECTED_SALE", 0);
    assert_status(world, 3, "IN_FULFILMENT");
    assert_ledger(world, "SELECT count(*) FROM sale", 3);
}

static void plan_refuses_adjustments(struct hub_world *world, const struct xd_erp_call *call,
                                     struct call_plan *plan) {
    (void)world;
    if (call->request.kind == XD_ERP_ADJUSTMENT) {
        *plan =
            (struct call_plan){.lands_ms = -1, .answers_ms = 10, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

static void refused_adjustments_are_replayed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    world->plan = plan_refuses_adjustments;
    hub_world_wms(&world->sites[0], "inventory",
                  "{\"advice_id\":\"I-1\",\"kind\":\"DELTA\",\"lines\":[{\"sku\":\"WIDGET\",\"qty\":\"-2\","
                  "\"uom\":\"EA\",\"reason\":\"DAMAGED\"}]}");
    world_quiet(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1);
    world->plan = NULL;
    assert_int_equal(
        world_replay(world, "{\"code\":\"ERP_REJECTED_ADJUSTMENT\"}", "\"replayed\":1,\"left\":0"), 200);
    settles(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 0);
    assert_ledger(world, "SELECT count(*) FROM stock WHERE sku = 'WIDGET' AND qty = '-2'", 1);
}

/* Not even where its code is named: to try it again is to decide. */
static void what_a_person_decides_is_not_replayed(void **state) {
    char release_id[XD_ID_SIZE];
    struct hub_world *world = ten(state, release_id);
    ships(world, 1, release_id, "4", ",\"status\":\"CC\"");
    settles(world);
    assert_exceptions(world, "STATUS_QTY_CONFLICT", 1);
    assert_int_equal(world_replay(world, "{\"code\":\"STATUS_QTY_CONFLICT\"}", "a person decides about it"),
                     200);
    assert_int_equal(world_replay(world, "{}", "\"replayed\":0,\"left\":0"), 200);
    assert_exceptions(world, "STATUS_QTY_CONFLICT", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ROW(exact),
        ROW(short_backorder_allowed),
        ROW(short_without_a_status_stays_open),
        ROW(short_without_a_status_is_closed_where_the_setting_says_so),
        ROW(short_without_a_status_is_asked_about),
        ROW(short_without_a_status_is_what_its_site_means),
        ROW(short_final),
        ROW(a_status_that_contradicts_the_quantity_holds_the_remainder),
        ROW(over_within_tolerance),
        ROW(over_beyond_tolerance),
        ROW(over_what_went_to_another_release_says_so),
        ROW(the_tolerance_is_the_tenants_where_it_has_one),
        ROW(the_tolerance_is_the_orders_own_where_it_says_one),
        ROW(an_order_that_tolerates_nothing_is_shipped_over_by_any_excess),
        ROW(an_order_that_tolerates_more_than_can_be_counted_is_billed_in_full),
        ROW(a_substitute_that_is_allowed),
        ROW(a_substitute_that_is_not_allowed),
        ROW(a_line_that_matches_nothing),
        ROW(an_item_that_the_site_calls_otherwise),
        ROW(several_shipments_of_one_release),
        ROW(a_duplicate_is_ignored),
        ROW(the_same_version_with_other_content_is_parked),
        ROW(a_correction_of_the_carrier_is_patched),
        ROW(a_correction_of_the_carrier_comes_while_the_erp_is_called),
        ROW(a_correction_of_the_quantity_reverses_and_reposts),
        ROW(a_correction_of_the_lot_reverses_and_reposts),
        ROW(a_correction_waits_for_what_it_corrects),
        ROW(versions_that_come_out_of_order),
        ROW(a_correction_of_what_the_erp_refused),
        ROW(a_correction_whose_reversal_the_erp_refused_is_corrected_again),
        ROW(a_posting_that_the_erp_refused_is_tried_again),
        ROW(what_is_left_of_a_refused_posting_is_posted),
        ROW(what_is_left_of_a_refused_posting_is_refused),
        ROW(one_of_two_refused_postings_is_taken_back),
        ROW(the_refused_one_of_two_postings_is_taken_back),
        ROW(an_adjustment_that_the_erp_refused_is_tried_again),
        ROW(shipped_in_a_closed_period),
        ROW(an_unknown_release_parks_until_it_comes_or_somebody_is_told),
        ROW(an_unknown_release_is_told_of_after_the_time_of_the_policy),
        ROW(an_unknown_release_resumes_by_itself),
        ROW(before_the_release_was_acknowledged),
        ROW(cancel_requested_and_not_yet_shipped),
        ROW(shipped_while_the_cancel_was_pending),
        ROW(shipped_after_cancel_and_taken_back_is_cancelled),
        ROW(shipped_before_the_cancel_and_taken_back_is_asked_for),
        ROW(another_unit_that_converts_exactly),
        ROW(another_unit_that_does_not_convert_resumes_when_its_factor_comes),
        ROW(pieces_of_a_case_are_compared_in_base_units),
        ROW(cases_count_by_their_frozen_factor_after_pieces_too),
        ROW(pieces_that_are_short_are_a_backorder_of_pieces),
        ROW(pieces_that_are_short_for_good_close_the_line),
        ROW(pieces_beyond_the_cases_are_an_overshipment_of_pieces),
        ROW(pieces_that_are_whole_cases_are_cases),
        ROW(lots_of_pieces_in_a_case),
        ROW(cases_are_taken_back_after_pieces),
        ROW(pieces_of_a_case_are_taken_back),
        ROW(an_order_that_counts_in_pieces_is_changed_in_cases),
        ROW(an_order_that_counts_in_pieces_is_revised_in_cases),
        ROW(a_site_answers_in_the_unit_that_it_was_told),
        ROW(several_lots),
        ROW(several_lots_line_by_line),
        ROW(a_lot_that_is_recalled),
        ROW(a_lot_that_had_expired),
        ROW(a_lot_that_the_reference_data_names_as_recalled),
        ROW(a_recalled_lot_in_a_carton),
        ROW(serial_numbers_that_fit),
        ROW(serial_numbers_that_are_missing),
        ROW(serial_numbers_that_are_repeated),
        ROW(serial_numbers_that_nobody_named),
        ROW(control_totals_that_fail),
        ROW(control_totals_that_hold),
        ROW(a_void_undoes_the_whole_shipment),
        ROW(a_void_of_a_version_of_itself),
        ROW(a_void_that_comes_before_its_shipment_waits_for_it),
        ROW(a_void_of_a_confirmation_that_is_parked),
        ROW(a_reversal_of_a_line_in_full),
        ROW(a_reversal_of_a_part_reposts_what_is_left),
        ROW(a_line_that_is_reversed_beside_one_that_ships),
        ROW(an_overshipment_that_is_taken_back),
        ROW(a_shipment_is_taken_back_while_the_erp_has_not_got_it),
        ROW(what_is_open_again_counts_against_the_customers_limit),
        ROW(a_parked_document_is_edited_and_replayed),
        ROW(a_parked_line_is_edited_and_nothing_else_of_its_document),
        ROW(an_edit_must_be_a_confirmation_of_that_id_and_say_why),
        ROW(what_a_filter_finds_is_replayed),
        ROW(what_is_resolved_is_not_edited),
        ROW(a_refused_shipment_is_edited_and_posted_once),
        ROW_OF_TWO(a_refused_shipment_of_a_cancelled_order_is_edited_and_posted),
        ROW(what_is_in_the_erp_in_part_is_not_edited),
        ROW(refused_sales_are_replayed),
        ROW(refused_adjustments_are_replayed),
        ROW(what_a_person_decides_is_not_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
