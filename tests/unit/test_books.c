/* The books: what is born in the ERP, what is invoiced, and what differs between both sides. The ERP is the
 * ledger; what its users do is done by SQL, as by somebody who knows nothing of the hub. */
#include "hub/books/books_internal.h"
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

static void change_line(struct hub_world *world, int number, const char *line_id, const char *qty) {
    char sql[300];
    snprintf(sql, sizeof sql, "UPDATE sale_line SET qty = '%s' WHERE sale = %d AND line_id = '%s'", qty,
             number, line_id);
    (void)hub_world_ledger(world, sql);
    snprintf(sql, sizeof sql, "UPDATE sale SET state = 'open' WHERE number = %d", number);
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

/* ---- asking about the books ---- */

static unsigned ask_books_with(struct hub_world *world, world_write_fn write, const char *id,
                               const char *body, char out[400]) {
    struct api_call api = {.write = write, .client = &operator_client, .id = id, .body = strdup(body)};
    unsigned status = hub_world_post(world, &api);
    snprintf(out, 400, "%s", api.text != NULL ? api.text : "");
    hub_world_api_free(&api);
    free(api.body);
    return status;
}

static unsigned ask_books(struct hub_world *world, world_write_fn write, const char *id, char out[400]) {
    return ask_books_with(world, write, id, "{}", out);
}

static void wait_for_runs(struct hub_world *world, int steps) {
    for (int step = 0;
         step < steps && hub_world_count(world, "SELECT count(*) FROM book_run WHERE state < 2") > 0;
         step++) {
        hub_world_step(world);
    }
    assert_count(world, "SELECT count(*) FROM book_run WHERE state < 2", 0);
}

static void compare_now(struct hub_world *world) {
    char text[400];
    assert_int_equal(ask_books(world, xd_books_start, NULL, text), 202);
    assert_non_null(strstr(text, "\"state\":\"QUEUED\""));
    wait_for_runs(world, 600);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state <> 2", 0);
}

/* "KIND STATE REPAIR hub/erp, ..." of all. */
static void differences_are(struct hub_world *world, const char *expected) {
    char sql[700], text[256];
    size_t size = (size_t)snprintf(sql, sizeof sql,
                                   "SELECT coalesce(group_concat(k || ' ' || state || ' ' || repair"
                                   " || ' ' || hub_value || '/' || erp_value, ', '), '') FROM"
                                   " (SELECT CASE kind");
    for (int kind = 0; xd_difference_kind_names[kind] != NULL; kind++) {
        size += (size_t)snprintf(sql + size, sizeof sql - size, " WHEN %d THEN '%s'", kind,
                                 xd_difference_kind_names[kind]);
    }
    snprintf(sql + size, sizeof sql - size, " END k, * FROM book_difference ORDER BY kind, site, sku)");
    world_query(world, sql, text);
    assert_string_equal(text, expected);
}

static void the_only_difference(struct hub_world *world, char id[XD_ID_SIZE]) {
    char text[256];
    world_query(world, "SELECT id FROM book_difference WHERE state = 0", text);
    snprintf(id, XD_ID_SIZE, "%.31s", text);
}

static void approve(struct hub_world *world, unsigned expected) {
    char id[XD_ID_SIZE], text[400];
    the_only_difference(world, id);
    assert_int_equal(ask_books(world, xd_books_approve, id, text), expected);
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
    compare_now(world); /* the site has not answered yet: that is under way */
    differences_are(world, "");
    settle(world);
    assert_count(world, "SELECT cancelled FROM orders WHERE external_order_id = 'T-2'", 1);
    assert_count(world, "SELECT revision FROM orders WHERE external_order_id = 'T-1'", 2);
}

/* ---- ... and forgotten by a hub that was set back ---- */

/* Ten were typed, of which six and one are at the site, and four of those have shipped, when the hub goes
 * back to before that. */
static void forget_typed(struct hub_world *world) {
    world_stock(world, "WH1", "WIDGET", "6");
    settle(world);
    hub_world_copy(world);
    type_sale(world, 1, "WH1", "WIDGET", "10");
    settle(world);
    ship(world, "T-1", "C-1", "4");
    world_stock(world, "WH1", "WIDGET", "3");
    settle(world);
    order_is(world, "T-1", "10 3 4 0 4");
    assert_count(world, "SELECT count(*) FROM release", 2);
    hub_world_restore(world);
    assert_count(world, "SELECT count(*) FROM orders", 0);
}

/* It is whole again, goes on where it was, and is in the ERP once. */
static void typed_goes_on(struct hub_world *world) {
    char id[256];
    settle(world);
    order_is(world, "T-1", "10 3 4 0 4");
    assert_count(world, "SELECT count(*) FROM release", 2);
    assert_count(world, "SELECT count(*) FROM orders WHERE client = 'erp' AND sale_reference = '=T-1'", 1);
    assert_count(world,
                 "SELECT count(*) FROM exception WHERE open = 1 AND code IN ('ERP_SALE_REFUSED',"
                 " 'UNKNOWN_RELEASE', 'UNUSABLE_DOCUMENT')",
                 0);
    world_query(world,
                "SELECT release_id FROM release WHERE n = (SELECT n FROM release_line WHERE qty = '6')", id);
    hub_world_ship(&world->sites[0], "C-2", id, "2", "");
    settle(world);
    world_stock(world, "WH1", "WIDGET", "4");
    settle(world);
    order_is(world, "T-1", "10 4 6 0 6");
    assert_ledger(world, "SELECT count(*) FROM sale", 1);
    assert_ledger(world, "SELECT count(*) FROM shipment WHERE sale = 1", 2);
    assert_ledger(world, "SELECT count(*) FROM sale_line WHERE qty = '10' AND shipped = '6'", 1);
    compare_now(world);
    differences_are(world, "STOCK_HUB 0 0 4/-6"); /* the ledger was given no stock */
}

static void sale_of_the_erp_comes_back_from_its_site_and_is_whole_when_the_erp_says_it(void **state) {
    struct hub_world *world = *state;
    forget_typed(world);
    for (int step = 0; step < 1000 && hub_world_count(world, "SELECT count(*) FROM orders") == 0; step++) {
        hub_world_step(world);
    }
    assert_count(world, "SELECT count(*) FROM orders WHERE client = 'adopted' AND sale_reference = '=T-1'",
                 1);
    assert_count(world, "SELECT ordered FROM order_line", 7);
    assert_ledger(world, "SELECT count(*) FROM sale_line WHERE qty = '10'", 1);
    typed_goes_on(world);
}

static void sale_of_the_erp_that_waits_because_something_has_shipped_is_known_by_its_site(void **state) {
    struct hub_world *world = *state;
    forget_typed(world);
    world->sites[0].online = false;
    hub_world_run(world, 2 * POLL);
    assert_exceptions(world, "ERP_SALE_REFUSED", 1);
    world->sites[0].online = true;
    xd_site_line_up(&world->sites[0].site, world->now);
    typed_goes_on(world);
}

/* All that the site had has shipped, and three more were typed. */
static void sale_of_the_erp_is_not_over_before_the_erp_has_said_the_whole(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE];
    world_stock(world, "WH1", "WIDGET", "7");
    settle(world);
    hub_world_copy(world);
    type_sale(world, 1, "WH1", "WIDGET", "10");
    settle(world);
    hub_world_release_id(world, "T-1", id);
    hub_world_ship(&world->sites[0], "C-1", id, "7", "");
    settle(world);
    order_is(world, "T-1", "10 0 7 0 7");
    hub_world_restore(world);
    settle(world);
    order_is(world, "T-1", "10 0 7 0 7");
    world_stock(world, "WH1", "WIDGET", "3");
    settle(world);
    order_is(world, "T-1", "10 3 7 0 7");
    assert_ledger(world, "SELECT count(*) FROM sale_line WHERE qty = '10' AND shipped = '7'", 1);
}

