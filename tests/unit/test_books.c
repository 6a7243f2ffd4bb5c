/* The books: what is born in the ERP, what is invoiced, and what differs between both sides. The ERP is the
 * ledger; what its users do is done by SQL, as by somebody who knows nothing of the hub. */
#include "unit/hub_world.h"
#include "unit/hub_world_orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL ((xd_ms)30000)

static const struct xd_client_row operator_client = {.client = "olga", .tenant = "acme", .role = "operator"};

static int setup(void **state) {
    int result = hub_world_setup(state);
    struct hub_world *world = *state;
    world->books.poll_ms = POLL;
    world->books.invoice_ms = 7 * 24 * 60 * MINUTE_MS;
    hub_world_crash(world);
    hub_world_start(world);
    return result;
}

static void settle(struct hub_world *world) {
    hub_world_run(world, POLL + 10000);
    assert_true(hub_world_quiet(world, 5 * MINUTE_MS));
}

/* A sale with two lines of WIDGET, typed into the ledger. */
static void type_sale(struct hub_world *world, int number, const char *site, const char *sku,
                      const char *qty) {
    char sql[800];
    snprintf(sql, sizeof sql,
             "INSERT INTO sale_line(sale, line_id, number, sku, uom, qty, unit_price, shipped, closed)"
             " VALUES(%d, '1', 1, '%s', 'EA', '%s', '2', '0', 0)",
             number, sku, qty);
    (void)hub_world_ledger(world, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO sale(number, reference, fingerprint, tenant, site, customer, currency, ordered_at,"
             " state, ship_to) VALUES(%d, '=T-%d', x'', 'default', '%s', 'CUST-1', 'EUR', 1000, 'open',"
             " '{\"name\":\"Shop\",\"address\":[\"1 Road\"],\"city\":\"Leeds\",\"postal_code\":\"LS1\","
             "\"country\":\"GB\"}')",
             number, number, site);
    (void)hub_world_ledger(world, sql);
}

static void change_typed(struct hub_world *world, int number, const char *qty, const char *sale_state) {
    char sql[300];
    snprintf(sql, sizeof sql, "UPDATE sale_line SET qty = '%s' WHERE sale = %d", qty, number);
    (void)hub_world_ledger(world, sql);
    snprintf(sql, sizeof sql, "UPDATE sale SET state = '%s' WHERE number = %d", sale_state, number);
    (void)hub_world_ledger(world, sql);
}

static void order_is(struct hub_world *world, const char *external, const char *expected) {
    char sql[300], text[256];
    snprintf(sql, sizeof sql,
             "SELECT ordered || ' ' || released || ' ' || shipped || ' ' || cancelled || ' ' || invoiced"
             " FROM order_line WHERE n = (SELECT n FROM orders WHERE external_order_id = '%s')",
             external);
    world_query(world, sql, text);
    assert_string_equal(text, expected);
}

static void ship(struct hub_world *world, const char *external, const char *confirmation, const char *qty) {
    char id[XD_ID_SIZE];
    hub_world_release_id(world, external, id);
    assert_true(id[0] != 0);
    hub_world_ship(&world->sites[0], confirmation, id, qty, "");
    settle(world);
}

/* ---- born in the ERP ---- */

static void sale_of_the_erp_becomes_an_order_and_its_shipment_is_posted_to_it(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE];
    type_sale(world, 1, "WH1", "WIDGET", "10");
    settle(world);
    order_is(world, "T-1", "10 10 0 0 0");
    assert_count(world,
                 "SELECT count(*) FROM orders WHERE client = 'erp' AND channel_type = 'erp' AND"
                 " channel_account = 'main' AND sale_reference = '=T-1' AND steps = 31",
                 1);
    hub_world_release_id(world, "T-1", id);
    assert_non_null(hub_world_heard(&world->sites[0], "release", id));
    hub_world_order_id(world, "T-1", id);
    assert_int_equal(hub_world_events(world, "default.order.accepted.erp", id) +
                         hub_world_events(world, "order.accepted.erp", id),
                     1);
    ship(world, "T-1", "C-1", "10");
    order_is(world, "T-1", "10 0 10 0 10");
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE sale = 1", 1);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE state = 'shipped'", 1);
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    settle(world);
    settle(world);
    assert_count(world, "SELECT count(*) FROM orders", 1);
    assert_int_equal(hub_world_order_status(world, "T-1"), XD_ORDER_INVOICED);
    assert_int_equal(hub_world_difference(world), 0);
}

