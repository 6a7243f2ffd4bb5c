/* What the API shows of the hub's world: every view is JSON and says what it should. */
#include "unit/hub_world.h"
#include "unit/hub_world_orders.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *view(struct xd_buffer *text, enum xd_result result) {
    assert_int_equal(result, XD_OK);
    cJSON *tree = cJSON_Parse(xd_buffer_string(text));
    if (tree == NULL) {
        fail_msg("no JSON: %s", xd_buffer_string(text));
    }
    xd_buffer_free(text);
    return tree;
}

static const char *member(const cJSON *tree, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(tree, name);
    assert_non_null(item);
    assert_non_null(item->valuestring);
    return item->valuestring;
}

static void an_order_is_shown_with_its_lines_and_releases(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer text;
    char order_id[XD_ID_SIZE], release_id[XD_ID_SIZE];
    xd_buffer_init(&text, 0);
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-\\\"1", release_id, "4", "");
    hub_world_ship(&world->sites[0], "C-2", release_id, "1", ",\"status\":\"CP\"");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_order_id(world, "PO-1", order_id);
    cJSON *tree = view(&text, xd_view_order(&world->store, order_id, &text));
    assert_string_equal(member(tree, "external_order_id"), "PO-1");
    assert_string_equal(member(tree, "status"), "CLOSED_SHORT");
    const cJSON *line = cJSON_GetObjectItem(tree, "lines")->child;
    assert_string_equal(member(line, "qty"), "10");
    assert_string_equal(member(line, "shipped"), "5");
    assert_string_equal(member(line, "cancelled"), "5");
    assert_string_equal(member(cJSON_GetObjectItem(tree, "releases")->child, "release_id"), release_id);
    cJSON_Delete(tree);
    tree = view(&text, xd_view_timeline(&world->store, order_id, &text));
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "steps")) >= 6);
    const cJSON *step;
    bool quoted = false;
    cJSON_ArrayForEach(step, cJSON_GetObjectItem(tree, "steps")) {
        const cJSON *id = cJSON_GetObjectItem(cJSON_GetObjectItem(step, "detail"), "confirmation_id");
        quoted = quoted || (id != NULL && strcmp(id->valuestring, "C-\"1") == 0);
    }
    assert_true(quoted); /* somebody's id with a quote in it is still JSON */
    cJSON_Delete(tree);
    tree = view(&text, xd_view_release(&world->store, release_id, &text));
    assert_string_equal(member(tree, "status"), "SHORT_CLOSED");
    assert_string_equal(member(cJSON_GetObjectItem(tree, "lines")->child, "closed"), "5");
    cJSON_Delete(tree);
    assert_int_equal(xd_view_order(&world->store, "O1", &text), XD_NOT_FOUND);
    assert_int_equal(xd_view_timeline(&world->store, "O1", &text), XD_NOT_FOUND);
    assert_int_equal(xd_view_release(&world->store, "R1", &text), XD_NOT_FOUND);
    xd_buffer_free(&text);
}