static void add_typed_line(struct hub_world *world, int number, const char *sku, const char *qty) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "INSERT INTO sale_line(sale, line_id, number, sku, uom, qty, unit_price, shipped, closed)"
             " VALUES(%d, '2', 2, '%s', 'EA', '%s', '3', '0', 0)",
             number, sku, qty);
    (void)hub_world_ledger(world, sql);
    (void)hub_world_ledger(world, "UPDATE change SET n = n + 1");
}

static void lines_are(struct hub_world *world, const char *external, const char *expected) {
    char sql[300], text[256];
    snprintf(sql, sizeof sql,
             "SELECT group_concat(released || ' ' || shipped || ' ' || cancelled, ', ') FROM (SELECT * FROM "
             "order_line WHERE n = (SELECT n FROM orders WHERE external_order_id = '%s') ORDER BY number)",
             external);
    world_query(world, sql, text);
    assert_string_equal(text, expected);
}

static void close_short(struct hub_world *world, const char *external, const char *confirmation,
                        const char *line_id, const char *sku) {
    char id[XD_ID_SIZE], text[600];
    hub_world_release_id(world, external, id);
    snprintf(text, sizeof text,
             "{\"confirmation_id\":\"%s\",\"kind\":\"SHORT_CLOSE\",\"release_ids\":[\"%s\"],\"lines\":[{"
             "\"line_id\":\"%s\",\"sku\":\"%s\",\"qty_shipped\":\"0\",\"uom\":\"EA\",\"line_status\":"
             "\"SHORT_FINAL\"}]}",
             confirmation, id, line_id, sku);
    hub_world_wms(&world->sites[0], "confirmation", text);
    settle(world);
}

/* The ERP keeps what was ordered: that is no wish of anybody's. */
static void what_a_site_gives_up_of_a_typed_sale_is_not_wanted_again(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_ledger(world,
                           "CREATE TRIGGER keeps AFTER UPDATE OF closed ON sale_line WHEN NEW.closed <> 0"
                           " BEGIN UPDATE sale_line SET closed = 0 WHERE sale = NEW.sale AND line_id ="
                           " NEW.line_id; END"); /* the ledger would say 0 by itself */
    add_typed_line(world, 1, "GADGET", "4");
    type_sale(world, 1, "WH1", "WIDGET", "10");
    settle(world);
    close_short(world, "T-1", "C-1", "2", "GADGET");
    settle(world);
    lines_are(world, "T-1", "10 0 0, 0 0 4");
    assert_count(world, "SELECT count(*) FROM release", 1);
    assert_count(world, "SELECT revision FROM orders", 1);
    compare_now(world);
    differences_are(world, "");
    change_line(world, 1, "1", "12"); /* somebody wants more of the other one */
    settle(world);
    lines_are(world, "T-1", "12 0 0, 0 0 4");
    assert_count(world, "SELECT revision FROM orders", 2);
    change_line(world, 1, "2", "6"); /* and of this one after all */
    settle(world);
    lines_are(world, "T-1", "12 0 0, 6 0 0");
}