static void sale_that_changes_or_is_cancelled_in_the_erp_is_followed(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 1, "WH1", "WIDGET", "10");
    type_sale(world, 2, "WH1", "WIDGET", "3");
    settle(world);
    change_typed(world, 1, "12", "open");
    settle(world);
    order_is(world, "T-1", "12 12 0 0 0");
    assert_count(world, "SELECT revision FROM orders WHERE external_order_id = 'T-1'", 2);
    assert_count(world, "SELECT count(*) FROM release", 3);
    change_typed(world, 2, "0", "cancelled");
    settle(world);
    assert_non_null(hub_world_heard(&world->sites[0], "release", "CANCEL"));
    settle(world);
    assert_count(world, "SELECT cancelled FROM orders WHERE external_order_id = 'T-2'", 1);
    assert_count(world, "SELECT revision FROM orders WHERE external_order_id = 'T-1'", 2);
}

static void sale_that_lacks_something_here_waits_and_resumes(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 1, "WH9", "WIDGET", "1");
    world_put(world, "products", "{\"sku\":\"WIDGET\",\"description\":\"w\",\"base_uom\":\"EA\"}");
    type_sale(world, 2, "WH1", "GADGET", "2");
    type_sale(world, 3, "WH1", "WIDGET", "3");
    settle(world);
    settle(world);
    assert_count(world, "SELECT count(*) FROM orders", 1);
    order_is(world, "T-3", "3 3 0 0 0");
    assert_exceptions(world, "ERP_SALE_REFUSED", 2);
    assert_count(world, "SELECT count(*) FROM exception WHERE detail LIKE '%no site WH9%'", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE detail LIKE '/lines/0/sku: is not known%'", 1);
    world_put(world, "products", "{\"sku\":\"GADGET\",\"description\":\"g\",\"base_uom\":\"EA\"}");
    settle(world);
    order_is(world, "T-2", "2 2 0 0 0");
    assert_exceptions(world, "ERP_SALE_REFUSED", 1);
    (void)hub_world_add_site(world, "WH9");
    settle(world);
    order_is(world, "T-1", "1 1 0 0 0");
    assert_exceptions(world, "ERP_SALE_REFUSED", 0);
}

static void what_was_taken_is_not_taken_twice_by_a_hub_that_went_back(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 1, "WH1", "WIDGET", "10");
    hub_world_copy(world);
    settle(world);
    char before[XD_ID_SIZE], after[XD_ID_SIZE];
    hub_world_release_id(world, "T-1", before);
    hub_world_restore(world);
    settle(world);
    hub_world_release_id(world, "T-1", after);
    assert_string_equal(before, after);
    assert_count(world, "SELECT count(*) FROM orders", 1);
}

/* ---- invoices ---- */

static void invoice_is_told_once_and_the_order_is_invoiced(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE], id[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    hub_world_order_id(world, "PO-1", id);
    ship(world, "PO-1", "C-1", "4");
    order_is(world, "PO-1", "10 6 4 0 4");
    assert_int_equal(hub_world_events(world, "acme.order.invoiced.portal", id), 1);
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_PART_SHIPPED);
    ship(world, "PO-1", "C-2", "6");
    order_is(world, "PO-1", "10 0 10 0 10");
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_INVOICED);
    hub_world_crash(world);
    hub_world_start(world);
    settle(world);
    settle(world);
    assert_int_equal(hub_world_events(world, "acme.order.invoiced.portal", id), 2);
    assert_count(world, "SELECT count(*) FROM timeline WHERE step = 'invoice.seen'", 2);
}

#define BOOKS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, hub_world_teardown)

int main(void) {
    (void)operator_client;
    const struct CMUnitTest tests[] = {
        BOOKS_TEST(sale_of_the_erp_becomes_an_order_and_its_shipment_is_posted_to_it),
        BOOKS_TEST(sale_that_changes_or_is_cancelled_in_the_erp_is_followed),
        BOOKS_TEST(sale_that_lacks_something_here_waits_and_resumes),
        BOOKS_TEST(what_was_taken_is_not_taken_twice_by_a_hub_that_went_back),
        BOOKS_TEST(invoice_is_told_once_and_the_order_is_invoiced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