/* The member as JSON text; "none". */
static void assert_shown(const cJSON *tree, const char *name, const char *expected) {
    const cJSON *item = cJSON_GetObjectItem(tree, name);
    char *text = item != NULL ? cJSON_PrintUnformatted(item) : strdup("none");
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

#define SHOWN_LINE                                                                                           \
    "{\"external_line_id\":\"A\",\"sku\":\"WIDGET\",\"qty\":\"3\",\"uom\":\"EA\"},"                          \
    "{\"external_line_id\":\"B\",\"sku\":\"WIDGET\",\"qty\":\"10\",\"uom\":\"EA\","                          \
    "\"lot_constraint\":{\"lot\":\"L1\"},\"min_remaining_shelf_life\":30,\"serial_required\":true,"          \
    "\"hazmat\":null,\"temperature_class\":\"COLD\",\"attributes\":{\"gift\":true}}"

static void assert_how_it_ships(const cJSON *tree) {
    assert_shown(tree, "dates", "{\"ship_not_after\":\"2026-12-04\"}");
    assert_shown(tree, "freight", "{\"scac\":\"UPSN\"}");
    assert_shown(tree, "attributes", "{\"shop\":[1,\"2\"]}");
    assert_shown(cJSON_GetObjectItem(tree, "parties"), "ship_to",
                 "{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],\"city\":\"Leeds\","
                 "\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}");
    const cJSON *plain = cJSON_GetObjectItem(tree, "lines")->child, *line = plain->next;
    assert_shown(plain, "temperature_class", "none");
    assert_shown(plain, "serial_required", "none");
    assert_shown(line, "lot_constraint", "{\"lot\":\"L1\"}");
    assert_shown(line, "min_remaining_shelf_life", "30");
    assert_shown(line, "serial_required", "true");
    assert_shown(line, "hazmat", "null");
    assert_shown(line, "temperature_class", "\"COLD\"");
}

static void an_order_is_shown_with_how_it_is_to_ship(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer text;
    char order_id[XD_ID_SIZE];
    xd_buffer_init(&text, 0);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_copy(world);
    assert_int_equal(world_order(world, 1,
                                 "\"customer_po\":\"45\",\"dates\":{\"ship_not_after\":\"2026-12-04\"},"
                                 "\"freight\":{\"scac\":\"UPSN\"},\"attributes\":{\"shop\":[1,\"2\"]},",
                                 SHOWN_LINE),
                     202);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    hub_world_order_id(world, "PO-1", order_id);
    cJSON *tree = view(&text, xd_view_order(&world->store, order_id, &text));
    assert_how_it_ships(tree);
    assert_shown(tree, "customer_po", "\"45\"");
    assert_shown(tree, "preferred_site", "none"); /* WH1 was chosen for it */
    assert_shown(tree, "site", "\"WH1\"");
    assert_shown(cJSON_GetObjectItem(tree, "lines")->child->next, "attributes", "{\"gift\":true}");
    cJSON_Delete(tree);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    tree = view(&text, xd_view_order(&world->store, order_id, &text)); /* as its release says */
    assert_how_it_ships(tree);
    assert_shown(tree, "preferred_site", "none");
    cJSON_Delete(tree);
    hub_world_place(world, 2, "1");
    hub_world_order_id(world, "PO-2", order_id);
    tree = view(&text, xd_view_order(&world->store, order_id, &text));
    assert_shown(tree, "preferred_site", "\"WH1\"");
    assert_shown(tree, "freight", "none");
    cJSON_Delete(tree);
}

/* What an exception of the order names as its site. */
static void holds_at(struct hub_world *world, const char *order_id, const char *site) {
    struct xd_order_row row;
    char found[XD_SITE_SIZE];
    assert_ok(world->store.order_get(world->store.context, order_id, &row));
    assert_ok(xd_view_site_of(&world->store, &row, found));
    assert_string_equal(found, site);
}

static void an_order_names_the_sites_that_ship_it(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer text;
    struct xd_view_orders query = {.status = -1, .cursor = "", .max = 10};
    char order_id[XD_ID_SIZE];
    xd_buffer_init(&text, 0);
    (void)hub_world_add_site(world, "WH2");
    world_stock(world, "WH1", "WIDGET", "0"); /* which the order prefers */
    world_stock(world, "WH2", "WIDGET", "0");
    hub_world_place(world, 1, "10");
    hub_world_order_id(world, "PO-1", order_id);
    cJSON *tree = view(&text, xd_view_order(&world->store, order_id, &text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "ships_from")), 0);
    cJSON_Delete(tree);
    holds_at(world, order_id, "WH1");
    world_stock(world, "WH2", "WIDGET", "100");
    hub_world_run(world, 5000);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    tree = view(&text, xd_view_order(&world->store, order_id, &text));
    const cJSON *sites = cJSON_GetObjectItem(tree, "ships_from");
    assert_int_equal(cJSON_GetArraySize(sites), 1);
    assert_string_equal(sites->child->valuestring, "WH2");
    assert_string_equal(member(tree, "site"), "WH1");
    cJSON_Delete(tree);
    holds_at(world, order_id, "WH2");
    tree = view(&text, xd_view_order_list(&world->store, &query, &text));
    sites = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "orders")->child, "ships_from");
    assert_string_equal(sites->child->valuestring, "WH2");
    cJSON_Delete(tree);
    xd_buffer_free(&text);
}

static void orders_are_listed_page_by_page(void **state) {
    struct hub_world *world = *state;
    struct xd_view_orders query = {.status = -1, .cursor = "", .max = 2};
    struct xd_buffer text;
    char cursor[XD_ID_SIZE];
    int seen = 0;
    xd_buffer_init(&text, 0);
    for (int number = 1; number <= 5; number++) {
        hub_world_place(world, number, "1");
    }
    for (bool more = true; more;) {
        cJSON *tree = view(&text, xd_view_order_list(&world->store, &query, &text));
        const cJSON *next = cJSON_GetObjectItem(tree, "next_cursor");
        seen += cJSON_GetArraySize(cJSON_GetObjectItem(tree, "orders"));
        more = next != NULL;
        if (more) {
            snprintf(cursor, sizeof cursor, "%s", next->valuestring);
            query.cursor = cursor;
        }
        cJSON_Delete(tree);
    }
    assert_int_equal(seen, 5);
    query = (struct xd_view_orders){
        .tenant = "acme", .external_order_id = "PO-3", .status = -1, .cursor = "", .max = 10};
    cJSON *tree = view(&text, xd_view_order_list(&world->store, &query, &text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "orders")), 1);
    cJSON_Delete(tree);
    query.tenant = "other";
    tree = view(&text, xd_view_order_list(&world->store, &query, &text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "orders")), 0);
    cJSON_Delete(tree);
}