static void sale_of_the_erp_ships_from_its_site_and_no_other(void **state) {
    struct hub_world *world = *state;
    (void)hub_world_add_site(world, "WH2");
    world_stock(world, "WH1", "WIDGET", "0");
    world_stock(world, "WH2", "WIDGET", "100");
    type_sale(world, 1, "WH1", "WIDGET", "10");
    settle(world);
    assert_count(world, "SELECT count(*) FROM release", 0);
    assert_int_equal(hub_world_order_status(world, "T-1"), XD_ORDER_BACKORDERED);
    world_stock(world, "WH1", "WIDGET", "10");
    settle(world);
    assert_count(world, "SELECT count(*) FROM release WHERE site = 'WH1'", 1);
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

/* As people type addresses of their own country. */
static void sale_without_a_country_ships_to_the_one_that_is_configured(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 1, "WH1", "WIDGET", "1");
    type_sale(world, 2, "WH1", "WIDGET", "2");
    type_sale(world, 3, "WH1", "WIDGET", "3");
    (void)hub_world_ledger(world,
                           "UPDATE sale SET ship_to = json_remove(ship_to, '$.country') WHERE number = 1");
    (void)hub_world_ledger(world,
                           "UPDATE sale SET ship_to = json_set(ship_to, '$.country', json('null')) WHERE "
                           "number = 2");
    settle(world);
    assert_exceptions(world, "ERP_SALE_REFUSED", 2);
    assert_count(world, "SELECT count(*) FROM orders", 1);
    world->erps[0].country = "IE";
    settle(world);
    assert_exceptions(world, "ERP_SALE_REFUSED", 0);
    order_is(world, "T-1", "1 1 0 0 0");
    order_is(world, "T-2", "2 2 0 0 0");
    assert_heard(&world->sites[0], "release", "\"external_order_id\":\"T-1\"", "\"country\":\"IE\"");
    assert_heard(&world->sites[0], "release", "\"external_order_id\":\"T-2\"", "\"country\":\"IE\"");
    assert_heard(&world->sites[0], "release", "\"external_order_id\":\"T-3\"", "\"country\":\"GB\"");
}

static enum xd_result (*real_find)(void *context, const char *tenant, const char *account, const char *number,
                                   struct xd_order_row *out);

static enum xd_result find_but_not_those(void *context, const char *tenant, const char *account,
                                         const char *number, struct xd_order_row *out) {
    bool poison = strcmp(number, "T-1") == 0 || strcmp(number, "T-2") == 0;
    return poison ? XD_INVALID : real_find(context, tenant, account, number, out);
}

static void entry_that_cannot_be_decided_on_holds_no_other_up(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 2, "WH9", "WIDGET", "1");
    type_sale(world, 3, "WH9", "WIDGET", "2");
    settle(world);
    real_find = world->store.order_find;
    world->store.order_find = find_but_not_those;
    type_sale(world, 1, "WH1", "WIDGET", "10");
    type_sale(world, 4, "WH1", "WIDGET", "4");
    (void)hub_world_add_site(world, "WH9");
    hub_world_run(world, 3 * MINUTE_MS);
    order_is(world, "T-4", "4 4 0 0 0");
    order_is(world, "T-3", "2 2 0 0 0");
    assert_exceptions(world, "ERP_ENTRY_UNUSABLE", 1);
    assert_count(world, "SELECT count(*) FROM exception WHERE document_id = 'sales/T-1'", 1);
    assert_count(world, "SELECT count(*) FROM erp_waiting WHERE number = 'T-2'", 1);
    world->store.order_find = real_find;
    settle(world);
    order_is(world, "T-2", "1 1 0 0 0");
}

static void decide(struct hub_world *world, const char *text) {
    const struct xd_store_tx *tx = &world->store.delivery.tx;
    struct xd_json_error error;
    cJSON *tree;
    assert_int_equal(
        xd_json_parse(xd_bytes_of_text(text), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, &tree, &error), XD_OK);
    assert_int_equal(tx->begin(tx->context), XD_OK);
    assert_int_equal(xd_books_decide(&world->hub, "main", XD_ERP_SHIPMENTS, tree, world->now), XD_OK);
    assert_int_equal(tx->commit(tx->context), XD_OK);
    cJSON_Delete(tree);
}

static void entry_that_cannot_be_read_is_told_once_and_no_more_when_it_can(void **state) {
    struct hub_world *world = *state;
    static const char bad[] =
        "{\"number\":\"7\",\"state\":\"done\",\"lines\":[{\"line_id\":null,\"sku\":\"WIDGET\"}]}";
    decide(world, bad);
    decide(world, bad);
    assert_count(world, "SELECT count(*) FROM exception WHERE document_id = 'main/shipments/7'", 1);
    assert_exceptions(world, "ERP_ENTRY_UNUSABLE", 1);
    decide(world, "{\"number\":\"7\",\"state\":\"done\",\"lines\":[]}");
    assert_exceptions(world, "ERP_ENTRY_UNUSABLE", 0);
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
    (void)hub_world_ledger(world,
                           "UPDATE shipment_line SET unbilled = '1'"); /* somebody corrects the invoice */
    (void)hub_world_ledger(world, "UPDATE change SET n = n + 1");
    (void)hub_world_ledger(world, "UPDATE shipment SET changed = (SELECT n FROM change)");
    settle(world);
    order_is(world, "PO-1", "10 6 4 0 3");
    assert_int_equal(hub_world_events(world, "acme.order.invoiced.portal", id), 1);
    (void)hub_world_ledger(world, "UPDATE shipment_line SET unbilled = '0'");
    (void)hub_world_ledger(world, "UPDATE change SET n = n + 1");
    (void)hub_world_ledger(world, "UPDATE shipment SET changed = (SELECT n FROM change)");
    ship(world, "PO-1", "C-2", "6");
    order_is(world, "PO-1", "10 0 10 0 10");
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_INVOICED);
    hub_world_crash(world);
    hub_world_start(world);
    settle(world);
    settle(world);
    assert_int_equal(hub_world_events(world, "acme.order.invoiced.portal", id), 2);
    assert_count(world, "SELECT count(*) FROM timeline WHERE step = 'invoice.seen'", 4);
}

/* ---- comparing ---- */

static void books_that_agree_have_no_difference(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    type_sale(world, 7, "WH1", "WIDGET", "3");
    ship(world, "PO-1", "C-1", "4");
    compare_now(world);
    differences_are(world, "");
    assert_count(world, "SELECT sales || shipments || invoices FROM book_run", 211);
    assert_exceptions(world, "BOOKS_DIFFER", 0);
    ship(world, "PO-1", "C-2", "6");
    ship(world, "T-7", "C-3", "3");
    compare_now(world);
    differences_are(world, "");
    assert_count(world, "SELECT count(*) FROM book_seen", 5);
}

