/* The ERP's list of stock: which sites it speaks for, and what it says of them. */
#include "unit/hub_world.h"
#include "unit/hub_world_orders.h"

#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

#define EVERY (15 * MINUTE_MS)

static void start(struct hub_world *world) {
    world->reference_ms = EVERY;
    world->erp_stock = true;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 5000);
}

static void next_load(struct hub_world *world) {
    hub_world_run(world, EVERY + 5000);
}

static void erp_has(struct hub_world *world, const char *site, const char *sku, const char *qty) {
    char sql[200];
    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO stock(site, sku, qty) VALUES('%s', '%s', '%s')", site,
             sku, qty);
    (void)hub_world_ledger(world, sql);
}

static void site_of_which_nobody_told_is_known_by_the_list_and_follows_it(void **state) {
    struct hub_world *world = *state;
    erp_has(world, "WH1", "WIDGET", "100");
    erp_has(world, "ELSEWHERE", "WIDGET", "7");
    start(world);
    assert_int_equal(world->lists, 3);
    assert_stock(world, "WH1", "WIDGET", "100 0");
    assert_count(world, "SELECT count(*) FROM stock", 1); /* a site of others is passed over */
    assert_count(world, "SELECT count(*) FROM stock WHERE source = 'erp'", 1);
    erp_has(world, "WH1", "WIDGET", "130");
    erp_has(world, "WH1", "GADGET", "-2");
    next_load(world);
    assert_stock(world, "WH1", "WIDGET", "130 0");
    assert_stock(world, "WH1", "GADGET", "-2 0");
}

static void without_the_key_the_list_is_not_read(void **state) {
    struct hub_world *world = *state;
    erp_has(world, "WH1", "WIDGET", "100");
    world->reference_ms = EVERY;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 5000);
    assert_int_equal(world->lists, 2);
    assert_count(world, "SELECT count(*) FROM stock", 0);
}

static void site_that_speaks_for_itself_is_left_alone(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_add_site(world, "WH2");
    world_stock(world, "WH2", "GADGET", "3");
    hub_world_wms(
        &world->sites[0], "inventory",
        "{\"advice_id\":\"S-1\",\"kind\":\"SNAPSHOT\",\"as_of\":\"2026-11-23T10:00:00Z\",\"lines\":["
        "{\"sku\":\"WIDGET\",\"qty\":\"50\",\"uom\":\"EA\"}]}");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    erp_has(world, "WH1", "WIDGET", "60");
    erp_has(world, "WH2", "GADGET", "100");
    erp_has(world, "WH2", "WIDGET", "100");
    start(world);
    assert_int_equal(world->lists, 3);
    assert_stock(world, "WH2", "GADGET", "3 0");
    assert_count(world, "SELECT count(*) FROM stock", 1);
}

static void once_somebody_told_of_a_site_the_erp_does_not_any_more(void **state) {
    struct hub_world *world = *state;
    erp_has(world, "WH1", "WIDGET", "20");
    erp_has(world, "WH1", "GADGET", "20");
    start(world);
    world_stock(world, "WH1", "WIDGET", "5");
    erp_has(world, "WH1", "GADGET", "30");
    next_load(world);
    assert_stock(world, "WH1", "WIDGET", "5 0");
    assert_stock(world, "WH1", "GADGET", "20 0");
}

static void plan_no_shipments(struct hub_world *world, const struct xd_erp_call *call,
                              struct call_plan *plan) {
    (void)world;
    if (!call->list && call->request.kind == XD_ERP_SHIPMENT) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void shipments_that_the_erp_has_not_are_not_there_any_more(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    erp_has(world, "WH1", "WIDGET", "100");
    start(world);
    hub_world_released(world, 1, "10", release_id);
    world->plan = plan_no_shipments;
    hub_world_ship(&world->sites[0], "C-1", release_id, "4", "");
    hub_world_run(world, MINUTE_MS);
    assert_stock(world, "WH1", "WIDGET", "96 6");
    next_load(world);
    assert_stock(world, "WH1", "WIDGET", "96 6"); /* the ERP still says 100 */
    world->plan = NULL;
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    next_load(world);
    assert_stock(world, "WH1", "WIDGET", "96 6"); /* and now 96 */
}

static void while_too_many_postings_wait_the_list_is_passed_over(void **state) {
    struct hub_world *world = *state;
    erp_has(world, "WH1", "WIDGET", "100");
    hub_world_crash(world);
    (void)hub_world_count(
        world, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 1000)"
               " INSERT INTO job(erp, kind, reference, state, attempt, due_at, sent_at, order_id, site,"
               " confirmation_id, confirmation_version, at, document, code, detail)"
               " SELECT 'main', 0, 'x/' || i, 4, 1, 0, 0, 'O', 'WH1', 'C', 1, 0, '', '', '' FROM n");
    hub_world_start(world);
    start(world);
    assert_int_equal(world->lists, 3);
    assert_count(world, "SELECT count(*) FROM stock", 0);
    (void)hub_world_count(world, "DELETE FROM job WHERE reference = 'x/1'");
    next_load(world);
    assert_stock(world, "WH1", "WIDGET", "100 0");
}

static void entry_that_cannot_be_used_is_left_out(void **state) {
    struct hub_world *world = *state;
    erp_has(world, "WH1", "A B", "100");
    erp_has(world, "WH1", "GADGET", "1");
    start(world);
    assert_stock(world, "WH1", "GADGET", "1 0");
    assert_count(world, "SELECT count(*) FROM stock", 1);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(site_of_which_nobody_told_is_known_by_the_list_and_follows_it),
        WORLD_TEST(without_the_key_the_list_is_not_read),
        WORLD_TEST(site_that_speaks_for_itself_is_left_alone),
        WORLD_TEST(once_somebody_told_of_a_site_the_erp_does_not_any_more),
        WORLD_TEST(shipments_that_the_erp_has_not_are_not_there_any_more),
        WORLD_TEST(while_too_many_postings_wait_the_list_is_passed_over),
        WORLD_TEST(entry_that_cannot_be_used_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
