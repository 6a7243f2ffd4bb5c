/* What a site may say without harm to others: of orders that were never made, of another
 * site's releases, and what nobody can read a second time. Authentic all of it. */
#include "unit/hub_world.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* The site gives a release "back", through its own outbox. */
static void give_back(struct world_site *site, const char *text) {
    const struct xd_store_tx *tx = &site->store.delivery.tx;
    struct xd_document document;
    struct xd_problems problems;
    memset(&document, 0, sizeof document);
    memset(&problems, 0, sizeof problems);
    assert_ok(tx->begin(tx->context));
    assert_ok(xd_document_parse(xd_bytes_of_text(text), &document, &problems));
    struct xd_outbox_row row = {.kind = XD_DOC_ECHO,
                                .document_id = "R",
                                .version = 1,
                                .hash = document.hash,
                                .accepted_at = site->world->now.wall,
                                .body = xd_bytes_of_text(text)};
    assert_ok(xd_line_append(&site->site.line, 0, &row));
    assert_ok(tx->commit(tx->context));
    xd_document_free(&document);
}

static void a_site_cannot_make_up_an_order(void **state) {
    struct hub_world *world = *state;
    char text[1024];
    snprintf(text, sizeof text,
             "{\"release_id\":\"RAAAAAAAAAAAAAAAAA\",\"revision\":1,\"purpose\":\"ORIGINAL\","
             "\"order_id\":\"OAAAAAAAAAAAAAAAAA\",\"site_id\":\"WH1\",\"origin\":{\"tenant\":\"default\","
             "\"channel\":{\"type\":\"portal\",\"account\":\"web\"},\"external_order_id\":\"PO-666\","
             "\"customer_ref\":\"CUST-1\",\"currency\":\"EUR\"},"
             "\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty\":\"5\",\"uom\":\"EA\"}]}");
    give_back(&world->sites[0], text);
    assert_true(hub_world_quiet(world, MINUTE_MS));
    assert_count(world, "SELECT count(*) FROM orders", 0);
    assert_ledger(world, "SELECT count(*) FROM sale", 0);
    assert_exceptions(world, "UNUSABLE_DOCUMENT", 1);
}

/* More of them than one page of what waits: each must leave the queue when it is looked at. */
static void what_waits_for_another_sites_release_stops_nothing(void **state) {
    struct hub_world *world = *state;
    struct world_site *other = hub_world_add_site(world, "WH2");
    char release_id[XD_ID_SIZE], id[32];
    hub_world_copy(world);
    hub_world_released(world, 1, "10", release_id);
    hub_world_site_crash(&world->sites[0]); /* so that nobody gives it back too early */
    hub_world_restore(world);
    for (int index = 0; index < 20; index++) {
        snprintf(id, sizeof id, "C-%d", index);
        hub_world_ship(other, id, release_id, "10", "");
    }
    hub_world_run(world, 10000);
    assert_exceptions(world, "UNKNOWN_RELEASE", 20);
    hub_world_site_start(&world->sites[0]);
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_count(world, "SELECT count(*) FROM confirmation WHERE state = 2", 20);
}

/* "1e9" is ten digits when the hub writes it: what it kept is longer than what came. */
static void a_confirmation_that_cannot_be_read_again_does_not_hold_its_release(void **state) {
    struct hub_world *world = *state;
    char release_id[XD_ID_SIZE];
    hub_world_copy(world);
    hub_world_released(world, 1, "10", release_id);
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_format(
        &text,
        "{\"confirmation_id\":\"C-1\",\"kind\":\"SHIP\",\"shipment_id\":\"S-1\","
        "\"release_ids\":[\"%s\"],\"shipped_at\":\"2026-11-23T10:00:00+01:00\","
        "\"lines\":[{\"line_id\":\"1\",\"sku\":\"WIDGET\",\"qty_shipped\":\"10\",\"uom\":\"EA\"}],"
        "\"attributes\":{\"x\":[",
        release_id);
    for (int index = 0; index < 150000; index++) {
        xd_buffer_text(&text, "1e9,");
    }
    xd_buffer_text(&text, "0]}}");
    hub_world_wms(&world->sites[0], "confirmation", xd_buffer_string(&text));
    xd_buffer_free(&text);
    hub_world_restore(world);
    assert_true(hub_world_quiet(world, 10 * MINUTE_MS));
    assert_int_equal(hub_world_order_status(world, "PO-1"), XD_ORDER_IN_FULFILMENT);
    assert_exceptions(world, "UNUSABLE_DOCUMENT", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_site_cannot_make_up_an_order, hub_world_setup, hub_world_teardown),
        cmocka_unit_test_setup_teardown(what_waits_for_another_sites_release_stops_nothing, hub_world_setup,
                                        hub_world_teardown),
        cmocka_unit_test_setup_teardown(a_confirmation_that_cannot_be_read_again_does_not_hold_its_release,
                                        hub_world_setup, hub_world_teardown),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