static void sale_that_the_erp_has_lost_is_posted_again_once_approved(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE], id[XD_ID_SIZE], text[400];
    hub_world_released(world, 1, "10", release);
    (void)hub_world_ledger(world, "DELETE FROM sale_line");
    (void)hub_world_ledger(world, "DELETE FROM sale");
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_ERP 0 1 IN_FULFILMENT/");
    assert_count(world,
                 "SELECT count(*) FROM book_difference WHERE hub_document = 'acme/web/PO-1' AND"
                 " erp_document = 'S000001'",
                 1);
    assert_exceptions(world, "BOOKS_DIFFER", 1);
    approve(world, 202);
    approve(world, 404); /* none is open any more */
    settle(world);
    assert_ledger(world, "SELECT count(*) FROM sale WHERE reference = 'acme/web/PO-1'", 1);
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_ERP 2 1 IN_FULFILMENT/");
    assert_exceptions(world, "BOOKS_DIFFER", 0);
    assert_count(world,
                 "SELECT count(*) FROM timeline WHERE step = 'books.repair_approved' AND detail LIKE"
                 " '%\"by\":\"olga\"%'",
                 1);
    assert_int_equal(ask_books(world, xd_books_approve, "DNOTHING", text), 404);
    world_query(world, "SELECT id FROM book_difference", text);
    snprintf(id, sizeof id, "%.30s", text);
    assert_int_equal(ask_books(world, xd_books_approve, id, text), 409);
}