static void sites_exceptions_and_totals_are_shown(void **state) {
    struct hub_world *world = *state;
    const struct xd_exception_filter open_ones = {.open_only = true};
    struct xd_buffer text;
    char release_id[XD_ID_SIZE], order_id[XD_ID_SIZE], exception_id[XD_ID_SIZE];
    xd_buffer_init(&text, 0);
    (void)hub_world_add_site(world, "WH2");
    hub_world_released(world, 1, "10", release_id);
    hub_world_ship(&world->sites[0], "C-1", release_id, "11", "");
    hub_world_run(world, 40000);
    cJSON *tree = view(&text, xd_view_sites(&world->store, NULL, world->now.wall, &text));
    const cJSON *sites = cJSON_GetObjectItem(tree, "sites");
    assert_int_equal(cJSON_GetArraySize(sites), 2);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(sites->child, "online")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(sites->child, "streams")), 4);
    assert_string_equal(member(cJSON_GetObjectItem(sites->child, "status"), "site_id"), "WH1");
    cJSON_Delete(tree);
    tree = view(&text, xd_view_sites(&world->store, "WH2", world->now.wall + 10 * MINUTE_MS, &text));
    assert_string_equal(member(tree, "site"), "WH2");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(tree, "online")));
    cJSON_Delete(tree);
    assert_int_equal(xd_view_sites(&world->store, "WH9", world->now.wall, &text), XD_NOT_FOUND);
    xd_buffer_clear(&text);
    tree = view(&text, xd_view_exceptions(&world->store, &open_ones, "", 10, &text));
    const cJSON *exception = cJSON_GetObjectItem(tree, "exceptions")->child;
    assert_string_equal(member(exception, "code"), "OVERSHIP");
    assert_string_equal(member(exception, "document_id"), "C-1");
    assert_string_equal(member(exception, "release_id"), release_id);
    snprintf(exception_id, sizeof exception_id, "%s", member(exception, "id"));
    cJSON_Delete(tree);
    hub_world_order_id(world, "PO-1", order_id);
    tree = view(&text, xd_view_order(&world->store, order_id, &text));
    exception = cJSON_GetObjectItem(tree, "exceptions")->child;
    assert_string_equal(member(exception, "id"), exception_id);
    assert_string_equal(member(exception, "code"), "OVERSHIP");
    assert_null(exception->next);
    cJSON_Delete(tree);
    tree = view(&text, xd_view_reconciliation(&world->store, "WH1", &text));
    assert_string_equal(member(cJSON_GetObjectItem(tree, "confirmed"), "qty"), "11");
    assert_string_equal(member(cJSON_GetObjectItem(tree, "posted"), "qty"), "11");
    cJSON_Delete(tree);
    assert_int_equal(xd_view_reconciliation(&world->store, "NOPE", &text), XD_NOT_FOUND);
    assert_int_equal(
        xd_view_reconciliation(&world->store, "A-NAME-THAT-IS-LONGER-THAN-ANY-SITE-MAY-HAVE", &text),
        XD_NOT_FOUND);
    xd_buffer_clear(&text);
    tree = view(&text, xd_view_status(&world->store, world->now.wall, &text));
    assert_int_equal((int)cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "orders"), "SHIPPED")->valuedouble,
                     1);
    assert_int_equal((int)cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "erp_jobs"), "DONE")->valuedouble, 2);
    assert_int_equal((int)cJSON_GetObjectItem(tree, "open_exceptions")->valuedouble, 1);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "sites")), 2);
    cJSON_Delete(tree);
    xd_buffer_free(&text);
}

static void absurd_quantities_do_not_blind_the_reconciliation(void **state) {
    struct hub_world *world = *state;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    hub_world_place(world, 1, "999999999999999999");
    hub_world_place(world, 2, "0.000000000001");
    hub_world_place(world, 3, "999999999999999999");
    assert_true(hub_world_quiet(world, MINUTE_MS));
    cJSON *tree = view(&text, xd_view_reconciliation(&world->store, NULL, &text));
    cJSON_Delete(tree);
    assert_count(world, "SELECT count(*) FROM orders WHERE status = 0", 0);
}

#define hub_test(name) cmocka_unit_test_setup_teardown(name, hub_world_setup, hub_world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        hub_test(an_order_is_shown_with_its_lines_and_releases),
        hub_test(an_order_is_shown_with_how_it_is_to_ship),
        hub_test(an_order_names_the_sites_that_ship_it),
        hub_test(orders_are_listed_page_by_page),
        hub_test(sites_exceptions_and_totals_are_shown),
        hub_test(absurd_quantities_do_not_blind_the_reconciliation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