static void plan_no_posts(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (!call->list) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void repair_that_is_on_its_way_is_not_done_before_it_was_compared(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    (void)hub_world_ledger(world, "DELETE FROM sale_line");
    (void)hub_world_ledger(world, "DELETE FROM sale");
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_ERP 0 1 IN_FULFILMENT/");
    world->plan = plan_no_posts;
    approve(world, 202);
    compare_now(world);
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_ERP 1 1 IN_FULFILMENT/");
    assert_exceptions(world, "BOOKS_DIFFER", 1);
    world->plan = NULL;
    settle(world);
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_ERP 2 1 IN_FULFILMENT/");
    assert_exceptions(world, "BOOKS_DIFFER", 0);
}

static void plan_no_sales_listed(struct hub_world *world, const struct xd_erp_call *call,
                                 struct call_plan *plan) {
    (void)world;
    if (call->list && call->what == XD_ERP_SALES) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

static void difference_that_could_not_be_looked_for_is_not_gone(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    (void)hub_world_ledger(world, "UPDATE sale_line SET qty = '8'");
    compare_now(world);
    world->plan = plan_no_sales_listed;
    compare_now(world);
    differences_are(world, "SALE_QUANTITY 0 2 10/8");
    world->plan = NULL;
    (void)hub_world_ledger(world, "UPDATE sale_line SET qty = '10'");
    compare_now(world);
    differences_are(world, "SALE_QUANTITY 3 2 10/8");
}

static void shipment_that_the_erp_has_lost_is_posted_again_once_approved(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    ship(world, "PO-1", "C-1", "4");
    (void)hub_world_ledger(world, "DELETE FROM shipment_line");
    (void)hub_world_ledger(world, "DELETE FROM shipment");
    compare_now(world);
    differences_are(world, "SHIPMENT_MISSING_IN_ERP 0 1 PART_SHIPPED/");
    approve(world, 202);
    settle(world);
    assert_ledger(world, "SELECT count(*) FROM shipment", 1);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE state = 1 AND jobs_open = 0", 1);
    compare_now(world);
    differences_are(world, "SHIPMENT_MISSING_IN_ERP 2 1 PART_SHIPPED/");
}

static void quantities_and_states_that_differ_are_told_and_the_sale_is_changed(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    (void)hub_world_ledger(world, "UPDATE sale_line SET qty = '8'");
    compare_now(world);
    differences_are(world, "SALE_QUANTITY 0 2 10/8");
    approve(world, 202);
    settle(world);
    assert_ledger(world, "SELECT qty FROM sale_line", 10);
    compare_now(world);
    differences_are(world, "SALE_QUANTITY 2 2 10/8");
    (void)hub_world_ledger(world, "UPDATE sale SET state = 'cancelled'");
    compare_now(world);
    differences_are(world, "SALE_STATE 0 2 IN_FULFILMENT/cancelled, SALE_QUANTITY 2 2 10/8");
    (void)hub_world_ledger(world, "UPDATE sale SET state = 'open'"); /* somebody sees to it */
    compare_now(world);
    differences_are(world, "SALE_STATE 3 2 IN_FULFILMENT/cancelled, SALE_QUANTITY 2 2 10/8");
}

static void shipments_that_differ_are_told(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    ship(world, "PO-1", "C-1", "4");
    (void)hub_world_ledger(world, "UPDATE shipment_line SET qty = '3'");
    (void)hub_world_ledger(world, "INSERT INTO shipment(reference, fingerprint, sale, site, shipped_at)"
                                  " VALUES('by hand', x'', 1, 'WH1', 5)");
    compare_now(world);
    differences_are(world, "SHIPMENT_MISSING_IN_HUB 0 0 /done, SHIPMENT_QUANTITY 0 0 4/3");
    char id[XD_ID_SIZE], text[400];
    the_only_difference(world, id);
    assert_int_equal(ask_books(world, xd_books_approve, id, text), 409);
    assert_non_null(strstr(text, "not_repairable"));
    assert_int_equal(ask_books(world, xd_books_accept, id, text), 200);
    compare_now(world); /* it stays accepted */
    assert_count(world, "SELECT count(*) FROM book_difference WHERE state = 4 AND by = 'olga'", 1);
    assert_count(world, "SELECT count(*) FROM book_difference WHERE state = 0", 1);
}

static void sale_that_the_hub_does_not_know_is_taken_once_approved(void **state) {
    struct hub_world *world = *state;
    type_sale(world, 1, "WH1", "WIDGET", "10");
    (void)hub_world_ledger(world,
                           "UPDATE sale SET reference = 'acme/web/PO-9'"); /* of a hub that forgot it */
    settle(world);
    assert_count(world, "SELECT count(*) FROM orders", 0);
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_HUB 0 3 /open");
    approve(world, 202);
    settle(world);
    order_is(world, "S000001", "10 10 0 0 0");
    compare_now(world);
    differences_are(world, "SALE_MISSING_IN_HUB 2 3 /open");
}

static void invoices_that_are_missing_are_told(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    world->books.invoice_ms = 10 * MINUTE_MS;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_released(world, 1, "10", release);
    ship(world, "PO-1", "C-1", "10");
    (void)hub_world_ledger(world, "UPDATE shipment_line SET unbilled = '4'");
    compare_now(world);
    differences_are(world, "");
    hub_world_run(world, 11 * MINUTE_MS);
    compare_now(world);
    differences_are(world, "INVOICE_MISSING 0 0 10/6");
    (void)hub_world_ledger(world, "UPDATE shipment_line SET unbilled = '0'");
    (void)hub_world_count(world, "DELETE FROM erp_invoice_line");
    (void)hub_world_count(world, "DELETE FROM erp_invoice");
    (void)hub_world_count(world, "UPDATE order_line SET invoiced = '0'");
    compare_now(world);
    differences_are(world, "INVOICE_MISSING 3 0 10/6, INVOICE_MISSING_IN_HUB 0 4 /posted");
    approve(world, 202);
    settle(world);
    order_is(world, "PO-1", "10 0 10 0 10");
}

static void stock_is_compared_as_of_the_snapshot_and_as_of_now(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE], text[400], when[XD_TIME_TEXT_MAX];
    world_stock(world, "WH1", "WIDGET", "100");
    (void)hub_world_ledger(world, "INSERT INTO stock(site, sku, qty) VALUES('WH1', 'WIDGET', '100'),"
                                  " ('WH1', 'GADGET', '5'), ('ELSEWHERE', 'GADGET', '5')");
    hub_world_released(world, 1, "10", release);
    (void)xd_time_write(world->now.wall, when);
    snprintf(text, sizeof text,
             "{\"advice_id\":\"S-1\",\"kind\":\"SNAPSHOT\",\"as_of\":\"%s\",\"lines\":["
             "{\"sku\":\"WIDGET\",\"qty\":\"100\",\"uom\":\"EA\"},{\"sku\":\"GADGET\",\"qty\":\"5\",\"uom\":"
             "\"EA\"}]}",
             when);
    hub_world_wms(&world->sites[0], "inventory", text);
    hub_world_ship(&world->sites[0], "C-1", release, "4", "");
    settle(world);
    (void)hub_world_count(world,
                          "UPDATE job SET at = (SELECT max(received_at) FROM confirmation) WHERE kind = 1");
    hub_world_run(world, MINUTE_MS);
    compare_now(world);
    differences_are(world, "");
    assert_count(world, "SELECT stock FROM book_run", 2);
    (void)hub_world_ledger(world, "UPDATE stock SET qty = '90' WHERE sku = 'WIDGET'");
    (void)hub_world_ledger(world, "UPDATE stock SET qty = '7' WHERE sku = 'GADGET'");
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 5/7, STOCK_SITE 0 5 100/94, STOCK_HUB 0 0 96/90");
}

static void snapshot(struct hub_world *world, const char *advice, const char *qty) {
    char text[400], when[XD_TIME_TEXT_MAX];
    snprintf(text, sizeof text,
             "{\"advice_id\":\"%s\",\"kind\":\"SNAPSHOT\",\"as_of\":\"%s\",\"lines\":["
             "{\"sku\":\"WIDGET\",\"qty\":\"%s\",\"uom\":\"EA\"}]}",
             advice, xd_time_write(world->now.wall, when), qty);
    hub_world_wms(&world->sites[0], "inventory", text);
    settle(world);
}

/* 100 in the ERP, 100 here, and the site counts 97. */
static void counted_less(struct hub_world *world) {
    world_stock(world, "WH1", "WIDGET", "100");
    (void)hub_world_ledger(world, "INSERT INTO stock(site, sku, qty) VALUES('WH1', 'WIDGET', '100')");
    snapshot(world, "S-1", "97");
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 97/100");
}

static void stock_is_adjusted_in_the_erp_as_it_was_counted_once_approved(void **state) {
    struct hub_world *world = *state;
    counted_less(world);
    world->plan = plan_no_posts;
    approve(world, 202);
    compare_now(world); /* it is under way: nothing can be said of the place */
    differences_are(world, "STOCK_SITE 1 5 97/100");
    world->plan = NULL;
    hub_world_run(world, 3 * MINUTE_MS);
    settle(world);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 97);
    assert_ledger(world, "SELECT count(*) FROM adjustment WHERE reference LIKE 'repair/D%'", 1);
    assert_count(world, "SELECT on_hand FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 97);
    assert_null(hub_world_heard(&world->sites[0], "settled", "\"D")); /* the site has not asked for it */
    hub_world_run(world, MINUTE_MS);
    compare_now(world);
    differences_are(world, "STOCK_SITE 2 5 97/100");
    snapshot(world, "S-2", "97"); /* nor does it differ from the next count on */
    compare_now(world);
    differences_are(world, "STOCK_SITE 2 5 97/100");
    snapshot(world, "S-3", "95"); /* another one is another repair */
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 95/97");
    approve(world, 202);
    settle(world);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 95);
    assert_ledger(world, "SELECT count(*) FROM adjustment WHERE reference LIKE 'repair/D%'", 2);
}

/* What the hub goes by is right already, or nobody's matter but a list's. */
static void stock_that_differs_from_the_hubs_is_adjusted_in_the_erp_alone(void **state) {
    struct hub_world *world = *state;
    char id[256], text[400];
    counted_less(world);
    world_stock(world, "WH1", "WIDGET", "97");
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 97/100, STOCK_HUB 0 0 97/100");
    world_query(world, "SELECT id FROM book_difference WHERE repair = 0", id);
    assert_int_equal(ask_books(world, xd_books_approve, id, text), 409);
    assert_non_null(strstr(text, "not_repairable"));
    world_query(world, "SELECT id FROM book_difference WHERE repair = 5", id);
    assert_int_equal(ask_books(world, xd_books_approve, id, text), 202);
    settle(world);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 97);
    assert_count(world, "SELECT on_hand FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 97);
    hub_world_run(world, MINUTE_MS);
    compare_now(world);
    differences_are(world, "STOCK_SITE 2 5 97/100, STOCK_HUB 3 0 97/100");
}

static void plan_no_adjustments(struct hub_world *world, const struct xd_erp_call *call,
                                struct call_plan *plan) {
    (void)world;
    if (!call->list && call->request.kind == XD_ERP_ADJUSTMENT) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_REJECTED};
    }
}

static void adjustment_that_the_erp_refuses_leaves_the_difference_open(void **state) {
    struct hub_world *world = *state;
    counted_less(world);
    world->plan = plan_no_adjustments;
    approve(world, 202);
    settle(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1);
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 97/100");
    approve(world, 202); /* in place of the first one, which is not tried again */
    settle(world);
    assert_exceptions(world, "ERP_REJECTED_ADJUSTMENT", 1);
    assert_count(world, "SELECT count(*) FROM job WHERE kind = 2 AND state = 5", 1);
    snapshot(world, "S-2", "96");
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 96/100");
    assert_int_equal(world_resolve(world, "ERP_REJECTED_ADJUSTMENT", "retry"), 409); /* of 3, and it is 4 */
    snapshot(world, "S-3", "97");
    compare_now(world);
    world->plan = NULL;
    assert_int_equal(world_resolve(world, "ERP_REJECTED_ADJUSTMENT", "retry"), 200);
    assert_count(world, "SELECT state FROM book_difference", XD_DIFFERENCE_APPROVED);
    settle(world);
    assert_ledger(world, "SELECT qty FROM stock WHERE site = 'WH1' AND sku = 'WIDGET'", 97);
    hub_world_run(world, MINUTE_MS);
    compare_now(world);
    differences_are(world, "STOCK_SITE 2 5 97/100");
}

static void stock_that_was_accepted_stays_so_while_it_moves_on_both_sides(void **state) {
    struct hub_world *world = *state;
    char id[XD_ID_SIZE], text[400], release[XD_ID_SIZE];
    counted_less(world);
    the_only_difference(world, id);
    assert_int_equal(ask_books(world, xd_books_accept, id, text), 200);
    hub_world_released(world, 1, "10", release);
    ship(world, "PO-1", "C-1", "10");
    hub_world_run(world, MINUTE_MS);
    snapshot(world, "S-2", "87");
    compare_now(world);
    differences_are(world, "STOCK_SITE 4 5 87/90");
    assert_exceptions(world, "BOOKS_DIFFER", 0);
    snapshot(world, "S-3", "86"); /* one more is missing */
    compare_now(world);
    differences_are(world, "STOCK_SITE 0 5 86/90");
}

static void plan_no_shipments(struct hub_world *world, const struct xd_erp_call *call,
                              struct call_plan *plan) {
    (void)world;
    if (!call->list && call->request.kind == XD_ERP_SHIPMENT) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void plan_no_changes(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (!call->list && call->request.kind == XD_ERP_CHANGE) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void change_of_a_sale_that_is_under_way_is_no_difference(void **state) {
    struct hub_world *world = *state;
    world_stock(world, "WH1", "WIDGET", "4");
    assert_int_equal(world_simple(world, 1, "", "10"), 202);
    settle(world);
    world->plan = plan_no_changes;
    assert_int_equal(world_cancel(world, 1, "{\"lines\":[{\"line_id\":\"1\",\"qty\":\"6\"}]}"), 202);
    hub_world_run(world, 5000);
    assert_ledger(world, "SELECT qty FROM sale_line", 10);
    compare_now(world);
    differences_are(world, "");
    world->plan = NULL;
    settle(world);
    assert_ledger(world, "SELECT qty FROM sale_line", 4);
}

static void what_is_under_way_is_no_difference(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    world_stock(world, "WH1", "WIDGET", "100");
    (void)hub_world_ledger(world, "INSERT INTO stock(site, sku, qty) VALUES('WH1', 'WIDGET', '100')");
    hub_world_released(world, 1, "10", release);
    world->plan = plan_no_shipments;
    hub_world_ship(&world->sites[0], "C-1", release, "10", "");
    hub_world_run(world, 10000);
    compare_now(world);
    differences_are(world, "");
    world->plan = NULL;
    settle(world);
    compare_now(world);
    differences_are(world, "");
}

static void run_that_was_cut_off_begins_anew(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE], text[400];
    hub_world_released(world, 1, "10", release);
    (void)hub_world_ledger(world, "UPDATE sale_line SET qty = '8'");
    assert_int_equal(ask_books(world, xd_books_start, NULL, text), 202);
    hub_world_step(world);
    hub_world_step(world);
    hub_world_step(world);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 1", 1);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 20000);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2", 1);
    differences_are(world, "SALE_QUANTITY 0 2 10/8");
}

static void books_are_compared_when_it_is_time(void **state) {
    struct hub_world *world = *state;
    world->books.every_ms = 60 * MINUTE_MS;
    world->books.at_ms = 30 * MINUTE_MS;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 61 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2 AND by = ''", 1);
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 60 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2", 2);
    assert_count(world, "SELECT count(*) FROM book_run WHERE (queued_at / 60000) % 60 = 30", 2);
}

/* ---- an ERP that cannot be asked ---- */

static void with_two_erps(struct hub_world *world) {
    hub_world_crash(world);
    world->erp_count = 2;
    world->erps[1].shadow = true; /* as its books are the first one's, too */
    hub_world_start(world);
}

/* One of each, the second ERP's first. */
static void queue_both(struct hub_world *world) {
    char text[400];
    assert_int_equal(ask_books_with(world, xd_books_start, NULL, "{\"erp\":\"second\"}", text), 202);
    assert_int_equal(ask_books_with(world, xd_books_start, NULL, "{\"erp\":\"main\"}", text), 202);
}

static void last_runs_are(struct hub_world *world, int second, int main_state, const char *second_detail) {
    char text[256];
    world_query(world, "SELECT state || ' ' || detail FROM book_run WHERE erp = 'second' ORDER BY n DESC",
                text);
    assert_int_equal(text[0] - '0', second);
    assert_string_equal(text + 2, second_detail);
    world_query(world, "SELECT state FROM book_run WHERE erp = 'main' ORDER BY n DESC", text);
    assert_int_equal(text[0] - '0', main_state);
}

static void run_of_a_paused_erp_fails_and_the_next_one_begins(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE], text[400];
    hub_world_released(world, 1, "10", release);
    with_two_erps(world);
    assert_int_equal(ask_books(world, xd_hub_erp_pause, "second", text), 200);
    queue_both(world);
    wait_for_runs(world, 600);
    last_runs_are(world, XD_RUN_FAILED, XD_RUN_DONE, "The ERP second is paused.");
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 1);
    queue_both(world);
    wait_for_runs(world, 600);
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 1); /* the same one */
    assert_int_equal(ask_books(world, xd_hub_erp_resume, "second", text), 200);
    queue_both(world);
    wait_for_runs(world, 600);
    last_runs_are(world, XD_RUN_DONE, XD_RUN_DONE, "");
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 0);
}

static void run_of_each_erp_is_queued_also_when_one_waits_already(void **state) {
    struct hub_world *world = *state;
    char text[400];
    with_two_erps(world);
    assert_int_equal(ask_books_with(world, xd_books_start, NULL, "{\"erp\":\"second\"}", text), 202);
    assert_int_equal(ask_books_with(world, xd_books_start, NULL, "{\"erp\":\"second\"}", text), 202);
    assert_int_equal(ask_books(world, xd_books_start, NULL, text), 202);
    assert_non_null(strstr(text, "\"erp\":\"main\""));
    assert_non_null(strstr(text, "\"runs\":[{"));
    wait_for_runs(world, 600);
    assert_count(world, "SELECT count(*) FROM book_run WHERE erp = 'main' AND state = 2", 1);
    assert_count(world, "SELECT count(*) FROM book_run WHERE erp = 'second' AND state = 2 AND n > 1", 1);
}

static void plan_no_lists_of_the_second(struct hub_world *world, const struct xd_erp_call *call,
                                        struct call_plan *plan) {
    (void)world;
    if (call->list && call->lane == 1) {
        *plan = (struct call_plan){
            .lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE, .retry_after_ms = 3600000};
    }
}

static void run_of_an_erp_that_does_not_answer_fails_and_the_next_one_begins(void **state) {
    struct hub_world *world = *state;
    char release[XD_ID_SIZE];
    hub_world_released(world, 1, "10", release);
    with_two_erps(world);
    world->plan = plan_no_lists_of_the_second;
    queue_both(world);
    hub_world_run(world, MINUTE_MS);
    assert_count(world, "SELECT state FROM book_run WHERE erp = 'second'",
                 XD_RUN_RUNNING); /* it may come back */
    wait_for_runs(world, 1200);
    last_runs_are(world, XD_RUN_FAILED, XD_RUN_DONE, "The ERP second does not list its stock: as_planned");
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 1);
}

static void run_of_an_erp_whose_breaker_is_open_fails(void **state) {
    struct hub_world *world = *state;
    with_two_erps(world);
    world->hub.lanes[1].breaker.failures_max = 1;
    xd_breaker_called(&world->hub.lanes[1].breaker, 1);
    xd_breaker_failed(&world->hub.lanes[1].breaker, 1, &world->env, world->now.monotonic);
    queue_both(world);
    wait_for_runs(world, 1800);
    last_runs_are(world, XD_RUN_FAILED, XD_RUN_DONE,
                  "The ERP second is in trouble, and is not asked for a while.");
}

static void plan_no_lists(struct hub_world *world, const struct xd_erp_call *call, struct call_plan *plan) {
    (void)world;
    if (call->list) {
        *plan = (struct call_plan){.lands_ms = -1, .lies = true, .outcome = XD_ERP_UNAVAILABLE};
    }
}

static void run_goes_on_when_its_erp_answers_again(void **state) {
    struct hub_world *world = *state;
    char text[400];
    world->plan = plan_no_lists;
    assert_int_equal(ask_books(world, xd_books_start, NULL, text), 202);
    hub_world_run(world, MINUTE_MS);
    assert_count(world, "SELECT state FROM book_run", XD_RUN_RUNNING);
    world->plan = NULL;
    wait_for_runs(world, 600);
    assert_count(world, "SELECT state FROM book_run", XD_RUN_DONE);
}

/* ---- what an outage has cost ---- */

static void daily(struct hub_world *world) {
    world->books.every_ms = 24 * 60 * MINUTE_MS;
    world->books.at_ms = 30 * MINUTE_MS;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 1000); /* the first start waits for the next time */
    int64_t past = (world->now.wall - world->books.at_ms) % world->books.every_ms;
    xd_ms left = world->books.every_ms - past;
    world->now.wall += left - MINUTE_MS; /* the night before is not simulated */
    world->now.monotonic += left - MINUTE_MS;
}

static void books_that_fell_into_an_outage_are_compared_when_it_is_over(void **state) {
    struct hub_world *world = *state;
    daily(world);
    world->plan = plan_no_lists;
    hub_world_run(world, 30 * MINUTE_MS);
    assert_true(hub_world_count(world, "SELECT count(*) FROM book_run WHERE state = 3") >= 1);
    assert_true(hub_world_count(world, "SELECT count(*) FROM book_run") <= 3); /* it is not hunted */
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 1);
    world->plan = NULL;
    hub_world_crash(world);
    hub_world_start(world);
    hub_world_run(world, 20 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2 AND by = ''", 1);
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 0);
    hub_world_run(world, 60 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2", 1);
}

static void books_of_an_erp_that_was_paused_are_compared_when_it_goes_on(void **state) {
    struct hub_world *world = *state;
    char text[400];
    daily(world);
    assert_int_equal(ask_books(world, xd_hub_erp_pause, "main", text), 200);
    hub_world_run(world, 30 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run", 1);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 3", 1);
    assert_int_equal(ask_books(world, xd_hub_erp_resume, "main", text), 200);
    hub_world_run(world, 2 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run WHERE state = 2", 1);
    assert_exceptions(world, "BOOKS_NOT_COMPARED", 0);
}

/* Who has no time for them set, asks. */
static void books_that_are_compared_when_somebody_asks_are_not_compared_again(void **state) {
    struct hub_world *world = *state;
    char text[400];
    assert_int_equal(ask_books(world, xd_hub_erp_pause, "main", text), 200);
    assert_int_equal(ask_books(world, xd_books_start, NULL, text), 202);
    wait_for_runs(world, 600);
    assert_int_equal(ask_books(world, xd_hub_erp_resume, "main", text), 200);
    hub_world_run(world, 30 * MINUTE_MS);
    assert_count(world, "SELECT count(*) FROM book_run", 1);
}

#define BOOKS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOOKS_TEST(sale_of_the_erp_becomes_an_order_and_its_shipment_is_posted_to_it),
        BOOKS_TEST(sale_that_changes_or_is_cancelled_in_the_erp_is_followed),
        BOOKS_TEST(sale_of_the_erp_comes_back_from_its_site_and_is_whole_when_the_erp_says_it),
        BOOKS_TEST(sale_of_the_erp_that_waits_because_something_has_shipped_is_known_by_its_site),
        BOOKS_TEST(sale_of_the_erp_is_not_over_before_the_erp_has_said_the_whole),
        BOOKS_TEST(what_a_site_gives_up_of_a_typed_sale_is_not_wanted_again),
        BOOKS_TEST(sale_of_the_erp_ships_from_its_site_and_no_other),
        BOOKS_TEST(sale_that_lacks_something_here_waits_and_resumes),
        BOOKS_TEST(sale_without_a_country_ships_to_the_one_that_is_configured),
        BOOKS_TEST(entry_that_cannot_be_decided_on_holds_no_other_up),
        BOOKS_TEST(entry_that_cannot_be_read_is_told_once_and_no_more_when_it_can),
        BOOKS_TEST(what_was_taken_is_not_taken_twice_by_a_hub_that_went_back),
        BOOKS_TEST(invoice_is_told_once_and_the_order_is_invoiced),
        BOOKS_TEST(books_that_agree_have_no_difference),
        BOOKS_TEST(sale_that_the_erp_has_lost_is_posted_again_once_approved),
        BOOKS_TEST(repair_that_is_on_its_way_is_not_done_before_it_was_compared),
        BOOKS_TEST(difference_that_could_not_be_looked_for_is_not_gone),
        BOOKS_TEST(shipment_that_the_erp_has_lost_is_posted_again_once_approved),
        BOOKS_TEST(quantities_and_states_that_differ_are_told_and_the_sale_is_changed),
        BOOKS_TEST(shipments_that_differ_are_told),
        BOOKS_TEST(sale_that_the_hub_does_not_know_is_taken_once_approved),
        BOOKS_TEST(invoices_that_are_missing_are_told),
        BOOKS_TEST(stock_is_compared_as_of_the_snapshot_and_as_of_now),
        BOOKS_TEST(stock_is_adjusted_in_the_erp_as_it_was_counted_once_approved),
        BOOKS_TEST(stock_that_differs_from_the_hubs_is_adjusted_in_the_erp_alone),
        BOOKS_TEST(adjustment_that_the_erp_refuses_leaves_the_difference_open),
        BOOKS_TEST(stock_that_was_accepted_stays_so_while_it_moves_on_both_sides),
        BOOKS_TEST(what_is_under_way_is_no_difference),
        BOOKS_TEST(change_of_a_sale_that_is_under_way_is_no_difference),
        BOOKS_TEST(run_that_was_cut_off_begins_anew),
        BOOKS_TEST(books_are_compared_when_it_is_time),
        BOOKS_TEST(run_of_a_paused_erp_fails_and_the_next_one_begins),
        BOOKS_TEST(run_of_each_erp_is_queued_also_when_one_waits_already),
        BOOKS_TEST(run_of_an_erp_that_does_not_answer_fails_and_the_next_one_begins),
        BOOKS_TEST(run_of_an_erp_whose_breaker_is_open_fails),
        BOOKS_TEST(run_goes_on_when_its_erp_answers_again),
        BOOKS_TEST(books_that_fell_into_an_outage_are_compared_when_it_is_over),
        BOOKS_TEST(books_of_an_erp_that_was_paused_are_compared_when_it_goes_on),
        BOOKS_TEST(books_that_are_compared_when_somebody_asks_are_not_compared_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
